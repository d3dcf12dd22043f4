"""The calls that are open: each is looked after until it is hung up or its caller has gone."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from livekit.protocol.models import ParticipantInfo

from rooms.disposal import Disposal
from rooms.escort import AWAY, reason
from rooms.replies import Refusal
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator, Iterator
    from types import TracebackType

    from livekit import api

    from web.whip.call import Call
    from web.whip.upstream import Upstream
    from web.whip.voice import Voices

log = get_logger("whip")

MOST_CALLS = 1000
FULL_RETRY_S = 5
FIRST_LOOKS_S = 0.2
LOOK_EVERY_S = 5.0
# Somebody who has not been seen in LiveKit for so long, because LiveKit does not answer, is not waited for.
MOST_UNSEEN_S = 600.0


class Calls:
    """`async with Calls(...) as calls`: one for the process. At the end it forgets all calls and leaves them be.

    A caller hears a new track of the agent's, or a new agent, at the next look, within `look_every_s`.
    """

    def __init__(
        self,
        lk: api.LiveKitAPI,
        upstream: Upstream,
        voices: Voices,
        agent_name: str,
        *,
        most: int = MOST_CALLS,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        if most < 1:
            raise ValueError(f"most: got {most}, must be 1 or more (calls)")
        self._upstream = upstream
        self._voices = voices
        self._disposal = Disposal(lk, agent_name)
        self._most = most
        self._look_every_s = look_every_s
        self._calls: dict[str, Call] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._coming = 0

    def __repr__(self) -> str:
        return f"<Calls {len(self._calls)} open, {self._coming} coming, of {self._most}>"

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls.values()))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [*self._watches.values(), *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._calls.clear()
        await self._disposal.aclose()

    @contextmanager
    def place(self) -> Generator[None]:
        """For one call that is being made. Raises Refusal 503 if there are too many."""
        if len(self._calls) + self._coming >= self._most:
            after = {"Retry-After": str(FULL_RETRY_S)}
            raise Refusal(503, f"all of {self._most} places are taken: try again in {FULL_RETRY_S} s", headers=after)
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    def open(self, call: Call, voice: str) -> None:
        """Look after it from now on, and connect it with the agent's track `voice`."""
        self._calls[call.id] = call
        task = asyncio.create_task(self._watch(call, voice), name=f"whip call in {call.room}")
        self._watches[call.id] = task
        task.add_done_callback(lambda _: self._forget(call))

    def get(self, call_id: str) -> Call:
        """Raises Refusal 404."""
        call = self._calls.get(call_id)
        if call is None:
            raise Refusal(404, "no such call: it has ended")
        return call

    def take(self, call_id: str) -> Call:
        """As `get`, for the one who ends it: to everybody else it has ended now."""
        call = self.get(call_id)
        self._watches[call_id].cancel()
        self._forget(call)
        return call

    def give_up(self, call: Call | None, room: str) -> None:
        """End, in the background, what was begun for a caller who will not come: nobody waits in the room then."""
        task = asyncio.create_task(self._give_up(call, room), name=f"whip: give up {room}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _give_up(self, call: Call | None, room: str) -> None:
        try:
            if call is not None:
                await self._upstream.hang_up(call.room, call.identity, call.path)
        except Refusal as error:
            log.debug("a caller who had gone could not be taken out", room=room, reason=str(error))
        finally:
            self._disposal.discard(room)

    def _forget(self, call: Call) -> None:
        self._calls.pop(call.id, None)
        self._watches.pop(call.id, None)

    async def _watch(self, call: Call, voice: str) -> None:
        told = await self._heard(call, self._voices.connect(call, voice), told=False)
        seen_at = time.monotonic()
        while time.monotonic() - seen_at < MOST_UNSEEN_S:
            await asyncio.sleep(self._look_every_s if call.joined else min(FIRST_LOOKS_S, self._look_every_s))
            try:
                seen = await self._voices.look(call.room, call.participant)
            except AWAY:
                continue
            if seen.caller is None:
                if not call.joined:
                    log.debug("a caller did not connect", room=call.room)
                    self._disposal.discard(call.room)
                return
            seen_at = time.monotonic()
            if not call.joined and seen.caller.state == ParticipantInfo.ACTIVE:
                call.joined = True
                told = await self._heard(call, self._voices.negotiate(call), told=told)
            if seen.voice and seen.voice != call.voice:
                told = await self._heard(call, self._voices.connect(call, seen.voice), told=told)

    async def _heard(self, call: Call, done: Coroutine[object, object, None], *, told: bool) -> bool:
        """Returns whether a failure of this call has been told: once is enough."""
        try:
            await done
        except (Refusal, *AWAY) as error:
            if not told:
                log.warning("a caller does not hear the agent yet", room=call.room, reason=reason(error))
            return True
        return told
