"""Who may have a session: callers with LiveKit's JWT, and who was welcomed before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import jwt
from livekit import api

from rooms.channel.frames import Code, Refused
from rooms.channel.session import Caller, ChannelLimits, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms.channel.frames import Hello
    from rooms.channel.session import Desk
    from rooms.tokens import ApiKey


class Sessions:
    """One a participant: the newest page of it counts. `desk` is asked for each new session."""

    def __init__(self, key: ApiKey, limits: ChannelLimits, desk: Callable[[Session], Desk]) -> None:
        self._verifier = api.TokenVerifier(key.key, key.secret)
        self._limits = limits
        self._desk = desk
        self._by_name: dict[str, Session] = {}
        self._by_caller: dict[Caller, Session] = {}
        self._expiry: dict[Session, asyncio.TimerHandle] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        return f"<Sessions {len(self)}, {len(self._expiry)} without a connection>"

    def enter(self, hello: Hello) -> Session:
        """The session that `hello` asks for. Raises `Refused`."""
        if hello.resume:
            session = self._by_name.get(hello.resume.partition(".")[0])
            if session is None or not session.is_of(hello):
                raise Refused(Code.UNKNOWN, "resume: no such session, it may have expired")
            return session
        caller = self._verified(hello.token)
        known = self._by_caller.get(caller)
        if known is not None:
            if known.is_of(hello):
                return known
            self.end(known, Code.REPLACED, "the participant has opened another channel")
        if len(self) >= self._limits.most_sessions:
            raise Refused(Code.FULL, "too many sessions", retry_after_s=self._limits.busy_retry_after_s)
        if hello.received:
            raise Refused(Code.MALFORMED, "received: a new session begins with 0")
        session = Session(caller, hello.client, self._limits)
        session.desk = self._desk(session)
        self._by_name[session.name] = self._by_caller[caller] = session
        return session

    def attached(self, session: Session) -> None:
        """It has a connection."""
        timer = self._expiry.pop(session, None)
        if timer is not None:
            timer.cancel()

    def detached(self, session: Session) -> None:
        """It has none any more, and is kept for a while."""
        if not session.over:
            loop = asyncio.get_running_loop()
            self._expiry[session] = loop.call_later(self._limits.keep_s, self.end, session)

    def end(self, session: Session, code: Code = Code.FINISHED, words: str = "") -> None:
        """Forget it, and close what it has. Any number of times."""
        self.attached(session)
        if self._by_name.pop(session.name, None) is None:
            return
        del self._by_caller[session.caller]
        session.end()
        task = asyncio.create_task(_close(session, code, words), name=f"the end of {session.name}")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def aclose(self) -> None:
        """End all; pages come back to another server, or give up."""
        for session in list(self._by_name.values()):
            self.end(session, Code.STOPPING, "the service stops")
        await asyncio.gather(*self._closing)

    def _verified(self, token: str) -> Caller:
        try:
            claims = self._verifier.verify(token)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            raise Refused(Code.UNAUTHENTICATED, "token: not valid, or not any more") from None
        if not claims.identity or claims.video is None or not claims.video.room or not claims.video.room_join:
            raise Refused(Code.FORBIDDEN, "token: not one with which a participant may join a room")
        return Caller(claims.video.room, claims.identity)


async def _close(session: Session, code: Code, words: str) -> None:
    if session.desk is not None:
        await session.desk.aclose()
    if session.socket is not None:
        await session.socket.close(code=code, message=words.encode())
