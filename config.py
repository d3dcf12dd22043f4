"""What can be set: one immutable class, one line a setting, every unit named.

A value is taken from the first place that has it: the environment, `.env`, `performance.yaml`, the
default below. Nothing else in the project reads the environment.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from utils.greeting_text import GreetingTextError, split_greeting
from utils.settings_problems import readable, unknown_names
from utils.settings_urls import ice_urls, url

PERFORMANCE_FILE = "performance.yaml"
PERFORMANCE_SECTIONS = ("connection_pool", "room_limits", "audio_optimization", "quality_monitoring")
"""Names in that file that are no settings of a call: `rooms/performance/` reads them."""
ENV_FILE = ".env"

Profile = Literal["fast", "steady", "production"]
Isolation = Literal["shared", "process"]
PoolPolicy = Literal["round_robin", "lru"]
DispatchAt = Literal["token", "join"]
GreetingCacheMode = Literal["disk", "memory", "off"]
TurnDetection = Literal["words", "vad", "stt", "model"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

_EXPERIMENTS_ALLOWED = "allowed: experiment=variant with commas between, such as openers=off,greeting=warm"
_HINTS_ALLOWED = "allowed: ISO 639-1 codes with commas between, such as ar,en"


class SettingsError(Exception):
    """The settings cannot be used; `problems` has one readable line a field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


LiveKitUrl = Annotated[str, url("ws", "wss", "http", "https")]
HttpBaseUrl = Annotated[str, url("http", "https", suffix="/v1")]
WebsocketUrl = Annotated[str, url("ws", "wss")]
IceUrls = Annotated[tuple[str, ...], NoDecode, BeforeValidator(ice_urls)]


class Settings(BaseSettings):
    """All settings. A field's name in capitals is the name of its environment variable.

    Seconds are floats where livekit-agents also takes seconds. A turn setting that is left out takes the
    value of `PROFILE`. Raises `pydantic.ValidationError`; `load_settings` turns that into `SettingsError`.
    """

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        yaml_file=PERFORMANCE_FILE,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        str_strip_whitespace=True,
        hide_input_in_errors=True,
    )

    # LiveKit
    livekit_url: LiveKitUrl | None = Field(
        None,
        description="Websocket URL of the LiveKit server. `start` needs it; `dev` brings its own without it.",
    )
    livekit_api_key: str | None = Field(None, description="API key of the LiveKit server.")
    livekit_api_secret: SecretStr | None = Field(None, description="API secret of the LiveKit server.")
    agent_name: str = Field(
        "firstword", min_length=1, max_length=64, description="The name that calls are dispatched to."
    )

    # Providers
    openai_api_key: SecretStr | None = Field(None, description="OpenAI key; without it `dev` simulates the LLM.")
    soniox_api_key: SecretStr | None = Field(None, description="Soniox key; without it `dev` simulates the STT.")
    eleven_api_key: SecretStr | None = Field(None, description="ElevenLabs key; without it `dev` simulates the TTS.")
    openai_base_url: HttpBaseUrl = Field(
        "https://api.openai.com/v1", description="Base URL of the LLM's API; it ends in /v1."
    )
    soniox_base_url: WebsocketUrl = Field(
        "wss://stt-rt.soniox.com/transcribe-websocket", description="The STT's websocket URL itself."
    )
    elevenlabs_base_url: HttpBaseUrl = Field(
        "https://api.elevenlabs.io/v1", description="Base URL of the TTS's API; it ends in /v1."
    )
    llm_model: str = Field("gpt-4o-mini", min_length=1, description="Chat model.")
    stt_model: str = Field("stt-rt-v5", min_length=1, description="Soniox real-time model.")
    tts_model: str = Field("eleven_flash_v2_5", min_length=1, description="ElevenLabs model.")
    tts_voice: str = Field("hpp4J3VqNfWAUOO0d1Us", min_length=1, description="ElevenLabs voice id.")
    language_hints: Annotated[tuple[str, ...], NoDecode] = Field(
        ("ar", "en"), description="Languages that callers speak, ISO 639-1 codes with commas between."
    )
    max_tokens: int = Field(180, ge=16, le=4096, description="Longest reply in LLM tokens; a spoken answer is short.")

    # The opening
    greeting: str = Field(
        "",
        max_length=500,
        description="The first words of every call; {name} in a later sentence: the caller's. Empty: as in agent.py.",
    )
    greeting_cache_dir: Path | None = Field(
        None, description="Folder of the greetings' sound; without it firstword/greetings in the user's cache folder."
    )

    # The first word: each of these is an optimisation, and can be switched off to measure what it gives
    parallel_stages: bool = Field(True, description="Start all stages of a call at once, not one after the other.")
    voice_first: bool = Field(True, description="Publish the agent's voice before the caller is there.")
    defer_phase_two: bool = Field(
        True, description="Leave what the caller does not hear (handlers, metrics) until after the first word."
    )
    dispatch_at: DispatchAt = Field(
        "token", description="Send the agent with the caller's token (token) or by the caller's join (join)."
    )
    lazy_imports: bool = Field(True, description="Import what a call does not need only when it is used.")
    greeting_cache: GreetingCacheMode = Field(
        "disk", description="Where the greeting's sound is kept: disk, memory, or off (spoken anew for each call)."
    )
    trim_greeting: bool = Field(True, description="Cut the silence around the greeting that the TTS puts there.")
    stream_greeting: bool = Field(True, description="Play a greeting that is not kept while it is still being spoken.")
    freeze_garbage: bool = Field(True, description="Keep Python's collector from walking what was made at start.")

    # Turns
    profile: Profile = Field(
        "production",
        description="Turn-taking: fast (shortest gap), steady (fewest false interruptions), production (between).",
    )
    min_endpointing_delay: float | None = Field(
        None,
        ge=0.05,
        le=5.0,
        description="Seconds of silence before a turn may end; the floor in every mode.",
    )
    max_endpointing_delay: float | None = Field(
        None, ge=0.1, le=10.0, description="Seconds of silence after which a turn ends at the latest."
    )
    enable_interruptions: bool = Field(True, description="Whether the caller may interrupt the agent.")
    interruption_threshold: float | None = Field(
        None, ge=0.1, le=5.0, description="Seconds of the caller's speech that count as an interruption."
    )

    ignore_backchannels: bool = Field(
        True, description='Go on speaking over noise and over a caller\'s "mm-hm" or "yeah".'
    )
    turn_detection: TurnDetection = Field(
        "words",
        description="What ends a turn after its silence: words, vad, stt (Soniox's endpoint), model (the bundled one).",
    )

    # The reply: each of these is an optimisation too
    speculation: bool = Field(True, description="Begin a reply on words that are not final yet.")
    early_finalize: bool = Field(True, description="Ask Soniox for the final words when the VAD hears the end.")
    preemptive_tts: bool = Field(True, description="Speak a reply before the turn is over, unheard until then.")
    first_clause: bool = Field(True, description="Give the TTS a reply's first clause at once, not a whole sentence.")
    trim_replies: bool = Field(True, description="Cut the silence before a reply that the TTS puts there.")
    openers: bool = Field(True, description="Play replies' first clauses that come again from memory.")
    stt_max_endpoint_delay_ms: int | None = Field(
        None, ge=500, le=3000, description="Milliseconds of silence after which Soniox makes words final by itself."
    )
    stt_endpoint_sensitivity: float | None = Field(
        None, ge=-1.0, le=1.0, description="How readily Soniox ends a sentence by itself; its model v5 and later."
    )
    stt_endpoint_latency_level: int | None = Field(
        None, ge=0, le=3, description="How much Soniox hurries its endpoint, at some accuracy; its model v5 and later."
    )

    # HTTP to the providers
    http_timeout: float = Field(10.0, ge=0.5, le=120.0, description="Seconds until a provider request fails.")
    http_max_connections: int = Field(
        100, ge=1, le=10_000, description="Open connections to the providers, per worker process."
    )
    max_retries: int = Field(2, ge=0, le=10, description="Attempts after a failed provider request.")

    # The machine
    pool_size: int = Field(
        4, ge=0, le=256, description="STT, TTS and LLM instances kept ready per worker process; 0: made for each call."
    )
    pool_policy: PoolPolicy = Field(
        "round_robin", description="Which ready instance is taken next: round_robin or lru."
    )
    standby_rooms: int = Field(
        0, ge=0, le=100, description="Rooms kept open with a waiting agent, handed out with the token."
    )
    isolation: Isolation = Field(
        "shared", description="Calls share one loop per worker (shared) or get a process each (process)."
    )
    workers: int = Field(1, ge=1, le=128, description="Worker processes of `start`; one per core is the most useful.")
    max_calls: int = Field(25, ge=1, le=1000, description="Calls that one worker process takes at once.")
    loop_block_warn_ms: int = Field(
        100,
        ge=0,
        le=10_000,
        description="Milliseconds that code may hold all calls of a worker before the log names it; 0: never.",
    )
    audio_frame_ms: int = Field(
        10,
        ge=10,
        le=100,
        description="Milliseconds of the caller's sound in one frame: longer costs less CPU, and time.",
    )
    noise_cancellation: bool = Field(False, description="Krisp BVC on the caller's audio; LiveKit Cloud only.")
    health_host: str = Field("127.0.0.1", description="Address of the health endpoint; 0.0.0.0 in a container.")
    health_port: int = Field(
        8081, ge=0, le=65_535, description="Port of the health endpoint of `start`; 0 picks a free one."
    )
    prometheus_port: int | None = Field(
        None, ge=1, le=65_535, description="Port on HEALTH_HOST for `/metrics`; without it there are none."
    )
    control_host: str = Field("127.0.0.1", description="Address of `control`; 0.0.0.0 in a container.")
    control_port: int = Field(8090, ge=0, le=65_535, description="Port of `control`; 0 picks a free one.")
    control_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="Opens `control` to other machines and its settings to change; at least 16 characters.",
    )
    caller_timeout: float = Field(
        120.0, ge=1.0, le=3_600.0, description="Seconds that an agent waits in a room for its caller."
    )
    drain_timeout: float = Field(
        60.0,
        ge=0.0,
        le=86_400.0,
        description="Seconds that `start` waits for running calls when it is asked to stop.",
    )

    # The way to the browser of a caller who comes by WHIP; livekit-server tells its own to livekit-client
    ice_servers: IceUrls = Field(
        (), description="STUN and TURN servers: stun:, turn: or turns: URLs with commas between."
    )
    turn_secret: SecretStr | None = Field(
        None, min_length=16, description="What coturn has as static-auth-secret; at least 16 characters."
    )
    turn_ttl: float = Field(
        86_400.0, ge=300.0, le=604_800.0, description="Seconds that a caller's TURN password is good for."
    )
    ice_pool_size: int = Field(0, ge=0, le=10, description="Addresses that a browser gathers ahead of the call.")

    # Many businesses on one service
    accounts_url: SecretStr = Field(
        SecretStr("sqlite:///accounts.db"),
        min_length=1,
        description="Where accounts are kept: sqlite:///file, postgresql://user:password@host/name or folder:path.",
    )
    accounts_cache_size: int = Field(
        1000, ge=1, le=100_000, description="Accounts that a worker keeps in memory; up to 40 kB each, without sound."
    )
    accounts_ttl: float = Field(
        300.0, ge=1.0, le=86_400.0, description="Seconds after which an account in memory is read again, beside calls."
    )
    accounts_preload: int = Field(
        100, ge=0, le=100_000, description="Accounts that are read, and their greetings spoken, before the first call."
    )
    experiments_file: Path = Field(Path("experiments.yaml"), description="The experiments; it need not be there.")
    experiments: str = Field(
        "",
        pattern=r"^(?:[\w-]+=[\w-]+(?:,[\w-]+=[\w-]+)*)?$",
        description="Variants for every call, whatever the file says: openers=off,greeting=warm.",
    )

    # What is told
    log_level: LogLevel = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    timeline_to_room: bool = Field(False, description="Send each call's timings to its room, for the page of `dev`.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, YamlConfigSettingsSource(settings_cls)

    @field_validator("language_hints", mode="before")
    @classmethod
    def _split_hints(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("language_hints")
    @classmethod
    def _check_hints(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or any(not (len(code) in (2, 3) and code.isalpha() and code.islower()) for code in value):
            raise ValueError(_HINTS_ALLOWED)
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper_level(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("greeting")
    @classmethod
    def _check_greeting(cls, value: str) -> str:
        try:
            if value:
                split_greeting(value)
        except GreetingTextError as error:
            raise ValueError(f"allowed: {error.allowed}") from None
        return value

    @field_validator("greeting_cache", mode="before")
    @classmethod
    def _off_of_yaml(cls, value: object) -> object:
        return "off" if value is False else value  # YAML reads a bare off as false

    @field_validator(
        "profile", "isolation", "pool_policy", "dispatch_at", "greeting_cache", "turn_detection", mode="before"
    )
    @classmethod
    def _lower_choice(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.livekit_url and not (self.livekit_api_key and self.livekit_api_secret):
            raise ValueError("LIVEKIT_URL: needs LIVEKIT_API_KEY and LIVEKIT_API_SECRET beside it")
        if self.turn_secret is None and any(each.lower().startswith("turn") for each in self.ice_servers):
            raise ValueError("ICE_SERVERS: turn: and turns: need TURN_SECRET beside them")
        low, high = self.min_endpointing_delay, self.max_endpointing_delay
        if low is not None and high is not None and low > high:
            raise ValueError(f"MIN_ENDPOINTING_DELAY: got {low}, allowed: at most MAX_ENDPOINTING_DELAY ({high})")
        return self

    def greeting_folder(self) -> Path | None:
        """Where the greetings' sound is kept; None if the user has no home folder. It need not exist."""
        try:
            if self.greeting_cache_dir is not None:
                return self.greeting_cache_dir.expanduser()
            base = os.environ.get("XDG_CACHE_HOME", "")
            return (Path(base) if base else Path.home() / ".cache") / "firstword" / "greetings"
        except RuntimeError:
            return None

    def missing_for_start(self) -> list[str]:
        """Names of the variables that a production worker cannot do without and that are not set."""
        required = ("livekit_url", "livekit_api_key", "livekit_api_secret", *PROVIDER_KEYS)
        return [name.upper() for name in required if not getattr(self, name)]


PROVIDER_KEYS = ("openai_api_key", "soniox_api_key", "eleven_api_key")
SECRETS = ("livekit_api_secret", "accounts_url", "control_token", "turn_secret", *PROVIDER_KEYS)


def read_settings() -> Settings:
    """Settings from the environment and from the files in the working directory, read anew.

    Raises `SettingsError` with one line a field: its name, what was found, what is allowed.
    """
    problems = unknown_names(Path(PERFORMANCE_FILE), {*Settings.model_fields, *PERFORMANCE_SECTIONS})
    if problems:
        raise SettingsError(problems)
    try:
        return Settings()  # pyright: ignore[reportCallIssue]  # the sources fill the fields, not the call
    except ValidationError as error:
        allowed = {"language_hints": _HINTS_ALLOWED, "experiments": _EXPERIMENTS_ALLOWED}
        fields = Settings.model_fields
        raise SettingsError(
            [readable(each, fields, secret=SECRETS, allowed=allowed) for each in error.errors()]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        problem = f"{ENV_FILE}: not readable ({type(error).__name__}); allowed: UTF-8 text, one NAME=value a line"
        raise SettingsError([problem]) from None


@cache
def load_settings() -> Settings:
    """The process's settings, read once. Raises `SettingsError`."""
    return read_settings()
