from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr, ValidationError

from config import Settings, SettingsError, load_settings, read_settings
from utils.settings_urls import ICE_ALLOWED

if TYPE_CHECKING:
    from collections.abc import Iterator

LIVEKIT = {"LIVEKIT_URL": "ws://127.0.0.1:7880", "LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "hidden-livekit"}
SECRETS = {
    "LIVEKIT_API_SECRET": "hidden-livekit",
    "OPENAI_API_KEY": "hidden-openai",
    "SONIOX_API_KEY": "hidden-soniox",
    "ELEVEN_API_KEY": "hidden-eleven",
    "ACCOUNTS_URL": "postgresql://desk:hidden-accounts@host/desk",
    "CONTROL_TOKEN": "hidden-control-token",
    "TURN_SECRET": "hidden-turn-secret",
}


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A working directory without files, an environment without settings, nothing loaded."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.lower() in Settings.model_fields:
            monkeypatch.delenv(name)
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


def problems(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    return caught.value.problems


# Where a value comes from ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "environment", "dotenv", "yaml", "values"),
    [
        ("workers", "2", "3", "4", (2, 3, 4, 1)),
        ("http_timeout", "2.5", "3.5", "4", (2.5, 3.5, 4.0, 10.0)),
        ("enable_interruptions", "false", "true", "false", (False, True, False, True)),
        ("profile", "fast", "STEADY", "Production", ("fast", "steady", "production", "production")),
        ("log_level", "debug", "error", "Warning", ("DEBUG", "ERROR", "WARNING", "INFO")),
        ("language_hints", "de", "de,fr", "[ar, es]", (("de",), ("de", "fr"), ("ar", "es"), ("ar", "en"))),
        ("greeting", "Hi", "Hallo", '"Salam"', ("Hi", "Hallo", "Salam", "")),
        ("min_endpointing_delay", "0.1", "0.2", "0.3", (0.1, 0.2, 0.3, None)),
        ("openai_api_key", "a", "b", "c", (SecretStr("a"), SecretStr("b"), SecretStr("c"), None)),
        ("soniox_base_url", "ws://a", "ws://b/", "ws://c", ("ws://a", "ws://b", "ws://c", None)),
    ],
)
def test_the_first_place_that_has_a_value_gives_it(
    monkeypatch: pytest.MonkeyPatch, name: str, environment: str, dotenv: str, yaml: str, values: tuple[Any, ...]
) -> None:
    """The environment wins over .env, that over performance.yaml, that over the default; empty is not a value."""
    default = Settings.model_fields[name].default
    Path("performance.yaml").write_text(f"{name}: {yaml}\n")
    Path(".env").write_text(f"{name.upper()}={dotenv}\n")
    monkeypatch.setenv(name.upper(), environment)
    found = [getattr(read_settings(), name)]
    monkeypatch.setenv(name.upper(), "")
    found.append(getattr(read_settings(), name))
    Path(".env").write_text(f"{name.upper()}=\n")
    found.append(getattr(read_settings(), name))
    Path("performance.yaml").write_text("")
    found.append(getattr(read_settings(), name))
    assert tuple(found) == (*values[:3], default if values[3] is None else values[3])


def test_settings_are_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """`load_settings` reads once a process; `read_settings` reads anew."""
    first = load_settings()
    monkeypatch.setenv("WORKERS", "7")
    assert load_settings() is first
    assert first.workers == 1
    assert read_settings().workers == 7


def test_settings_cannot_be_changed() -> None:
    """A setting stays what it was read as."""
    settings = read_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.workers = 2  # pyright: ignore[reportAttributeAccessIssue]  # what the test is about
    assert settings.workers == 1


# What is said about a wrong value ----------------------------------------------------------------

BAD = [
    ("LIVEKIT_URL", "localhost:7880", "allowed: ws://host or wss://host or http://host or https://host"),
    ("LIVEKIT_URL", "ftp://host", "allowed: ws://host or wss://host or http://host or https://host"),
    ("AGENT_NAME", "a" * 65, "allowed: at most 64 characters"),
    ("OPENAI_BASE_URL", "https://api.openai.com", "allowed: http://host/v1 or https://host/v1"),
    ("OPENAI_BASE_URL", "http://host:99999/v1", "allowed: http://host/v1 or https://host/v1"),
    ("OPENAI_BASE_URL", "http://[host/v1", "allowed: http://host/v1 or https://host/v1"),
    ("SONIOX_BASE_URL", "https://host", "allowed: ws://host or wss://host"),
    ("ELEVENLABS_BASE_URL", "ws://host/v1", "allowed: http://host/v1 or https://host/v1"),
    ("LLM_MODEL", "  ", "allowed: a text that is not empty"),
    ("STT_MODEL", "  ", "allowed: a text that is not empty"),
    ("TTS_MODEL", "  ", "allowed: a text that is not empty"),
    ("TTS_VOICE", "  ", "allowed: a text that is not empty"),
    ("LANGUAGE_HINTS", "English", "allowed: ISO 639-1 codes with commas between, such as ar,en"),
    ("LANGUAGE_HINTS", ",", "allowed: ISO 639-1 codes with commas between, such as ar,en"),
    ("MAX_TOKENS", "15", "allowed: a whole number from 16 to 4096"),
    ("PROFILE", "quick", "allowed: 'fast', 'steady' or 'production'"),
    ("MIN_ENDPOINTING_DELAY", "0", "allowed: a number from 0.05 to 5.0"),
    ("MAX_ENDPOINTING_DELAY", "500", "allowed: a number from 0.1 to 10.0"),
    ("ENABLE_INTERRUPTIONS", "maybe", "allowed: true or false"),
    ("INTERRUPTION_THRESHOLD", "-1", "allowed: a number from 0.1 to 5.0"),
    ("SPECULATION", "x", "allowed: true or false"),
    ("IGNORE_BACKCHANNELS", "x", "allowed: true or false"),
    ("TURN_DETECTION", "cloud", "allowed: 'words', 'vad', 'stt' or 'model'"),
    ("EARLY_FINALIZE", "x", "allowed: true or false"),
    ("PREEMPTIVE_TTS", "x", "allowed: true or false"),
    ("FIRST_CLAUSE", "x", "allowed: true or false"),
    ("TRIM_REPLIES", "x", "allowed: true or false"),
    ("OPENERS", "some", "allowed: true or false"),
    ("STT_MAX_ENDPOINT_DELAY_MS", "499", "allowed: a whole number from 500 to 3000"),
    ("STT_ENDPOINT_SENSITIVITY", "1.5", "allowed: a number from -1.0 to 1.0"),
    ("STT_ENDPOINT_LATENCY_LEVEL", "4", "allowed: a whole number from 0 to 3"),
    ("HTTP_TIMEOUT", "nan", "allowed: a number from 0.5 to 120.0"),
    ("HTTP_MAX_CONNECTIONS", "0", "allowed: a whole number from 1 to 10000"),
    ("MAX_RETRIES", "11", "allowed: a whole number from 0 to 10"),
    ("POOL_SIZE", "many", "allowed: a whole number from 0 to 256"),
    ("GREETING", "Hi {name}", "allowed: a whole sentence without {name} first, such as 'Hello, this is Nora.'"),
    ("GREETING", "Hello. Hi {mail}", "allowed: {name} for the caller's name, and no other braces"),
    ("GREETING_CACHE", "ram", "allowed: 'disk', 'memory' or 'off'"),
    ("TRIM_GREETING", "x", "allowed: true or false"),
    ("STREAM_GREETING", "x", "allowed: true or false"),
    ("FREEZE_GARBAGE", "x", "allowed: true or false"),
    ("POOL_POLICY", "random", "allowed: 'round_robin' or 'lru'"),
    ("STANDBY_ROOMS", "101", "allowed: a whole number from 0 to 100"),
    ("ISOLATION", "thread", "allowed: 'shared' or 'process'"),
    ("WORKERS", "1.5", "allowed: a whole number from 1 to 128"),
    ("MAX_CALLS", "0", "allowed: a whole number from 1 to 1000"),
    ("LOOP_BLOCK_WARN_MS", "-1", "allowed: a whole number from 0 to 10000"),
    ("NOISE_CANCELLATION", "2", "allowed: true or false"),
    ("PARALLEL_STAGES", "both", "allowed: true or false"),
    ("VOICE_FIRST", "2", "allowed: true or false"),
    ("DEFER_PHASE_TWO", "later", "allowed: true or false"),
    ("LAZY_IMPORTS", "-1", "allowed: true or false"),
    ("DISPATCH_AT", "click", "allowed: 'token' or 'join'"),
    ("HEALTH_PORT", "65536", "allowed: a whole number from 0 to 65535"),
    ("AUDIO_FRAME_MS", "5", "allowed: a whole number from 10 to 100"),
    ("CONTROL_PORT", "65536", "allowed: a whole number from 0 to 65535"),
    ("ICE_SERVERS", "stun:host,http://host", ICE_ALLOWED),
    ("TURN_TTL", "60", "allowed: a number from 300.0 to 604800.0"),
    ("ICE_POOL_SIZE", "11", "allowed: a whole number from 0 to 10"),
    ("PROMETHEUS_PORT", "0", "allowed: a whole number from 1 to 65535"),
    ("CALLER_TIMEOUT", "0.5", "allowed: a number from 1.0 to 3600.0"),
    ("ACCOUNTS_CACHE_SIZE", "0", "allowed: a whole number from 1 to 100000"),
    ("ACCOUNTS_TTL", "0.5", "allowed: a number from 1.0 to 86400.0"),
    ("ACCOUNTS_PRELOAD", "-1", "allowed: a whole number from 0 to 100000"),
    (
        "EXPERIMENTS",
        "openers:off",
        "allowed: experiment=variant with commas between, such as openers=off,greeting=warm",
    ),
    ("DRAIN_TIMEOUT", "-0.1", "allowed: a number from 0.0 to 86400.0"),
    ("LOG_LEVEL", "LOUD", "allowed: 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ("TIMELINE_TO_ROOM", "x", "allowed: true or false"),
]
FREE = {"LIVEKIT_API_KEY", "CONTROL_HOST", "HEALTH_HOST", "GREETING_CACHE_DIR", "EXPERIMENTS_FILE", *SECRETS}
"""Settings that any text is right for."""
WITHOUT_UNIT = {"stt_endpoint_sensitivity"}


@pytest.mark.parametrize(("name", "value", "allowed"), BAD, ids=[f"{name}-{value[:20]}" for name, value, _ in BAD])
def test_a_wrong_value_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    """The line names the variable, what was found and what is allowed."""
    assert problems(monkeypatch, **{name: value}) == [f"{name}: got {value!r}, {allowed}"]


def test_a_secret_that_is_too_short_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long it has to be is told."""
    assert problems(monkeypatch, CONTROL_TOKEN="a-guess") == ["CONTROL_TOKEN: allowed: at least 16 characters"]


def test_every_constrained_setting_has_a_wrong_value_here() -> None:
    """No constraint is left without its message in the table."""
    tested = {name for name, _, _ in BAD}
    assert tested == {name.upper() for name in Settings.model_fields} - FREE


def test_a_long_wrong_value_is_told_in_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line stays a line: a long value is cut and the rest counted."""
    (line,) = problems(monkeypatch, GREETING="Hello " * 84)
    assert line.startswith("GREETING: got 'Hello Hello")
    assert line.endswith("more characters), allowed: at most 500 characters")
    assert len(line) < 200


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line a field, and the exception's text is those lines."""
    monkeypatch.setenv("WORKERS", "x")
    monkeypatch.setenv("POOL_SIZE", "-1")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value).splitlines() == caught.value.problems
    assert sorted(line.split(":")[0] for line in caught.value.problems) == ["POOL_SIZE", "WORKERS"]


@pytest.mark.parametrize("given", [{}, {"LIVEKIT_API_KEY": "key"}, {"LIVEKIT_API_SECRET": "s"}], ids=len)
def test_a_livekit_url_needs_its_key_and_secret(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    """A URL alone, or with half of its credentials, is refused in one line."""
    assert problems(monkeypatch, LIVEKIT_URL="ws://host", **given) == [
        "LIVEKIT_URL: needs LIVEKIT_API_KEY and LIVEKIT_API_SECRET beside it"
    ]


def test_a_turn_server_needs_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it no caller could use it; a STUN server needs none."""
    told = problems(monkeypatch, ICE_SERVERS="stun:host, TURNS:host:443?transport=tcp")
    assert told == ["ICE_SERVERS: turn: and turns: need TURN_SECRET beside them"]
    monkeypatch.setenv("TURN_SECRET", SECRETS["TURN_SECRET"])
    assert read_settings().ice_servers == ("stun:host", "TURNS:host:443?transport=tcp")
    monkeypatch.delenv("TURN_SECRET")
    monkeypatch.setenv("ICE_SERVERS", "stun:host")
    assert read_settings().ice_servers == ("stun:host",)


def test_the_shortest_endpointing_delay_is_not_over_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two delays that contradict each other are refused, equal ones are not."""
    assert problems(monkeypatch, MIN_ENDPOINTING_DELAY="2", MAX_ENDPOINTING_DELAY="1") == [
        "MIN_ENDPOINTING_DELAY: got 2.0, allowed: at most MAX_ENDPOINTING_DELAY (1.0)"
    ]
    monkeypatch.setenv("MAX_ENDPOINTING_DELAY", "2")
    assert read_settings().max_endpointing_delay == 2.0


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"wokers: 2\n", "performance.yaml: got 'wokers', allowed: the settings' names in lower case"),
        (b"WORKERS: 2\n", "performance.yaml: got 'WORKERS', allowed: the settings' names in lower case"),
        (b"workers: two\n", "WORKERS: got 'two', allowed: a whole number from 1 to 128"),
        (b"workers:\n", "WORKERS: got None, allowed: a whole number from 1 to 128"),
        (b"language_hints: 3\n", "LANGUAGE_HINTS: got 3, allowed: ISO 639-1 codes with commas between, such as ar,en"),
        (b"soniox_api_key: 12\n", "SONIOX_API_KEY: allowed: a valid string"),
        (b"- workers\n", "performance.yaml: got a list; allowed: one `name: value` a line"),
        (
            b"profile: fast\nworkers: 1: 2\n",
            "performance.yaml: not readable as YAML in line 2; allowed: one `name: value` a line",
        ),
        (
            b"\xff\xfe\x00",
            "performance.yaml: not readable (UnicodeDecodeError); allowed: UTF-8 text, one `name: value` a line",
        ),
    ],
)
def test_a_performance_file_that_cannot_be_used_is_told_in_one_line(content: bytes, line: str) -> None:
    """A typing error in the file is not passed over in silence."""
    Path("performance.yaml").write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert caught.value.problems == [line]


def test_an_env_file_that_is_no_text_is_told_in_one_line() -> None:
    """A .env in another encoding is an error of its own, not a traceback."""
    Path(".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert caught.value.problems == [
        ".env: not readable (UnicodeDecodeError); allowed: UTF-8 text, one NAME=value a line"
    ]


# Choices and folders -----------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["off", "OFF", '"off"', "false"])
def test_off_is_a_word_in_yaml_too(written: str) -> None:
    """YAML reads a bare off as false: the setting takes it for what it was meant to be."""
    Path("performance.yaml").write_text(f"greeting_cache: {written}\n")
    assert read_settings().greeting_cache == "off"


def test_greetings_are_kept_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """GREETING_CACHE_DIR if set, `~` and all; else XDG_CACHE_HOME, else ~/.cache; nothing is made yet."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert read_settings().greeting_folder() == tmp_path / "home/.cache/firstword/greetings"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert read_settings().greeting_folder() == tmp_path / "cache/firstword/greetings"
    monkeypatch.setenv("GREETING_CACHE_DIR", "~/sounds")
    assert read_settings().greeting_folder() == tmp_path / "home/sounds"
    assert list(tmp_path.iterdir()) == []


def test_a_user_without_a_home_has_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container with a made-up user id: no folder, and no error."""
    monkeypatch.setenv("GREETING_CACHE_DIR", "~nobody-of-this-name/sounds")
    assert read_settings().greeting_folder() is None


# Secrets -----------------------------------------------------------------------------------------


def test_a_secret_is_in_no_text_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """repr, str, JSON and a dump show no secret; the value is there for who asks for it by name."""
    for name, value in (LIVEKIT | SECRETS).items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    for text in (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump()), f"{settings}"):
        assert "hidden" not in text
    for name, value in SECRETS.items():
        assert getattr(settings, name.lower()).get_secret_value() == value


@pytest.mark.parametrize("wrong", ["WORKERS", "LIVEKIT_URL"])
def test_a_secret_is_in_no_error(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """An error shows the value of the field that is wrong and no other, in its text and in its traceback."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(wrong, "x")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert "hidden" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__suppress_context__, "the cause would print what it was given"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_BASE_URL", "http://user:hidden@host/v2"),
        ("OPENAI_BASE_URL", "sk-hidden-0123456789"),
        ("LLM_MODEL", ""),
    ],
)
def test_a_secret_in_a_wrong_place_is_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A password in a URL, or a key that stands in the line of something else, is masked in the message."""
    Path("performance.yaml").write_text("openai_api_key: {value: hidden}\n")
    lines = problems(monkeypatch, **{name: value})
    assert not any("hidden" in line for line in lines)
    assert "OPENAI_API_KEY: allowed: a valid string" in lines


def test_what_start_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """`missing_for_start` names each variable that is not set, and nothing once all are."""
    assert read_settings().missing_for_start() == [*LIVEKIT, "OPENAI_API_KEY", "SONIOX_API_KEY", "ELEVEN_API_KEY"]
    for name, value in (LIVEKIT | SECRETS).items():
        monkeypatch.setenv(name, value)
    assert read_settings().missing_for_start() == []


def test_every_description_of_a_duration_names_its_unit() -> None:
    """Each setting has a description, that of a duration says seconds."""
    for name, field in Settings.model_fields.items():
        assert field.description, name
        if "float" in str(field.annotation) and name not in WITHOUT_UNIT:
            assert field.description.startswith("Seconds"), name
