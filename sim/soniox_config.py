"""The first message of a Soniox stream: checked as the service checks it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable


class Refused(Exception):
    """A stream that Soniox would refuse or end: told to the client as JSON, then the socket is closed."""

    def __init__(self, code: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.kind = kind

    def body(self) -> dict[str, object]:
        """The error response of the protocol."""
        return {"error_code": self.code, "error_type": self.kind, "error_message": str(self)}


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """What a client asked for. `endpointing` False means that no `<end>` is ever sent."""

    sample_rate_hz: int
    endpointing: bool
    max_endpoint_delay_ms: float
    endpoint_sensitivity: float
    endpoint_latency_level: int
    language_hints: tuple[str, ...]

    def endpoint_wait_ms(self, drawn_ms: float) -> float:
        """The silence before an endpoint: the drawn one, as the client's three settings change it.

        The service publishes only directions and ranges. Assumed here: each latency level takes 15 % off,
        full sensitivity takes or adds 35 %; the client's maximum always holds.
        """
        factor = (1 - 0.15 * self.endpoint_latency_level) * (1 - 0.35 * self.endpoint_sensitivity)
        return min(drawn_ms * factor, self.max_endpoint_delay_ms)


def _invalid(field: str, value: object, allowed: str) -> Refused:
    return Refused(400, "invalid_request", f"Invalid {field}: must be {allowed}, got {value!r}.")


def _number(
    config: dict[str, Any], field: str, default: float, low: float, high: float, kind: Callable[[object], bool]
) -> float:
    value = config.get(field)
    if value is None:
        return default
    if not kind(value) or not low <= value <= high:
        raise _invalid(field, value, f"between {low:g} and {high:g}")
    return value


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_float(value: object) -> bool:
    return isinstance(value, float) or _is_int(value)


def parse_config(message: str, bearer: str | None, api_keys: frozenset[str] | None) -> StreamConfig:
    """Read the configuration message. The key comes in it (`api_key`) or as a bearer token.

    `api_keys` None takes any key, but not none. Raises Refused with 400 or 401.
    """
    try:
        parsed: Any = json.loads(message)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise Refused(400, "invalid_request", "Start request must be a JSON object.")
    config = cast("dict[str, Any]", parsed)
    key = config.get("api_key") or bearer
    if not key:
        raise Refused(401, "unauthenticated", "Missing API key.")
    if api_keys is not None and key not in api_keys:
        raise Refused(401, "unauthenticated", "Incorrect API key provided.")
    model = config.get("model")
    if not isinstance(model, str) or not model.startswith("stt-rt"):
        raise Refused(400, "model_not_available", "Invalid model specified.")
    if config.get("audio_format") != "pcm_s16le":
        raise _invalid("audio_format", config.get("audio_format"), "'pcm_s16le' (the simulator decodes no other)")
    if config.get("num_channels") != 1:
        raise _invalid("num_channels", config.get("num_channels"), "1 (the simulator mixes no channels)")
    if config.get("sample_rate") is None:
        raise _invalid("sample_rate", None, "between 8000 and 192000")
    if config.get("translation") is not None:
        raise _invalid("translation", config["translation"], "absent (the simulator does not translate)")
    raw_hints = config.get("language_hints") or []
    if not isinstance(raw_hints, list) or not all(isinstance(h, str) for h in cast("list[object]", raw_hints)):
        raise _invalid("language_hints", raw_hints, "a list of language codes")
    return StreamConfig(
        sample_rate_hz=int(_number(config, "sample_rate", 0, 8000, 192_000, _is_int)),
        endpointing=config.get("enable_endpoint_detection") is True,
        max_endpoint_delay_ms=_number(config, "max_endpoint_delay_ms", 2000, 500, 3000, _is_int),
        endpoint_sensitivity=_number(config, "endpoint_sensitivity", 0.0, -1, 1, _is_float),
        endpoint_latency_level=int(_number(config, "endpoint_latency_adjustment_level", 0, 0, 3, _is_int)),
        language_hints=tuple(cast("list[str]", raw_hints)),
    )
