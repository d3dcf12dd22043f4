"""The limits of tracks, which LiveKit does not have: by webhook, the track too many is muted or its owner removed."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from livekit import api

from rooms.attendance import GONE, answers, participants
from rooms.escort import reason
from rooms.limits.notice import Notice, tell
from rooms.limits.published import KINDS, KnownTracks, Track, Verdict, tracks_of
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rooms.clients.protocol import Clients
    from rooms.limits.notice import Action, Kind
    from rooms.performance.sections import RoomLimits

log = get_logger("limits")

# LiveKit's list of participants may be a little behind its webhooks.
LATE_LIST_S = 2.0
LOOK_AGAIN_S = 0.25


class _Room:
    """What is known of a room. `noted` and `muted` are tracks of which the list may be late, and since when."""

    def __init__(self) -> None:
        self.tracks = KnownTracks()
        self.noted: dict[str, float] = {}
        self.muted: dict[str, float] = {}
        self.ended: set[str] = set()
        self.judging = asyncio.Lock()
        self.asked = False
        self.task: asyncio.Task[None] | None = None


class TrackLimit:
    """`tracks.published(...)` and `tracks.unpublished(...)` as webhooks say so, `tracks.judge(...)` of what is listed.

    A webhook only says when to look: what is too many is decided by ListParticipants. So it may come twice, late or in
    another order. The muted one may unmute itself, of which LiveKit tells nobody: it is muted again at the next look.
    `limits` may be replaced at any time.
    """

    def __init__(self, clients: Clients, limits: RoomLimits) -> None:
        self.limits = limits
        self._clients = clients
        self._rooms: dict[str, _Room] = {}

    def __repr__(self) -> str:
        return f"<TrackLimit {sum(len(room.tracks) for room in self._rooms.values())} tracks, {len(self._rooms)} rooms>"

    @property
    def _allowed(self) -> Mapping[Kind, int | None]:
        return {"audio": self.limits.max_audio_tracks_per_room, "video": self.limits.max_video_tracks_per_room}

    def published(self, room: str, track: api.TrackInfo) -> None:
        """A webhook says so. Looks only if that could be one too many."""
        kind = KINDS.get(track.type)
        if kind is None:
            return
        known = self._rooms.setdefault(room, _Room())
        if track.sid in known.ended or not known.tracks.note(track.sid, kind):
            return
        known.noted[track.sid] = time.monotonic()
        most = self._allowed[kind]
        if most is not None and known.tracks.count(kind) > most:
            self._look(room, known)

    def unpublished(self, room: str, sid: str) -> None:
        """A webhook says so, which may have overtaken the one that the track was published."""
        known = self._rooms.setdefault(room, _Room())
        full = any(most is not None and known.tracks.count(kind) > most for kind, most in self._allowed.items())
        known.ended.add(sid)
        known.noted.pop(sid, None)
        known.tracks.drop(sid)
        if full:
            self._look(room, known)

    def forget(self, room: str) -> None:
        """It has ended."""
        known = self._rooms.pop(room, None)
        if known is not None and known.task is not None:
            known.task.cancel()

    def keep_only(self, rooms: set[str]) -> None:
        """All other rooms have ended."""
        for room in self._rooms.keys() - rooms:
            self.forget(room)

    async def judge(self, room: str, present: Sequence[api.ParticipantInfo]) -> Verdict:
        """Do what the limits demand of who is there. Raises nothing: what fails is done at the next look."""
        known = self._rooms.setdefault(room, _Room())
        async with known.judging:
            return await self._judge(room, known, tracks_of(present))

    async def aclose(self) -> None:
        tasks = [room.task for room in self._rooms.values() if room.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- a look ---------------------------------------------------------------------------------------------

    def _look(self, room: str, known: _Room) -> None:
        known.asked = True
        if known.task is None:
            known.task = asyncio.create_task(self._run(room, known), name=f"tracks of {room}")

    async def _run(self, room: str, known: _Room) -> None:
        try:
            while known.asked:
                known.asked = False
                async with self._clients.client() as lk:
                    present = await participants(lk, room)
                await self.judge(room, present)
                if known.noted:  # the list does not have it yet
                    known.asked = True
                    await asyncio.sleep(LOOK_AGAIN_S)
        except Exception as error:  # noqa: BLE001  # LiveKit is away, or no client is free: the next look does it
            log.warning("the tracks of a room could not be looked at", room=room, reason=reason(error))
        finally:
            known.task = None

    async def _judge(self, room: str, known: _Room, listed: Sequence[Track]) -> Verdict:
        late_s = time.monotonic() - LATE_LIST_S
        there = {track.sid for track in listed}
        known.noted = {sid: at_s for sid, at_s in known.noted.items() if at_s > late_s and sid not in there}
        known.muted = {sid: at_s for sid, at_s in known.muted.items() if at_s > late_s}
        if not known.noted:
            known.ended.clear()
        verdict = known.tracks.judge(listed, self._allowed, known.noted)
        if self.limits.too_many == "remove":
            for track in {track.identity: track for track in verdict.too_many}.values():
                await self._do(room, track, self._notice(track, verdict, "remove"))
        else:
            for track in verdict.too_many:
                if not track.muted and track.sid not in known.muted:
                    known.muted[track.sid] = time.monotonic()
                    await self._do(room, track, self._notice(track, verdict, "mute"))
        for track in verdict.free:
            await self._do(room, track, self._notice(track, verdict, "free"))
        if not listed and not known.noted and known.task is None:
            self._rooms.pop(room, None)
        return verdict

    def _notice(self, track: Track, verdict: Verdict, action: Action) -> Notice:
        counts: Mapping[Kind, Any] = verdict.counts or {}
        return Notice(track.kind, track.sid, self._allowed[track.kind] or 0, counts.get(track.kind, 0), action)

    async def _do(self, room: str, track: Track, notice: Notice) -> None:
        try:
            async with self._clients.client() as lk:
                if notice.action != "free" and not track.muted:
                    await lk.room.mute_published_track(
                        api.MuteRoomTrackRequest(room=room, identity=track.identity, track_sid=track.sid, muted=True)
                    )
                await tell(lk, room, track.identity, notice)
                if notice.action == "remove":
                    # Its data channel is in order: who answers has the message.
                    await answers(lk, room, track.identity)
                    await lk.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=track.identity))
        except Exception as error:  # noqa: BLE001  # as above; and whoever has left by now is no longer too many
            if not (isinstance(error, api.ServerError) and error.code in GONE):
                log.warning(
                    "a track too many was not dealt with", room=room, action=notice.action, reason=reason(error)
                )
            return
        if notice.action != "free":
            log.info("a track too many", room=room, limit=notice.limit, allowed=notice.allowed, action=notice.action)
