"""What an OpenAI Realtime session is set to, and what a `session.update` may not say: pure, in OpenAI's words."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RATE_HZ = 24_000
DEFAULT_VOICE = "marin"
DEFAULT_SILENCE_MS = 500
DEFAULT_PREFIX_MS = 300
# Nobody has published how long the semantic detector waits after a sentence that is complete; assumed.
EAGERNESS_MS = {"high": 300, "medium": 500, "auto": 500, "low": 900}
_FIELDS = frozenset(
    {
        *("type", "model", "output_modalities", "instructions", "audio", "tools", "tool_choice", "max_output_tokens"),
        *("tracing", "truncation", "include", "prompt", "reasoning", "parallel_tool_calls"),
    }
)
_FORMAT = {"type": "audio/pcm", "rate": RATE_HZ}


class Invalid(Exception):
    """A client event that is answered with an `error` event; the connection stays."""

    def __init__(self, message: str, *, code: str = "invalid_value", param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param

    def body(self, event_id: object) -> dict[str, Any]:
        """The event's `error`; `event_id` is the client's own, or None."""
        error = {"type": "invalid_request_error", "code": self.code, "message": str(self), "param": self.param}
        return {**error, "event_id": event_id}


@dataclass(frozen=True)
class TurnDetection:
    """How the server takes turns. `silence_ms` after the last sound the turn is over."""

    silence_ms: float
    prefix_ms: float
    creates: bool
    interrupts: bool


class SessionConfig:
    """One session's settings. `update` merges as the service does and changes nothing when it raises `Invalid`."""

    def __init__(self, session_id: str, model: str) -> None:
        self._view: dict[str, Any] = {
            "object": "realtime.session",
            "id": session_id,
            "type": "realtime",
            "model": model,
            "output_modalities": ["audio"],
            "instructions": "",
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "truncation": "auto",
            "prompt": None,
            "audio": {
                "input": {
                    "format": _FORMAT,
                    "noise_reduction": None,
                    "transcription": None,
                    "turn_detection": {"type": "server_vad"},
                },
                "output": {"format": _FORMAT, "voice": DEFAULT_VOICE, "speed": 1.0},
            },
        }
        self.turns = _turns({"type": "server_vad"})

    @property
    def view(self) -> dict[str, Any]:
        """As `session.created` and `session.updated` show it."""
        return deepcopy(self._view)

    @property
    def instructions(self) -> str:
        return str(self._view["instructions"] or "")

    @property
    def tools(self) -> Sequence[Mapping[str, Any]]:
        return cast("Sequence[Mapping[str, Any]]", self._view["tools"])

    @property
    def tool_choice(self) -> Any:
        return self._view["tool_choice"]

    @property
    def voice(self) -> str:
        return str(self._view["audio"]["output"]["voice"])

    @property
    def speaks(self) -> bool:
        """False for a session that writes."""
        return self._view["output_modalities"] == ["audio"]

    @property
    def transcribes(self) -> bool:
        return self._view["audio"]["input"]["transcription"] is not None

    def update(self, change: object, *, has_spoken: bool) -> None:
        """`has_spoken`: the voice stands from the first sound on. Raises `Invalid`."""
        if not isinstance(change, dict):
            raise Invalid("Missing required parameter: 'session'.", code="missing_required_parameter", param="session")
        new = cast("dict[str, Any]", change)
        if new.get("type") != "realtime":
            message = "Missing required parameter: 'session.type'."
            raise Invalid(message, code="missing_required_parameter", param="session.type")
        for name in new:
            if name not in _FIELDS:
                raise Invalid(
                    f"Unknown parameter: 'session.{name}'.", code="unknown_parameter", param=f"session.{name}"
                )
        merged = _merged(self._view, new)
        _check(merged)
        voice = merged["audio"]["output"]["voice"]
        if has_spoken and voice != self.voice:
            message = "Cannot update a conversation's voice if assistant audio is present."
            raise Invalid(message, code="cannot_update_voice", param="session.audio.output.voice")
        turns = _turns(merged["audio"]["input"]["turn_detection"])
        self._view, self.turns = merged, turns


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for name, value in new.items():
        # A turn detection is taken as a whole: what is left out of it has its default.
        if name in ("audio", "input", "output") and isinstance(value, dict):
            merged[name] = _merged(merged.get(name) or {}, cast("dict[str, Any]", value))
        else:
            merged[name] = value
    return merged


def _check(session: Mapping[str, Any]) -> None:
    if session["output_modalities"] not in (["audio"], ["text"]):
        message = "Invalid value for 'session.output_modalities': supported are ['audio'] and ['text']."
        raise Invalid(message, param="session.output_modalities")
    for side in ("input", "output"):
        if session["audio"][side]["format"] != _FORMAT:
            where = f"session.audio.{side}.format"
            raise Invalid(f"Invalid value for '{where}': simulated is {_FORMAT}.", param=where)
    tools: Any = session["tools"]
    if not isinstance(tools, list):
        raise Invalid(
            "Invalid type for 'session.tools': expected an array.", code="invalid_type", param="session.tools"
        )
    for index, tool in enumerate(cast("list[Any]", tools)):
        if not isinstance(tool, dict) or not cast("dict[str, Any]", tool).get("name"):
            where = f"session.tools[{index}].name"
            raise Invalid(f"Missing required parameter: '{where}'.", code="missing_required_parameter", param=where)


def _turns(detection: object) -> TurnDetection | None:
    """None: the client commits its audio itself."""
    if detection is None:
        return None
    where = "session.audio.input.turn_detection"
    given = cast("dict[str, Any]", detection) if isinstance(detection, dict) else {}
    creates, interrupts = given.get("create_response") is not False, given.get("interrupt_response") is not False
    match given.get("type"):
        case "server_vad":
            silence_ms = _number(given, "silence_duration_ms", DEFAULT_SILENCE_MS, where, 0, 60_000)
            prefix_ms = _number(given, "prefix_padding_ms", DEFAULT_PREFIX_MS, where, 0, 60_000)
            _number(given, "threshold", 0.5, where, 0, 1)
        case "semantic_vad":
            eagerness = str(given.get("eagerness") or "auto")
            if eagerness not in EAGERNESS_MS:
                allowed = ", ".join(f"'{name}'" for name in EAGERNESS_MS)
                message = f"Invalid value: '{eagerness}'. Supported values are: {allowed}."
                raise Invalid(message, param=f"{where}.eagerness")
            silence_ms, prefix_ms = EAGERNESS_MS[eagerness], DEFAULT_PREFIX_MS
        case kind:
            message = f"Invalid value: {kind!r}. Supported values are: 'server_vad' and 'semantic_vad'."
            raise Invalid(message, param=f"{where}.type")
    return TurnDetection(silence_ms, prefix_ms, creates, interrupts)


def _number(given: Mapping[str, Any], name: str, default: float, where: str, low: float, high: float) -> float:
    value = given.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        message = f"Invalid value for '{where}.{name}': expected a number from {low:g} to {high:g}, got {value!r}."
        raise Invalid(message, param=f"{where}.{name}")
    return float(value)
