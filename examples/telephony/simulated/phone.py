"""A telephone at the far end, and what livekit/sip makes of it in the room: a participant of kind SIP."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from livekit import api, rtc

from examples.telephony.dtmf import KEYS
from examples.telephony.line import CALL_STATUS
from sim.caller import Caller, CallerTimeout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from livekit.protocol.room import RoomConfiguration

KEY_PAUSE_S = 0.05
QUIET_MS = 700  # longer than the pause between two sentences
MICROPHONE_RATE_HZ = 16_000  # a telephone has 8 kHz, which the simulated ears do not know


class _Room(rtc.Room):
    """livekit/sip joins without subscribing, and does so when it wants to hear."""

    async def connect(self, url: str, token: str, options: rtc.RoomOptions | None = None) -> None:
        await super().connect(url, token, rtc.RoomOptions(auto_subscribe=False))


class Phone(Caller):
    """`async with Phone(...) as phone:` is in the room and not yet answered. Times are of `time.perf_counter()`.

    The order of attributes and subscription is livekit/sip's own (July 2026). `answered_at`: the moment before the
    call became active.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        api_secret: str,
        *,
        room: str,
        identity: str,
        attributes: Mapping[str, str],
        config: RoomConfiguration | None = None,
    ) -> None:
        token = api.AccessToken(api_key, api_secret).with_identity(identity).with_kind("sip")
        token = token.with_name(identity).with_attributes(dict(attributes))
        # As livekit/sip's own token: it writes its attributes itself.
        grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
        if config is not None:
            token = token.with_room_config(config)
        super().__init__(url, token.with_grants(grants).to_jwt(), name=identity, microphone_rate_hz=MICROPHONE_RATE_HZ)
        self.room = _Room()
        self.identity = identity
        self.answered_at: float | None = None
        self._subscribes = False
        self.room.on("track_published", self._track_published)

    async def tell_status(self, status: str) -> None:
        await self.room.local_participant.set_attributes({CALL_STATUS: status})

    def subscribe(self) -> None:
        """To all sound in the room, now and later."""
        self._subscribes = True
        for participant in self.room.remote_participants.values():
            for publication in participant.track_publications.values():
                self._track_published(publication, participant)

    async def pick_up(self) -> None:
        """A call that goes out is answered: active first, subscribed then."""
        self.answered_at = time.perf_counter()
        await self.tell_status("active")
        self.subscribe()

    async def let_in(self, *, bridging_s: float, timeout_s: float) -> None:
        """A call that comes in: it rings until the agent's voice is subscribed, is picked up because of that, and
        is active `bridging_s` later. Raises `CallerTimeout` if no agent comes.
        """
        self.subscribe()
        deadline = time.perf_counter() + timeout_s
        while not self.heard():
            if time.perf_counter() > deadline:
                raise CallerTimeout(f"{self.identity}: rang for {timeout_s:g} s, and no agent came")
            await asyncio.sleep(0.01)
        await asyncio.sleep(bridging_s)
        self.answered_at = time.perf_counter()
        await self.tell_status("active")

    async def leave(self, reason: rtc.DisconnectReason.ValueType) -> None:
        """Hang up, for a reason that the room is told. Raises what a task of the caller died of."""
        await self.room.disconnect(reason=reason)
        # The SDK does not always tell of an end that was asked for.
        self.disconnect_reason = self.disconnect_reason or rtc.DisconnectReason.Name(reason)
        await self.hang_up()

    async def press(self, keys: str) -> None:
        """Tones, as livekit/sip sends them: a packet for each."""
        for key in keys:
            await self.room.local_participant.publish_dtmf(code=KEYS.index(key), digit=key)
            await asyncio.sleep(KEY_PAUSE_S)

    async def hear(self, words: str, *, timeout_s: float) -> str:
        """Wait for a text of the agent with `words` in it; returns the text."""
        return (await self.text(lambda each: words in each.text, timeout_s=timeout_s, what=repr(words))).text

    async def hear_out(self, words: str, *, timeout_s: float) -> str:
        """The same, and wait until the agent has said it to its end."""
        text = await self.text(lambda each: words in each.text, timeout_s=timeout_s, what=repr(words))
        # The words come before their sound.
        await self._until(lambda: self._onset(text.began_at, 0.0), f"the sound of {words!r}", timeout_s)
        await self.quiet(QUIET_MS, timeout_s=timeout_s)
        return text.text

    def _track_published(self, publication: rtc.RemoteTrackPublication, _: rtc.RemoteParticipant) -> None:
        if self._subscribes and publication.kind == rtc.TrackKind.KIND_AUDIO:
            publication.set_subscribed(True)
