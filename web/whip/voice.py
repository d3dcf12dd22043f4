"""The agent's voice in a room, and how it gets into a call that was answered without it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit import api
from livekit.protocol.models import TrackSource, TrackType

from rooms.attendance import is_agent, participants
from rooms.escort import AWAY
from rooms.replies import Refusal
from web.whip import fragment

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.protocol.models import ParticipantInfo

    from web.whip.call import Call
    from web.whip.upstream import Upstream

LOOK_EVERY_S = 0.03
PAUSES_S = (0.0, 0.03, 0.07, 0.2)
"""Before each negotiation of a new call; one more follows when the browser has connected."""
FLUSH_S = 1.0
"""A track that is taken back sounds silent for 0.2 s before livekit-server lets go of it, and tells nobody when."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a room. `voice` is the sid of the agent's track, "" if there is none."""

    voice: str
    caller: ParticipantInfo | None = None


class Voices:
    """Finds agents' voices, and connects callers with them."""

    def __init__(self, lk: api.LiveKitAPI, upstream: Upstream, agent_name: str) -> None:
        self._lk = lk
        self._upstream = upstream
        self._agent_name = agent_name

    async def look(self, room: str, caller: str = "") -> Seen:
        """`caller` is the sid of a participant to look for. Raises what LiveKitAPI raises."""
        there = await participants(self._lk, room)
        found = next((each for each in there if each.sid == caller), None)
        voices = [_voice(each) for each in there if is_agent(each, self._agent_name)]
        return Seen(next(filter(None, voices), ""), found)

    async def wait(self, room: str, limit_s: float, still_wanted: Callable[[], bool]) -> str:
        """The sid of the agent's track, "" if it is not there within the limit or not wanted any more."""
        try:
            async with asyncio.timeout(limit_s):
                while still_wanted():
                    try:
                        if voice := (await self.look(room)).voice:
                            return voice
                    except AWAY:
                        pass  # the join makes the room just now, or LiveKit is away: the limit tells
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            pass
        return ""

    async def connect(self, call: Call, voice: str) -> None:
        """Let the caller hear the track, by negotiations in which the browser has no part.

        livekit-server sends a track only once it stands in an answer. A POST that waits for it, by the header
        X-LiveKit-ClientInfo, takes 50 ms longer, for the server looks only that often; and for a track that never comes
        it looks for ever. So it is negotiated anew, under the same credentials, while the browser connects.

        The server subscribes a caller by itself, beside its answer and when the browser has connected, and tells nobody
        when: hence some negotiations. A subscription of ours at that moment can be the second one to the same track,
        and crashes livekit-server 1.13.5 when the agent leaves (SubscribedTrack.OnClose(nil)).

        Raises Refusal and what LiveKitAPI raises.
        """
        if call.voice:
            await self._exchange(call, voice)
        else:
            for pause_s in PAUSES_S:
                await asyncio.sleep(pause_s)
                await self.negotiate(call)
        call.voice = voice

    async def _exchange(self, call: Call, voice: str) -> None:
        """The new track was put beside the old one, in vain: take it back, and wait until both have let go."""
        async with call.lock:
            await self._subscribe(call, voice, wanted=False)
            await asyncio.sleep(FLUSH_S)
            await self._negotiate(call)
            await self._subscribe(call, voice, wanted=True)
            await self._negotiate(call)

    async def negotiate(self, call: Call) -> None:
        """Have what the server has subscribed the caller to stand in an answer. Raises Refusal."""
        async with call.lock:
            await self._negotiate(call)

    async def _subscribe(self, call: Call, voice: str, *, wanted: bool) -> None:
        subscription = api.UpdateSubscriptionsRequest(
            room=call.room, identity=call.identity, track_sids=[voice], subscribe=wanted
        )
        await self._lk.room.update_subscriptions(subscription)

    async def _negotiate(self, call: Call) -> None:
        text = fragment.restart(call.mid, call.ufrag, call.pwd)
        etag, _ = await self._upstream.patch(call.room, call.identity, call.path, text, "*")
        if etag != call.etag:
            raise Refusal(502, "LiveKit has restarted the connection, where it was to change nothing but its tracks")


def _voice(agent: ParticipantInfo) -> str:
    """The sid of the track that speaks: a microphone, before anything else that sounds."""
    tracks = [each for each in agent.tracks if each.type == TrackType.AUDIO]
    tracks.sort(key=lambda each: each.source != TrackSource.MICROPHONE)
    return tracks[0].sid if tracks else ""
