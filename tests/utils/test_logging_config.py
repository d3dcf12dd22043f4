from __future__ import annotations

import asyncio
import ctypes
import io
import json
import logging
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from livekit import rtc
from livekit.rtc import _ffi_client
from livekit.rtc._proto import ffi_pb2

from utils.logging_config import THIRD_PARTY, bound_call_fields, configure_logging, get_logger
from utils.text import PHONE, SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOISE = [
    (logging.ERROR, "publisher data channel '_lossy' closed unexpectedly"),
    (logging.ERROR, "publisher data channel '_reliable' closed unexpectedly"),
    (logging.WARNING, "Attempted to drop unknown FFI handle: 42"),
]


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """The root's handlers and all levels that `configure_logging` sets, as they were before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in THIRD_PARTY}
    yield
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)
    for name, value in levels.items():
        logging.getLogger(name).setLevel(value)


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Written:
    """What has been written to stderr, which is no terminal, since the last look."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def text(self) -> str:
        return self._capsys.readouterr().err

    def lines(self) -> list[dict[str, Any]]:
        return [cast("dict[str, Any]", json.loads(line)) for line in self.text().splitlines()]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines()]


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Written:
    return Written(capsys)


def test_a_line_is_json_when_stderr_is_no_terminal(stderr: Written) -> None:
    """A line has time, level, logger and event, then its fields, from both kinds of logger."""
    configure_logging("INFO")
    get_logger("orchestrator").info("call begins", room="r1", ttfw_ms=88.5)
    logging.getLogger("livekit.agents").warning("slow %s", "loop", extra={"job_id": "AJ_1", "event": "x"})
    ours, theirs = stderr.lines()
    assert list(ours) == ["timestamp", "level", "logger", "event", "room", "ttfw_ms"]
    assert ours | {"timestamp": ""} == {
        "timestamp": "",
        "level": "info",
        "logger": "orchestrator",
        "event": "call begins",
        "room": "r1",
        "ttfw_ms": 88.5,
    }
    assert ours["timestamp"].endswith("+00:00")
    assert (theirs["event"], theirs["event_"], theirs["job_id"]) == ("slow loop", "x", "AJ_1")


def test_a_line_is_for_people_when_stderr_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal a line is coloured text, the fields of two lines start in the same column."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.delenv("NO_COLOR", raising=False)
    configure_logging("INFO")
    get_logger("call").info("begins")
    get_logger("call").info("turn ends")
    first, second = stream.getvalue().splitlines()
    assert "\x1b[" in first
    assert first.index("call") == second.index("call")


def test_no_color_is_obeyed_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR takes the colours from a terminal and leaves the text."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("NO_COLOR", "1")
    configure_logging("INFO")
    get_logger("call").info("begins")
    assert "\x1b[" not in stream.getvalue()
    assert "begins" in stream.getvalue()


@pytest.mark.parametrize("as_json", [True, False])
def test_the_form_can_be_chosen(stderr: Written, as_json: bool) -> None:
    """`json` decides the form whatever stderr is."""
    configure_logging("INFO", json=as_json)
    get_logger("x").info("hello")
    assert stderr.text().startswith("{") is as_json


def test_configuring_twice_writes_once(stderr: Written) -> None:
    """A second configuration replaces the first and what logging.basicConfig had set up."""
    logging.getLogger().addHandler(logging.StreamHandler())
    configure_logging("ERROR")
    configure_logging("INFO")
    get_logger("x").info("once")
    assert stderr.events() == ["once"]


def test_handlers_of_others_stay(stderr: Written) -> None:
    """A handler that is not a plain stream handler, such as one that exports, is left in place."""

    class Exporter(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None: ...

    exporter = Exporter()
    logging.getLogger().addHandler(exporter)
    configure_logging("INFO")
    assert exporter in logging.getLogger().handlers


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("DEBUG", ["ours DEBUG", "ours INFO", "livekit.agents INFO", "livekit.agents WARNING", "openai WARNING"]),
        ("INFO", ["ours INFO", "livekit.agents WARNING", "openai WARNING"]),
        ("WARNING", ["livekit.agents WARNING", "openai WARNING"]),
        ("ERROR", []),
    ],
)
def test_third_parties_are_quiet(stderr: Written, level: str, shown: list[str]) -> None:
    """Third parties speak from WARNING on; with DEBUG the framework speaks from INFO on, never below."""
    configure_logging(level)
    for name in ("ours", "livekit.agents", "openai"):
        for number in (logging.DEBUG, logging.INFO, logging.WARNING):
            logging.getLogger(name).log(number, "%s %s", name, logging.getLevelName(number))
    assert [e for e in stderr.events() if e != "ours WARNING"] == shown


@pytest.mark.parametrize(("level", "message"), NOISE)
def test_noise_at_disconnect_is_dropped_by_exact_cause(stderr: Written, level: int, message: str) -> None:
    """The known lines of an orderly disconnect vanish; a longer one, another level or logger passes."""
    configure_logging("INFO")

    def sdk(number: int, text: str, name: str = "livekit") -> None:
        # the shape in which livekit.rtc hands on the lines of its native library
        logging.getLogger(name).log(number, "%s:%s:%s - %s", "livekit::room", 1, "livekit::room", text)

    sdk(level, message)
    assert stderr.events() == []
    sdk(level, f"{message}: out of memory")
    sdk(logging.CRITICAL, message)
    sdk(level, message, name="livekit.agents")
    sdk(logging.ERROR, "connection failed")
    assert len(stderr.events()) == 4


def test_the_installed_rtc_library_still_has_the_filtered_words() -> None:
    """When the native library words its lines anew, this fails, and the filter is to be adapted or dropped."""
    library = Path(rtc.__file__).parent / "resources"
    content = b"".join(file.read_bytes() for file in library.glob("*livekit_ffi*"))
    for words in (b"data channel '", b"' closed unexpectedly", b"Attempted to drop unknown FFI handle: "):
        assert words in content, words


async def test_noise_of_a_real_ffi_record_is_dropped(stderr: Written) -> None:
    """The filter knows the shape of the records that the installed livekit.rtc makes of native log lines."""
    configure_logging("INFO")
    event = ffi_pb2.FfiEvent()
    for _, message in NOISE[:2]:
        event.logs.records.add(
            level=ffi_pb2.LogLevel.LOG_ERROR, target="livekit", line=7, module_path="livekit::rtc", message=message
        )
    event.logs.records.add(level=ffi_pb2.LogLevel.LOG_ERROR, target="livekit", message="signal failure")
    data = event.SerializeToString()
    buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
    callback = cast("Callable[[object, int], None]", _ffi_client.ffi_event_callback)
    callback(buffer, len(data))
    (line,) = stderr.lines()
    assert line["event"].endswith("signal failure")


async def test_call_fields_stay_in_their_task(stderr: Written) -> None:
    """Fields bound in one call appear on all its lines, also on the framework's, and on no other call's."""
    configure_logging("INFO")
    both_bound = asyncio.Barrier(2)

    async def call(call_id: str) -> None:
        with bound_call_fields(call_id=call_id):
            await both_bound.wait()

            async def child() -> None:
                get_logger("child").info(call_id)

            await asyncio.create_task(child())
            logging.getLogger("livekit.agents").warning(call_id)
        get_logger("after").info("after")

    async with asyncio.TaskGroup() as group:
        group.create_task(call("a"))
        group.create_task(call("b"))
    get_logger("outside").info("outside")

    written = stderr.lines()
    inside = [line for line in written if line["logger"] in ("child", "livekit.agents")]
    assert len(inside) == 4
    assert all(line["call_id"] == line["event"] for line in inside)
    assert all("call_id" not in line for line in written if line not in inside)


@pytest.mark.parametrize("as_json", [True, False])
def test_secrets_and_phone_numbers_are_masked_everywhere(stderr: Written, as_json: bool) -> None:
    """Message, arguments, fields, stack and traceback: no secret and no phone number gets through."""
    configure_logging("INFO", json=as_json, secrets=["correct horse battery"])
    log = get_logger("x")
    log.info("key correct horse battery", field={"a": ["correct horse battery"]}, phone="0151 12345678")
    logging.getLogger("y").warning("to %s", "+4915112345678", extra={"headers": {"xi-api-key": "abcd1234"}})
    try:
        raise ValueError("correct horse battery") from RuntimeError("Bearer abcdef123")
    except ValueError:
        log.exception("failed")
    text = stderr.text()
    for leaked in ("horse", "12345678", "abcd1234", "abcdef123"):
        assert leaked not in text
    assert text.count(SECRET) == 7
    assert text.count(PHONE) == 2
    assert "ValueError" in text
    assert "RuntimeError" in text


def test_a_record_that_cannot_be_written_is_one_line_without_its_content(stderr: Written) -> None:
    """A broken log call names its place; its arguments, which may hold a key, are not printed."""
    logging.getLogger().handlers.clear()  # pytest's own would raise
    configure_logging("INFO")
    logging.getLogger("x").warning("%d", "sk-abcdefghijkl")
    (line,) = stderr.text().splitlines()
    assert line.startswith("test_logging_config.py:")
    assert line.endswith("a record of x was not written: TypeError")


def test_a_field_may_have_any_name_and_any_type(stderr: Written) -> None:
    """A field with a name that a record has already is kept under a name of its own; each value becomes JSON."""
    configure_logging("INFO")
    get_logger("x").info("hello", name="n", level="l", args=1, process=2, nan=float("nan"), thing=object, a=(1, 2))
    (line,) = stderr.lines()
    assert (line["name_"], line["level_"], line["args_"], line["process_"]) == ("n", "l", 1, 2)
    assert (line["level"], line["nan"], line["thing"], line["a"]) == ("info", "nan", "<class 'object'>", [1, 2])


def test_a_logger_works_unconfigured_and_its_records_can_be_pickled(caplog: pytest.LogCaptureFixture) -> None:
    """Without configuration a record is an ordinary one with its fields as attributes, as a job process sends it."""
    with caplog.at_level(logging.INFO, logger="job"), bound_call_fields(call_id="c1"):
        get_logger("job").info("hello %s", "there", turn=1)
    (record,) = caplog.records
    copy = pickle.loads(pickle.dumps(record))
    assert (copy.getMessage(), copy.turn, copy.call_id) == ("hello there", 1, "c1")


def test_a_line_below_the_level_is_not_even_built(stderr: Written) -> None:
    """A line that is not shown costs no formatting: its values are never turned into text."""

    class Costly:
        def __str__(self) -> str:
            raise AssertionError("formatted")

        __repr__ = __str__

    configure_logging("INFO")
    get_logger("x").debug("hidden", value=Costly())
    assert stderr.text() == ""
