"""One participant's session: it outlives its connections, and holds what they still have to carry."""

from __future__ import annotations

import asyncio
import hmac
import time
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Protocol

from rooms.channel.frames import Ack, Code, Hello, Message, Ping, Refused, written
from rooms.channel.sequence import RESEND_S, Inbox, Outbox
from rooms.tokens import new_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web


@dataclass(frozen=True)
class Caller:
    """Who has the session: a participant of a room."""

    room: str
    identity: str


@dataclass(frozen=True)
class ChannelLimits:
    """Times in seconds. `messages_a_second` counts each frame of a page, `burst` at once."""

    hello_s: float = 5.0
    dead_peer_s: float = 75.0
    """A page says something every 30 s, and again when it is not answered."""
    keep_s: float = 180.0
    """So long a session without a connection is kept."""
    close_s: float = 2.0
    resend_s: float = RESEND_S
    ack_delay_s: float = 0.02
    most_sessions: int = 1000
    most_waiting: int = 256
    messages_a_second: float = 100.0
    burst: float = 400.0
    busy_retry_after_s: float = 5.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value: float = getattr(self, name)
            if not 0 < value < float("inf"):
                raise ValueError(f"{name}: got {value}, allowed: above 0")


class Desk(Protocol):
    """Who reads the messages of one session."""

    def take(self, body: Mapping[str, object]) -> None:
        """At once, in order. Raises `Refused` for a message that nobody should send."""
        ...

    async def aclose(self) -> None: ...


class SessionOver(Exception):
    """The session has ended; nothing can be sent to its page any more."""


class Session:
    """`desk` is set before the first connection. Secrets never show in a repr."""

    def __init__(self, caller: Caller, client: str, limits: ChannelLimits) -> None:
        self.caller = caller
        self.name = new_name("channel")
        self.desk: Desk | None = None
        self.over = False
        self.socket: web.WebSocketResponse | None = None
        self._transport: asyncio.Transport | None = None
        self._client = client
        self._secret = token_urlsafe(32)
        self._limits = limits
        self._outbox = Outbox(most_waiting=limits.most_waiting, resend_s=limits.resend_s)
        self._inbox = Inbox()
        self._owes_ack_at_s: float | None = None
        self._owes_pong = False
        self._news = asyncio.Event()
        self._space = asyncio.Event()
        self._credit = limits.burst
        self._credited_at_s = time.monotonic()

    def __repr__(self) -> str:
        return f"<Session {self.name} of {self.caller.identity}, {self._outbox!r}>"

    @property
    def resume(self) -> str:
        return f"{self.name}.{self._secret}"

    def is_of(self, hello: Hello) -> bool:
        """Whether this is the session that `hello` asks for."""
        given, ours = (hello.resume, self.resume) if hello.resume else (hello.client, self._client)
        return hmac.compare_digest(given.encode(), ours.encode())

    def welcome(self) -> str:
        return written("welcome", v=1, session=self.name, resume=self.resume, received=self._inbox.received)

    async def send(self, body: Mapping[str, object]) -> None:
        """Puts a message on its way; waits while too many are. Raises SessionOver."""
        while self._outbox.full and not self.over:
            self._space.clear()
            await self._space.wait()
        if self.over:
            raise SessionOver
        self._outbox.put(body)
        self._news.set()

    def attach(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, hello: Hello) -> None:
        """`socket` carries the session from now on. Raises `Refused` for a page that has what was never sent."""
        self._acknowledge(hello.received)
        self.socket, self._transport = socket, transport
        self._owes_pong = False
        self._outbox.reconnected()
        self._news.set()

    def detach(self) -> None:
        """No connection carries it now."""
        self.socket = self._transport = None

    def drop_connection(self) -> None:
        """At once: there is nobody at the other end of it to say goodbye to."""
        if self._transport is not None:
            self._transport.abort()

    def end(self) -> None:
        """Nothing is sent any more; who waits to send is told. Any number of times."""
        self.over = True
        self._news.set()
        self._space.set()

    def read(self, frame: Message | Ack | Ping) -> None:
        """A frame of the page. Raises `Refused`."""
        self._acknowledge(frame.ack)
        if isinstance(frame, Ping):
            self._owes_pong = True
            self._news.set()
        elif isinstance(frame, Message):
            if self._owes_ack_at_s is None:
                self._owes_ack_at_s = time.monotonic() + self._limits.ack_delay_s
            self._news.set()
            for body in self._inbox.take(frame.seq, frame.body):
                assert self.desk is not None
                self.desk.take(body)

    def spend(self) -> None:
        """One frame more. Raises `Refused` if there were too many."""
        now_s, limits = time.monotonic(), self._limits
        gained = (now_s - self._credited_at_s) * limits.messages_a_second
        self._credit, self._credited_at_s = min(limits.burst, self._credit + gained), now_s
        if self._credit < 1:
            wait_s = limits.busy_retry_after_s
            raise Refused(Code.TOO_MANY, "too many messages at once", retry_after_s=wait_s)
        self._credit -= 1

    async def write(self, socket: web.WebSocketResponse) -> None:
        """Sends what there is to send over `socket`, until it is cancelled or the session is over."""
        while not self.over:
            self._news.clear()
            now_s = time.monotonic()
            due = self._outbox.take_due(now_s)
            self._tell_of_space()
            for parcel in due:
                ack = self._take_ack()
                await socket.send_str(written("message", seq=parcel.seq, ack=ack, body=parcel.body))
            if self._owes_pong:
                self._owes_pong = False
                await socket.send_str(written("pong", ack=self._take_ack()))
            elif self._owes_ack_at_s is not None and self._owes_ack_at_s <= now_s:
                await socket.send_str(written("ack", ack=self._take_ack()))
            await self._wait_for_news()

    async def _wait_for_news(self) -> None:
        due_s = [at_s for at_s in (self._outbox.next_due_s(), self._owes_ack_at_s) if at_s is not None]
        try:
            async with asyncio.timeout(max(0.0, min(due_s) - time.monotonic()) if due_s else None):
                await self._news.wait()
        except TimeoutError:
            return

    def _take_ack(self) -> int:
        self._owes_ack_at_s = None
        return self._inbox.received

    def _acknowledge(self, ack: int) -> None:
        if not self._outbox.acknowledged(ack):
            raise Refused(Code.MALFORMED, f"ack: {ack} was never sent")
        self._news.set()

    def _tell_of_space(self) -> None:
        if not self._outbox.full:
            self._space.set()
