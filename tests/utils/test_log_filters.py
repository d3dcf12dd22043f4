"""Known failures are one line, unknown ones keep their traceback, repetition is heard once."""

from __future__ import annotations

import inspect
import logging
import sys

import pytest
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.web import RequestPayloadError
from livekit import rtc
from livekit.agents import APIConnectionError, APIStatusError

from utils.log_filters import (
    NoRepeats,
    error_name,
    not_bad_request,
    not_disconnect_noise,
    not_ignored_stream,
    short_provider_failures,
)


def failing_record(
    error: BaseException, *, logger: str = "livekit.agents", message: str = "it failed"
) -> logging.LogRecord:
    try:
        raise error
    except type(error):
        return logging.LogRecord(logger, logging.ERROR, "f.py", 1, message, (), sys.exc_info())


def line(message: str, *, logger: str = "livekit", level: int = logging.ERROR) -> logging.LogRecord:
    return logging.LogRecord(logger, level, "f.py", 1, message, (), None)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (APIStatusError("the key sk-123 is wrong", status_code=401), "APIStatusError 401"),
        (APIConnectionError("no route"), "APIConnectionError"),
    ],
)
def test_provider_failure_is_a_field_without_its_text(error: Exception, failure: str) -> None:
    """The traceback goes, the name and the status stay, and the text, which may hold a key, is not repeated."""
    record = failing_record(error)
    assert short_provider_failures(record)
    assert record.exc_info is None
    assert record.__dict__["failure"] == failure


def test_provider_failure_below_another_error_is_found() -> None:
    """The framework wraps what it caught: the cause counts."""
    outer = RuntimeError("wrapped")
    outer.__cause__ = APIStatusError("down", status_code=503)
    record = failing_record(outer)
    short_provider_failures(record)
    assert record.__dict__["failure"] == "APIStatusError 503"


@pytest.mark.parametrize(
    ("error", "logger"), [(KeyError("day"), "livekit.agents"), (APIConnectionError("no route"), "call")]
)
def test_any_other_error_keeps_its_traceback(error: Exception, logger: str) -> None:
    """A bug in a tool, or an error that the project logs by itself, is shown in full."""
    record = failing_record(error, logger=logger)
    assert short_provider_failures(record)
    assert record.exc_info is not None


def test_event_for_a_room_that_is_gone_is_one_line() -> None:
    """The session's events have nobody to go to when the server died; that needs no thirty lines."""
    record = failing_record(RuntimeError("room session transport is closed"), message="failed to send session event")
    short_provider_failures(record)
    assert record.__dict__["failure"] == "RuntimeError"


def test_repeated_line_of_the_sdk_passes_once_in_a_window() -> None:
    """Lines that differ in numbers only are the same; after the window the line is heard again."""
    now_s = 0.0
    narrow = NoRepeats(window_s=10.0, clock_s=lambda: now_s)
    assert narrow(line("restarting connection... attempt: 1"))
    assert not narrow(line("restarting connection... attempt: 2"))
    assert narrow(line("failed to reconnect"))
    now_s = 11.0
    assert narrow(line("restarting connection... attempt: 9"))


def test_lines_of_other_loggers_may_repeat() -> None:
    """Two calls that say the same are two calls."""
    narrow = NoRepeats()
    assert narrow(line("turn", logger="call"))
    assert narrow(line("turn", logger="call"))


def test_noise_at_disconnect_is_dropped_and_its_neighbour_is_not() -> None:
    """Only the exact cause at its own level is noise."""
    assert not not_disconnect_noise(line("Attempted to drop unknown FFI handle: 7", level=logging.WARNING))
    assert not_disconnect_noise(line("Attempted to drop unknown FFI handle: 7", level=logging.ERROR))


@pytest.mark.parametrize(
    ("error", "name"), [(APIStatusError("x", status_code=429), "APIStatusError 429"), (ValueError("x"), "ValueError")]
)
def test_error_name_has_the_status(error: Exception, name: str) -> None:
    """What may be written down of an error."""
    assert error_name(error) == name


def test_a_stream_that_nobody_reads_is_not_worth_a_line() -> None:
    """The SDK's own words for it, in which only the topic differs; other lines of the root logger pass."""
    said = "ignoring byte stream with topic '%s', no callback attached"
    assert said in inspect.getsource(rtc.Room)
    assert not not_ignored_stream(line(said, logger="root", level=logging.INFO))
    assert not_ignored_stream(line(said, logger="call", level=logging.INFO))
    assert not_ignored_stream(line("something else", logger="root", level=logging.INFO))


@pytest.mark.parametrize(
    ("error", "logger", "passes"),
    [
        (BadHttpMessage("b'Authorization Bearer key'"), "aiohttp.server", False),
        (LineTooLong("b'x'", 8190), "aiohttp.server", False),
        (RequestPayloadError("can not decode content-encoding"), "aiohttp.server", False),
        (RuntimeError("a bug"), "aiohttp.server", True),
        (BadHttpMessage("a server of ours answers so"), "aiohttp.client", True),
    ],
)
def test_bytes_that_are_no_http_are_not_told(error: Exception, logger: str, passes: bool) -> None:
    """Anybody could fill the log with them; a handler's own failure stays."""
    assert not_bad_request(failing_record(error, logger=logger)) is passes


def test_a_line_of_the_server_without_an_error_passes() -> None:
    """There is nothing to judge it by."""
    assert not_bad_request(line("Unhandled exception", logger="aiohttp.server"))
