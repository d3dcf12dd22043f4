"""What an utterance, and the voice itself, leave behind at their end: nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.prewarm.test_voice import silence, sound, stage, tone

if TYPE_CHECKING:
    from sim.livekit_server import LocalLiveKit


async def test_the_end_of_an_utterance_does_not_click_in_the_next_one(livekit: LocalLiveKit) -> None:
    """An utterance that is not whole blocks of 10 ms is heard to its end, and the next one begins with its silence."""
    async with stage(livekit) as it, it.caller() as caller:
        it.voice.publish()
        await it.voice.play(sound(tone(300), tone(9)).frames())
        await caller.quiet(300, timeout_s=10)
        await it.voice.play(sound(silence(400), tone(300)).frames())
        await caller.quiet(300, timeout_s=10)
        spans = [span for track in caller.heard() for span in track.spans()]
    assert len(spans) == 2


async def test_a_closed_voice_takes_its_track_back(livekit: LocalLiveKit) -> None:
    """The track is gone for those in the room before the room is: its native thread would outlive a deleted one."""
    async with stage(livekit) as it, it.caller() as caller:
        it.voice.publish()
        await it.voice.play(sound(tone(100)).frames())
        assert caller.counts.events["track_unsubscribed"] == 0
        await it.voice.aclose()
        async with asyncio.timeout(10):
            while not caller.counts.events["track_unsubscribed"]:
                await asyncio.sleep(0.01)
        assert it.room.local_participant.track_publications == {}
