"""What stands between callers and livekit-server's WHIP: how a call begins, changes and ends."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from livekit import api

from rooms.replies import Refusal, short
from utils.logging_config import get_logger
from web.whip import fragment
from web.whip.call import MOST_CANDIDATES, Call
from web.whip.calls import Calls
from web.whip.fragment import Fragment
from web.whip.upstream import Upstream
from web.whip.voice import Voices

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rooms.entrance import Ticket
    from rooms.tokens import ApiKey
    from web.whip.sdp import Offer

log = get_logger("whip")

NO_AGENT_RETRY_S = 2
GONE_STATUS = 499  # nobody reads it


class Proxy:
    """`async with Proxy("wss://...", key, "firstword", ...) as proxy`: one for the process. Methods raise Refusal."""

    def __init__(self, livekit_url: str, key: ApiKey, agent_name: str, *, most_calls: int, look_every_s: float) -> None:
        self._livekit_url = livekit_url
        self._key = key
        self._agent_name = agent_name
        self._most_calls = most_calls
        self._look_every_s = look_every_s
        self._upstream = Upstream(livekit_url, key)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._upstream)
            # One session for all: the look for the agent finds a connection that is open already.
            lk = api.LiveKitAPI(self._livekit_url, self._key.key, self._key.secret, session=self._upstream.http)
            self._voices = Voices(lk, self._upstream, self._agent_name)
            self.calls = await stack.enter_async_context(
                Calls(
                    lk,
                    self._upstream,
                    self._voices,
                    self._agent_name,
                    most=self._most_calls,
                    look_every_s=self._look_every_s,
                )
            )
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def begin(
        self, ticket: Ticket, offer: Offer, *, agent_limit_s: float, gone: Callable[[], bool]
    ) -> tuple[Call, str, tuple[str, ...]]:
        """The call, livekit-server's answer and its ICE servers as `Link` headers, once the agent has a voice there.

        Whatever goes wrong, nobody waits in the room afterwards: no caller, and no agent.
        """
        call: Call | None = None
        # The look goes beside the offer: where the agent waits, it costs the caller nothing.
        looking = asyncio.create_task(self._voices.wait(ticket.room, agent_limit_s, lambda: not gone()))
        try:
            answer = await self._upstream.offer(ticket.token, offer.text)
            call = Call(ticket.room, ticket.identity, answer.path, offer.mid, offer.ufrag, offer.pwd, answer.etag)
            if offer.candidates:
                await self._trickle(call, Fragment(offer.mid, candidates=offer.candidates))
            voice = await looking
            if gone():
                raise Refusal(GONE_STATUS, "the caller has gone")
            if not voice:
                message = (
                    f"no agent came within {agent_limit_s:g} s; is a worker running, and below its limit of calls?"
                )
                raise Refusal(503, message, headers={"Retry-After": str(NO_AGENT_RETRY_S)})
        except BaseException as error:
            looking.cancel()
            self.calls.give_up(call, ticket.room)
            if isinstance(error, Refusal) and error.status >= 500:
                log.warning("a caller was not let in", room=ticket.room, reason=str(error))
            raise
        self.calls.open(call, voice)
        return call, answer.text, answer.links

    async def trickle(self, call: Call, found: Fragment, etag: str) -> None:
        """Candidates of the caller's, for the ICE session that `etag` names."""
        async with call.lock:
            if etag != call.etag:
                raise Refusal(412, "If-Match: this ETag is not that of now", field="If-Match", allowed="that of now")
            _check(call, found)
            if found.ufrag and (found.ufrag, found.pwd) != (call.ufrag, call.pwd):
                raise _wrong("a=ice-ufrag", found.ufrag, call.ufrag)
            await self._trickle(call, found)

    async def restart(self, call: Call, found: Fragment) -> str:
        """A new ICE session; returns livekit-server's side of it. Candidates that came along go after it."""
        async with call.lock:
            if not found.ufrag:
                raise _wrong("a=ice-ufrag", "", "there, with a=ice-pwd: a restart is made by new ones")
            _check(call, found)
            text = fragment.restart(call.mid, found.ufrag, found.pwd)
            etag, answer = await self._upstream.patch(call.room, call.identity, call.path, text, "*")
            call.etag, call.ufrag, call.pwd = etag or call.etag, found.ufrag, found.pwd
            if found.candidates:
                await self._trickle(call, found)
            return answer

    async def hang_up(self, call_id: str) -> None:
        """End the call; from now on there is none of this id."""
        call = self.calls.take(call_id)
        await self._upstream.hang_up(call.room, call.identity, call.path)

    async def _trickle(self, call: Call, found: Fragment) -> None:
        call.candidates += len(found.candidates)
        text = found.trickle(call.ufrag, call.pwd)
        await self._upstream.patch(call.room, call.identity, call.path, text, call.etag)


def _check(call: Call, found: Fragment) -> None:
    if found.mid != call.mid:
        raise _wrong("a=mid", found.mid, call.mid)
    if call.candidates + len(found.candidates) > MOST_CANDIDATES:
        raise _wrong("a=candidate", len(found.candidates), f"at most {MOST_CANDIDATES} in a call")


def _wrong(field: str, value: object, allowed: str) -> Refusal:
    return Refusal(400, f"{field}: must be {allowed}", field=field, value=short(value), allowed=allowed)
