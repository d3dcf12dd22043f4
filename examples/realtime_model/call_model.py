"""A speech-to-speech model for one call, whose connection may be open before the call is there."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from livekit.agents import APIConnectOptions
from livekit.agents.llm import RealtimeModelError
from livekit.plugins.openai.realtime import RealtimeModel, RealtimeSession
from openai.types.realtime import AudioTranscription
from openai.types.realtime.realtime_audio_input_turn_detection import ServerVad

if TYPE_CHECKING:
    import aiohttp

    from config import Settings

MODEL = "gpt-realtime"
VOICE = "marin"
TRANSCRIBER = "gpt-4o-mini-transcribe"
SILENCE_MS = 500  # after the last sound: the model takes the turn for ended
RETRY_S = 0.3
LONGEST_SESSION_S = 20 * 60.0
"""The service ends a connection after 60 minutes; before that it is replaced between two replies."""


class CallSession(RealtimeSession):
    """A session whose end for good is told by `gone`, and does not end the call.

    The framework closes the whole call when a speech-to-speech model is lost, where it takes six failures of an LLM.
    Here the failure is passed on as one that may be mended; whoever waits for `gone` has to mend it.
    """

    def __init__(self, model: CallModel, *, turn_detection_disabled: bool = False) -> None:
        self.connected = asyncio.Event()
        self.gone = asyncio.Event()
        super().__init__(model, turn_detection_disabled=turn_detection_disabled)
        self.on("openai_server_event_received", self._on_event)

    def emit(self, event: Any, *args: Any) -> None:
        if event == "error" and args and isinstance(args[0], RealtimeModelError) and not args[0].recoverable:
            self.gone.set()
            args = (args[0].model_copy(update={"recoverable": True}), *args[1:])
        super().emit(event, *args)

    async def aclose(self) -> None:
        # A session that was lost raises here, once more, what it was lost by; the call's own end must not hang on it.
        with suppress(Exception):
            await super().aclose()

    def _on_event(self, event: dict[str, Any]) -> None:
        if event.get("type") == "session.updated":
            self.connected.set()


class CallModel(RealtimeModel):
    """One call's model. `open` connects before the call is there; the first session of the call then is that one.

    `longest_session_s`: as old a connection may become. `http` is the caller's to close.
    """

    def __init__(
        self, settings: Settings, *, http: aiohttp.ClientSession, longest_session_s: float = LONGEST_SESSION_S
    ) -> None:
        key = settings.openai_api_key
        super().__init__(
            model=MODEL,
            voice=VOICE,
            base_url=settings.openai_base_url,
            api_key=key.get_secret_value() if key else "",
            input_audio_transcription=AudioTranscription(model=TRANSCRIBER),
            turn_detection=ServerVad(
                type="server_vad", silence_duration_ms=SILENCE_MS, create_response=True, interrupt_response=True
            ),
            http_session=http,
            max_session_duration=longest_session_s,
            conn_options=APIConnectOptions(
                max_retry=settings.max_retries, retry_interval=RETRY_S, timeout=settings.http_timeout
            ),
        )
        self._waiting: CallSession | None = None

    @property
    def state(self) -> Literal["closed", "connecting", "open", "gone"]:
        """Of the connection that waits for the call; "closed" without one."""
        if self._waiting is None:
            return "closed"
        if self._waiting.gone.is_set():
            return "gone"
        return "open" if self._waiting.connected.is_set() else "connecting"

    async def open(self) -> bool:
        """Connect; False if the service cannot be reached, after the attempts of the settings."""
        self._waiting = waiting = CallSession(self)
        outcomes = [asyncio.create_task(event.wait()) for event in (waiting.connected, waiting.gone)]
        try:
            await asyncio.wait(outcomes, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for outcome in outcomes:
                outcome.cancel()
            await asyncio.gather(*outcomes, return_exceptions=True)
        return self.state == "open"

    def session(self, *, turn_detection_disabled: bool = False) -> CallSession:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.gone.is_set():
            return waiting
        return CallSession(self, turn_detection_disabled=turn_detection_disabled)

    async def aclose(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            await waiting.aclose()
        await super().aclose()
