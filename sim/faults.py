"""Faults are data: a frozen dataclass for each provider, replaced as a whole while the server runs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping


class FaultError(ValueError):
    """A fault that cannot be set; the message names the field, what was given and what is allowed."""


class Faulty(Protocol):
    """A simulator: `faults` is a dataclass that it reads anew for each request."""

    faults: Any


@dataclass(frozen=True)
class OpenAiFaults:
    """Every `reject_every`-th request is answered with `reject_status` (0: none); `drop_after_tokens` cuts each
    stream after so many tokens; `stall_ms` is added to the wait for the first token."""

    reject_every: int = 0
    reject_status: int = 429
    retry_after_s: float = 1.0
    drop_after_tokens: int | None = None
    stall_ms: float = 0.0

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True)
class ElevenLabsFaults:
    """Every `reject_every`-th HTTP request or websocket handshake is answered with `reject_status` (0: none);
    `drop_after_chunks` cuts the connection in the middle of each speech; `idle_close_s` closes quiet websockets;
    `stall_ms` is added to the wait for the first byte."""

    reject_every: int = 0
    reject_status: int = 429
    retry_after_s: float = 1.0
    drop_after_chunks: int | None = None
    idle_close_s: float | None = None
    stall_ms: float = 0.0

    def __post_init__(self) -> None:
        _check(self)


def _check(faults: OpenAiFaults | ElevenLabsFaults) -> None:
    for entry in fields(faults):
        value: float | None = getattr(faults, entry.name)
        if value is not None and value < 0:
            raise ValueError(f"{type(faults).__name__}.{entry.name} must be >= 0, got {value}")
    if not 400 <= faults.reject_status <= 599:
        name = type(faults).__name__
        raise ValueError(f"{name}.reject_status must be between 400 and 599, got {faults.reject_status}")


_Faults = TypeVar("_Faults")


def parse_faults(kind: type[_Faults], values: Mapping[str, Any]) -> _Faults:
    """The dataclass `kind` made from JSON values; what is left out has its default. Raises `FaultError`."""
    allowed = [entry.name for entry in fields(cast("Any", kind))]
    if unknown := sorted(set(values) - set(allowed)):
        raise FaultError(f"{kind.__name__} has no {', '.join(unknown)}; allowed: {', '.join(allowed)}")
    try:
        return TypeAdapter(kind).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FaultError(f"{kind.__name__}.{where}: {first['msg']}, got {first['input']!r}") from None


def is_rejected(count: int, every: int) -> bool:
    """Whether the `count`-th request (from 1) is one of those that a fault refuses."""
    return every > 0 and count % every == 0
