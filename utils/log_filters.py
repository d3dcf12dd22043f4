"""What the framework says without need: noise at disconnect, tracebacks of provider failures, repetition."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SDK_LOGGER = "livekit"
FRAMEWORK_LOGGER = "livekit.agents"
SERVER_LOGGER = "aiohttp.server"
REPEAT_WINDOW_S = 10.0

# What the RTC SDK says when a room is left in good order. Anything else that it says passes.
_DISCONNECT_NOISE = (
    (logging.ERROR, re.compile(r"data channel '_(?:lossy|reliable)' closed unexpectedly$")),
    (logging.WARNING, re.compile(r"Attempted to drop unknown FFI handle: \d+$")),
)
# An agent sends its session's events to its room, a few a second; so says each participant that has no use for them.
_IGNORED_STREAM = "ignoring byte stream with topic "
_SESSION_EVENT = "failed to send session event"  # a room that is gone takes no event; nobody waits for it
_PROVIDER_ERRORS = "livekit.agents._exceptions"
_STREAM_ERRORS = "livekit.rtc.data_stream"
_NOT_HTTP = "aiohttp.http_exceptions"
_BROKEN_BODY = "RequestPayloadError"


def not_disconnect_noise(record: logging.LogRecord) -> bool:
    """Drops the SDK's two known lines about a room that was left."""
    if record.name != SDK_LOGGER:
        return True
    message = record.getMessage()
    return not any(record.levelno == level and cause.search(message) for level, cause in _DISCONNECT_NOISE)


def not_ignored_stream(record: logging.LogRecord) -> bool:
    """Drops what the SDK says, on the root logger, of each stream that nobody in this process reads."""
    return record.name != "root" or not str(record.msg).startswith(_IGNORED_STREAM)


def not_bad_request(record: logging.LogRecord) -> bool:
    """Drops what aiohttp says of bytes that are not HTTP: an error with the offending line, which may hold a key.

    Anybody can send them, as fast as they like. The answer is 400 in any case.
    """
    error = record.exc_info[1] if record.exc_info else None
    kind = type(error)
    return record.name != SERVER_LOGGER or not (kind.__module__ == _NOT_HTTP or kind.__name__ == _BROKEN_BODY)


def short_provider_failures(record: logging.LogRecord) -> bool:
    """Turns the traceback of a provider's or a connection's failure into one field.

    Thirty lines of the framework's own frames say no more than the error's name and status; the error's text stays
    out, it may hold a key or what a caller said. Any other exception keeps its traceback: it is a bug.
    """
    if record.name.startswith(FRAMEWORK_LOGGER) and record.exc_info and record.exc_info[1] is not None:
        known = record.exc_info[1] if _SESSION_EVENT in str(record.msg) else _known_failure(record.exc_info[1])
        if known is not None:
            record.failure = error_name(known)
            record.exc_info = None
            record.exc_text = None
    return True


def error_name(error: object) -> str:
    """An error's type and, of a provider's answer, its status: what may be written down of it."""
    status = getattr(error, "status_code", -1)
    return type(error).__name__ + (f" {status}" if status > 0 else "")


def _known_failure(error: BaseException | None) -> BaseException | None:
    """The provider's or the connection's error in the chain of causes of `error`."""
    while error is not None:
        if type(error).__module__ in (_PROVIDER_ERRORS, _STREAM_ERRORS):
            return error
        error = error.__cause__
    return None


class NoRepeats:
    """Lets a line of the RTC SDK pass once in `window_s`: a lost server makes it say three lines an attempt.

    Two lines are the same when they differ in numbers only.
    """

    def __init__(self, *, window_s: float = REPEAT_WINDOW_S, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._window_s = window_s
        self._clock_s = clock_s
        self._said_at_s: dict[str, float] = {}

    def __call__(self, record: logging.LogRecord) -> bool:
        if record.name != SDK_LOGGER:
            return True
        now_s = self._clock_s()
        self._said_at_s = {shape: at_s for shape, at_s in self._said_at_s.items() if now_s - at_s < self._window_s}
        shape = re.sub(r"\d+", "#", record.getMessage())
        if shape in self._said_at_s:
            return False
        self._said_at_s[shape] = now_s
        return True
