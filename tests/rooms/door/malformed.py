"""Requests that nobody should send, of many kinds, each with the status that it deserves."""

from __future__ import annotations

import base64
import gzip
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rooms.performance.endpoint import PATH as PERFORMANCE
from rooms.webhooks.receiver import MOST_BYTES
from rooms.webhooks.receiver import PATH as WEBHOOK
from tests.rooms.webhooks.signing import TYPE, body_of, event, token

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

DOOR = "/door/token"
JSON = "application/json"
ODD_VALUES: tuple[Any, ...] = (7, -1.5, True, [], ["x"], {"a": 1}, "a\nb", "x" * 200)


@dataclass(frozen=True)
class Malformed:
    """The bytes to send, and the statuses of which one has to come; None: the connection may end without an answer."""

    kind: str
    sent: bytes
    statuses: tuple[int | None, ...]


class Malformer:
    """`Malformer(random.Random(seed), given=<a good pass>, admin=<the token of the settings>).one()`."""

    def __init__(self, chance: random.Random, *, given: str, admin: str) -> None:
        self._chance = chance
        self._pass = given
        self._admin = admin
        self._kinds: list[Callable[[], tuple[bytes, tuple[int | None, ...]]]] = [
            self.noise,
            self.request_line,
            self.header_line,
            self.lengths,
            self.chunks,
            self.cut_off,
            self.compressed,
            self.unknown_path,
            self.broken_pass,
            self.broken_json,
            self.odd_values,
            self.too_much,
            self.too_large,
            self.content_type,
            self.forged_webhook,
            self.altered_webhook,
            self.signed_nonsense,
            self.settings_without_token,
            self.settings_with_odd_values,
        ]

    def one(self) -> Malformed:
        kind = self._chance.choice(self._kinds)
        sent, statuses = kind()
        return Malformed(kind.__name__, sent, statuses)

    # ---- HTTP itself ----------------------------------------------------------------------------------------

    def noise(self) -> tuple[bytes, tuple[int | None, ...]]:
        return b"\x16" + self._bytes(200) + b"\r\n\r\n", (400,)

    def request_line(self) -> tuple[bytes, tuple[int | None, ...]]:
        line = self._chance.choice(
            [
                b"POST",
                b"POST /door/token HTTP/9.9",
                b"P\x00ST / HTTP/1.1",
                b"POST /\x01 HTTP/1.1",
                b" / HTTP/1.1",
            ]
        )
        return line + b"\r\nHost: x\r\n\r\n", (400,)

    def header_line(self) -> tuple[bytes, tuple[int | None, ...]]:
        secret = self._pass.encode()
        line = self._chance.choice(
            [
                b"Authorization Bearer " + secret,
                b"Authorization\x00: Bearer " + secret,
                b"Authorization: Bearer " + secret + b"\x00",
                b": Bearer " + secret,
                b"X-Long: " + b"x" * 20_000,
            ]
        )
        return b"POST /door/token HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n\r\n", (400,)

    def lengths(self) -> tuple[bytes, tuple[int | None, ...]]:
        lines = self._chance.choice(
            [
                b"Content-Length: -1",
                b"Content-Length: many",
                b"Content-Length: 2\r\nContent-Length: 3",
                b"Content-Length: 2\r\nTransfer-Encoding: chunked",
                b"Content-Length: +2",
            ]
        )
        return b"POST /door/token HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n\r\n{}", (400,)

    def chunks(self) -> tuple[bytes, tuple[int | None, ...]]:
        chunk = self._chance.choice([b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n", b"2\r\n{}}}\r\n0\r\n\r\n"])
        # What is wrong is seen before or after the head is answered.
        return self._head("POST", DOOR, Transfer_Encoding="chunked", **self._known()) + chunk, (400,)

    def cut_off(self) -> tuple[bytes, tuple[int | None, ...]]:
        whole = self._request("POST", DOOR, b'{"room_name": "one"}', **self._known())
        return whole[: self._chance.randrange(1, len(whole) - 1)], (None, 400)

    def compressed(self) -> tuple[bytes, tuple[int | None, ...]]:
        if self._chance.random() < 0.5:
            return self._request("POST", DOOR, self._bytes(100), Content_Encoding="gzip", **self._known()), (400,)
        bomb = gzip.compress(b" " * 1_000_000)
        return self._request("POST", DOOR, bomb, Content_Encoding="gzip", **self._known()), (413,)

    def unknown_path(self) -> tuple[bytes, tuple[int | None, ...]]:
        path = self._chance.choice(
            ["/", "/door", "/door/token/../../etc", "/door/%00", "/webhook/x", "/%ff", "//", "/door/token%2f"]
        )
        return self._request(self._chance.choice(["POST", "GET"]), path, b""), (404,)

    # ---- the door -------------------------------------------------------------------------------------------

    def broken_pass(self) -> tuple[bytes, tuple[int | None, ...]]:
        given = self._chance.choice(
            [self._flipped(self._pass), self._pass[: self._chance.randrange(len(self._pass))], "", "x"]
        )
        return self._request("POST", DOOR, b"{}", Authorization=f"Bearer {given}", Content_Type=JSON), (401,)

    def broken_json(self) -> tuple[bytes, tuple[int | None, ...]]:
        whole = json.dumps({"room_name": "one", "grants": {"canPublish": True}}).encode()
        body = self._chance.choice(
            [
                whole[: self._chance.randrange(1, len(whole))],
                b"\x80" + self._bytes(50),
                b"[" * 9000,
                whole + whole,
                b"nan",
            ]
        )
        return self._request("POST", DOOR, body, **self._known()), (400,)

    def odd_values(self) -> tuple[bytes, tuple[int | None, ...]]:
        value = self._chance.choice(ODD_VALUES)
        body: dict[str, Any] = self._chance.choice(
            [
                {"participant_name": value},
                {"grants": self._chance.choice((7, "x", [1]))},
                {"room_config": self._chance.choice((7, "x", [1]))},
                {f"field-{self._chance.random()}": value},
                {"grants": {f"grant-{self._chance.random()}": value}},
            ]
        )
        return self._request("POST", DOOR, json.dumps(body).encode(), **self._known()), (400,)

    def too_much(self) -> tuple[bytes, tuple[int | None, ...]]:
        grant = self._chance.choice(
            ["roomAdmin", "roomCreate", "hidden", "agent", "ingressAdmin", "canUpdateOwnMetadata"]
        )
        body = self._chance.choice(
            [
                {"room_name": f"room-{self._chance.random()}"},
                {"participant_identity": "somebody"},
                {"participant_attributes": {"host": "x"}},
                {"room_config": {"agents": [{"agent_name": "x"}]}},
                {"grants": {grant: True}},
            ]
        )
        return self._request("POST", DOOR, json.dumps(body).encode(), **self._known()), (403,)

    def too_large(self) -> tuple[bytes, tuple[int | None, ...]]:
        size = self._chance.randrange(17_000, 60_000)
        if self._chance.random() < 0.5:
            return self._request("POST", DOOR, b" " * size, **self._known()), (413,)
        body = b" " * (MOST_BYTES + self._chance.randrange(1, 1000))
        return self._request("POST", WEBHOOK, body, Authorization=token(body), Content_Type=TYPE), (413,)

    def content_type(self) -> tuple[bytes, tuple[int | None, ...]]:
        kind = self._chance.choice(
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x", "a/b;c"]
        )
        if self._chance.random() < 0.5:
            return self._request("POST", DOOR, b"{}", **{**self._known(), "Content_Type": kind}), (415,)
        body = body_of(event())
        return self._request("POST", WEBHOOK, body, Authorization=token(body), Content_Type=kind), (415,)

    # ---- the webhook ----------------------------------------------------------------------------------------

    def forged_webhook(self) -> tuple[bytes, tuple[int | None, ...]]:
        body = body_of(event())
        good = token(body)
        none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
        signed = self._chance.choice(
            [
                self._flipped(good),
                f"Bearer {good}",
                "",
                good[: self._chance.randrange(len(good))],
                f"{none}.{good.split('.')[1]}.",
                token(body, exp=int(time.time()) - self._chance.randrange(100, 10_000)),
                token(body, sha256=self._chance.choice(["", "?", 7, [1], "AAAA"])),
            ]
        )
        return self._request("POST", WEBHOOK, body, Authorization=signed, Content_Type=TYPE), (401,)

    def altered_webhook(self) -> tuple[bytes, tuple[int | None, ...]]:
        body = bytearray(body_of(event()))
        signed = token(bytes(body))
        body[self._chance.randrange(len(body))] ^= 1 << self._chance.randrange(8)
        return self._request("POST", WEBHOOK, bytes(body), Authorization=signed, Content_Type=TYPE), (401,)

    def signed_nonsense(self) -> tuple[bytes, tuple[int | None, ...]]:
        whole = body_of(event())
        body = self._chance.choice(
            [
                whole[: self._chance.randrange(len(whole))],
                b"\x80" + self._bytes(100),
                b"[" * self._chance.randrange(1, 5000),
                body_of(self._chance.choice((7, None, [], "x", {}))),
                body_of({**event(), self._chance.choice(("room", "participant", "track", "id", "createdAt")): [7]}),
                body_of({**event(), "room": {"numParticipants": self._chance.choice(("x", -1, 1e300, {}))}}),
                body_of(event(createdAt=str(int(time.time()) + 1_000))),
            ]
        )
        return self._request("POST", WEBHOOK, body, Authorization=token(body), Content_Type=TYPE), (400,)

    # ---- the settings ---------------------------------------------------------------------------------------

    def settings_without_token(self) -> tuple[bytes, tuple[int | None, ...]]:
        given = self._chance.choice(["", "Bearer", f"Bearer {self._admin}x", f"Basic {self._admin}", "Bearer \x80"])
        method = self._chance.choice(["GET", "PATCH"])
        return self._request(method, PERFORMANCE, b"{}", Authorization=given), (401,)

    def settings_with_odd_values(self) -> tuple[bytes, tuple[int | None, ...]]:
        value = self._chance.choice((*ODD_VALUES, -1))
        body: Any = self._chance.choice(
            [
                {"room_limits": {"too_many": value}},
                {"connection_pool": {"acquire_timeout_s": self._chance.choice((0, -1, "x", [], 1e9))}},
                {"room_limits": self._chance.choice((7, "x", [1]))},
                {f"section-{self._chance.random()}": {}},
                [value],
            ]
        )
        sent = json.dumps(body).encode()
        return self._request("PATCH", PERFORMANCE, sent, Authorization=f"Bearer {self._admin}"), (400,)

    # ---- parts ----------------------------------------------------------------------------------------------

    def _known(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._pass}", "Content_Type": JSON}

    def _head(self, method: str, path: str, **headers: str) -> bytes:
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{lines}\r\n".encode("latin-1")

    def _request(self, method: str, path: str, body: bytes, **headers: str) -> bytes:
        return self._head(method, path, Content_Length=str(len(body)), **headers) + body

    def _bytes(self, count: int) -> bytes:
        # Without line ends: they would end the request line, and an empty one before it is allowed.
        return bytes(self._chance.choice([byte for byte in range(256) if byte not in b"\r\n"]) for _ in range(count))

    def _flipped(self, signed: str) -> str:
        """One character is another one, not the last: some of its bits say nothing."""
        at = self._chance.randrange(len(signed) - 1)
        other = self._chance.choice([char for char in "AbCdEf0123" if char != signed[at]])
        return signed[:at] + other + signed[at + 1 :]
