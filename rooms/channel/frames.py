"""What goes over the channel's WebSocket: JSON texts, each a frame.

    page     {"frame": "hello", "v": 1, "token": <JWT>, "client": <the page's own random id>, "received": 0}
             {"frame": "hello", "v": 1, "resume": <from the welcome>, "received": <last seq that came in order>}
    service  {"frame": "welcome", "v": 1, "session", "resume", "received"}
    both     {"frame": "message", "seq": 1.., "ack": <last seq that came in order>, "body": {"type": ..., ...}}
             {"frame": "ack", "ack"}
    page     {"frame": "ping", "ack"}, answered by {"frame": "pong", "ack"}

A `hello` that is not answered is sent again: it may have been lost, or the welcome.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, cast

from rooms.replies import Refusal, json_object

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
MOST_FRAME_BYTES = 16 * 1024
LONGEST_TOKEN = 8192
LONGEST_NAME = 128
# RFC 6455 allows 125 bytes in a close frame, two of them are the code.
MOST_WORDS_BYTES = 123
LARGEST_NUMBER = 2**53 - 1
SHAPE = 'an object with "frame": hello, message, ack or ping'


class Code(IntEnum):
    """Why the service closes a connection. A page does not come back after MALFORMED to UNKNOWN, and REPLACED."""

    FINISHED = 1000
    STOPPING = 1001
    FULL = 1013
    MALFORMED = 4400
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    UNKNOWN = 4404
    SILENT = 4408
    REPLACED = 4409
    TOO_MANY = 4429


class Refused(Exception):
    """The connection is closed with this code and these words, which hold nothing secret."""

    def __init__(self, code: Code, words: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(words)
        self.code = code
        self.retry_after_s = retry_after_s

    @property
    def reason(self) -> bytes:
        """As a close frame carries it: the words, or for one that may come back JSON with the seconds until then."""
        if self.retry_after_s is None:
            return str(self).encode()[:MOST_WORDS_BYTES].decode(errors="ignore").encode()
        return json.dumps({"message": str(self)[:60], "retry_after_s": self.retry_after_s}).encode()


@dataclass(frozen=True)
class Hello:
    """Either `token` and `client`, or `resume`. None of them shows in a repr."""

    received: int
    token: str = field(default="", repr=False)
    client: str = field(default="", repr=False)
    resume: str = field(default="", repr=False)


@dataclass(frozen=True)
class Message:
    seq: int
    ack: int
    body: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True)
class Ack:
    ack: int


@dataclass(frozen=True)
class Ping:
    ack: int


def read_frame(text: str) -> Hello | Message | Ack | Ping:
    """Raises `Refused` (MALFORMED) for all that is no frame of a page."""
    try:
        fields = json_object(text.encode(errors="surrogatepass"), SHAPE)
    except Refusal:
        raise Refused(Code.MALFORMED, f"frame: not JSON, allowed: {SHAPE}") from None
    match fields.get("frame"):
        case "message":
            body = fields.get("body")
            if not isinstance(body, dict):
                raise Refused(Code.MALFORMED, "body: not an object")
            return Message(number(fields, "seq", least=1), number(fields, "ack"), cast("dict[str, object]", body))
        case "ack":
            return Ack(number(fields, "ack"))
        case "ping":
            return Ping(number(fields, "ack"))
        case "hello":
            return _hello(fields)
        case _:
            raise Refused(Code.MALFORMED, "frame: must be hello, message, ack or ping")


def _hello(fields: Mapping[str, object]) -> Hello:
    if fields.get("v") != VERSION:
        raise Refused(Code.MALFORMED, f"v: must be {VERSION}")
    received = number(fields, "received")
    if "resume" in fields:
        return Hello(received, resume=words(fields, "resume", LONGEST_NAME))
    return Hello(received, words(fields, "token", LONGEST_TOKEN), words(fields, "client", LONGEST_NAME))


def number(fields: Mapping[str, object], name: str, *, least: int = 0) -> int:
    """Raises `Refused` (MALFORMED) for what is no whole number from `least` on."""
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= LARGEST_NUMBER:
        raise Refused(Code.MALFORMED, f"{name}: must be a whole number, {least} or more")
    return value


def words(fields: Mapping[str, object], name: str, most: int) -> str:
    """Raises `Refused` (MALFORMED) for what is no text of 1 to `most` characters, or cannot be written as UTF-8."""
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most or not is_unicode(value):
        raise Refused(Code.MALFORMED, f"{name}: must be text of 1 to {most} characters")
    return value


def is_unicode(text: str) -> bool:
    """False with half of a surrogate pair in it, which JSON can hold and UTF-8 cannot."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def written(frame: str, **fields: object) -> str:
    """A frame as it is sent."""
    return json.dumps({"frame": frame, **fields}, ensure_ascii=False, separators=(",", ":"))
