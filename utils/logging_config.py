"""Logs: one quiet, structured stream on stderr; for people in a terminal, JSON lines anywhere else.

Formatting and masking happen in one handler on the root logger, so the framework's own records get the
same treatment. Fields of a call are bound with `structlog.contextvars`, which follow the task.
"""

from __future__ import annotations

import logging
import math
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO, cast

import structlog
from structlog.contextvars import merge_contextvars
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer, format_exc_info
from structlog.stdlib import BoundLogger, PositionalArgumentsFormatter, ProcessorFormatter, filter_by_level

from utils.log_filters import (
    NoRepeats,
    not_bad_request,
    not_disconnect_noise,
    not_ignored_stream,
    short_provider_failures,
)
from utils.text import Mask

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from structlog.typing import EventDict, Processor

FRAMEWORK = ("livekit", "livekit.agents")
THIRD_PARTY = (
    *FRAMEWORK,
    "aiohttp",
    "aiosqlite",
    "alembic",
    "asyncio",
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "openai",
    "opentelemetry",
    "urllib3",
    "watchfiles",
    "websockets",
)
"""Loggers that speak from WARNING on. With DEBUG the framework speaks from INFO on, the others stay."""

TRACEBACK_LIMIT = 16_384
"""Characters of a traceback that are kept, from its end."""

_RECORD_NAMES = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})
_LINE_NAMES = frozenset({"timestamp", "level", "logger", "event", "exception", "exc_info", "stack", "stack_info"})


def configure_logging(level: str, *, json: bool | None = None, secrets: Collection[str] = ()) -> None:
    """Send every logger's records from `level` on to stderr; a second call replaces the first.

    `json` None: JSON lines unless stderr is a terminal. `secrets` are masked wherever they appear.
    """
    stream = sys.stderr
    as_json = not stream.isatty() if json is None else json
    mask = Mask(secrets)
    handler = _Handler(stream)
    for narrow in (not_disconnect_noise, not_ignored_stream, not_bad_request, short_provider_failures, NoRepeats()):
        handler.addFilter(narrow)
    handler.setFormatter(_json_lines(mask) if as_json else _for_people(mask, colors=_wants_colors(stream)))

    root = logging.getLogger()
    for other in root.handlers[:]:
        # a plain stream handler, such as that of logging.basicConfig, would write each line twice
        if type(other) in (_Handler, logging.StreamHandler):
            root.removeHandler(other)
            other.close()
    root.addHandler(handler)
    root.setLevel(level)

    threshold = max(logging.WARNING, root.level)
    for name in THIRD_PARTY:
        logging.getLogger(name).setLevel(threshold)
    if root.level <= logging.DEBUG:
        for name in FRAMEWORK:
            logging.getLogger(name).setLevel(logging.INFO)


def get_logger(name: str) -> BoundLogger:
    """A structured logger: `log.info("call begins", room=room)`. It needs no configuration to work.

    Its fields travel as attributes of the stdlib record, so they survive the way out of a job process.
    """
    processors: list[Processor] = [filter_by_level, merge_contextvars, PositionalArgumentsFormatter(), _to_record]
    return BoundLogger(logging.getLogger(name), processors=processors, context={})


def _to_record(_logger: Any, _method: str, event_dict: EventDict) -> Mapping[str, Any]:
    """What the stdlib logger's method is called with; a field that the record has already gets a `_` behind."""
    call: dict[str, Any] = {"msg": str(event_dict.pop("event", ""))}
    for name in ("exc_info", "stack_info", "stacklevel"):
        if name in event_dict:
            call[name] = event_dict.pop(name)
    call["extra"] = {f"{name}_" if name in _RECORD_NAMES else name: value for name, value in event_dict.items()}
    return call


def _json_lines(mask: Mask) -> ProcessorFormatter:
    return _formatter(mask, lambda when: when.isoformat(timespec="milliseconds"), JSONRenderer(ensure_ascii=False))


def _for_people(mask: Mask, *, colors: bool) -> ProcessorFormatter:
    renderer = ConsoleRenderer(colors=colors, pad_event_to=24, sort_keys=False, exception_formatter=plain_traceback)
    return _formatter(mask, lambda when: f"{when.astimezone():%H:%M:%S}.{when.microsecond // 1000:03}", renderer)


def _formatter(mask: Mask, timestamp: Callable[[datetime], str], renderer: Processor) -> ProcessorFormatter:
    def line(_logger: Any, _method: str, event_dict: EventDict) -> EventDict:
        """The line's fields in the order in which they are read, masked."""
        record = cast("logging.LogRecord", event_dict["_record"])
        shown: EventDict = {
            "timestamp": timestamp(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": mask.text(str(event_dict["event"])),
        }
        for name, value in event_dict.items():
            if name not in _LINE_NAMES and name not in ("_record", "_from_structlog"):
                shown[name] = _printable(mask.field(name, value))
        for name in ("stack", "exception"):
            if text := event_dict.get(name):
                shown[name] = mask.text(str(text), limit=TRACEBACK_LIMIT, keep_end=True)
        return shown

    return ProcessorFormatter(
        foreign_pre_chain=[_extra, merge_contextvars, _stack, format_exc_info],
        processors=[line, renderer],
        use_get_message=True,
    )


def _extra(_logger: Any, _method: str, event_dict: EventDict) -> EventDict:
    """The fields that were given to a stdlib logger as `extra`; one with the name of a column gets a `_` behind."""
    for name, value in vars(event_dict["_record"]).items():
        if name not in _RECORD_NAMES and not name.startswith("_"):
            event_dict[f"{name}_" if name in _LINE_NAMES else name] = value
    return event_dict


def _stack(_logger: Any, _method: str, event_dict: EventDict) -> EventDict:
    if text := event_dict.pop("stack_info", None):
        event_dict["stack"] = text
    return event_dict


def _printable(value: object) -> object:
    """JSON has no NaN and no infinity."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _wants_colors(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR")


class _Handler(logging.StreamHandler[TextIO]):
    """A stream handler whose own failure is one line: the stdlib's report would print the unmasked record."""

    def handleError(self, record: logging.LogRecord) -> None:
        kind = sys.exc_info()[0]
        name = kind.__name__ if kind else "unknown error"
        try:
            self.stream.write(f"{record.filename}:{record.lineno}: a record of {record.name} was not written: {name}\n")
        except (OSError, ValueError):
            return  # stderr is gone, there is nobody left to tell


bound_call_fields = structlog.contextvars.bound_contextvars
"""`with bound_call_fields(call_id=..., room=...)`: the fields of every line of this task and of those it starts."""
