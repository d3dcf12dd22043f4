"""The agent's own track, in a room of a real livekit-server."""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
from livekit import rtc

from prewarm.greeting import Greeting
from prewarm.voice import HELD_S, TRACK_NAME, Audible, Voice
from sim.caller import Caller, mint_caller_token

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sim.livekit_server import LocalLiveKit
    from utils.audio import Pcm

RATE_HZ = 24_000


def silence(ms: int) -> Pcm:
    return np.zeros(RATE_HZ * ms // 1000, dtype=np.int16)


def tone(ms: int) -> Pcm:
    times = np.arange(RATE_HZ * ms // 1000) / RATE_HZ
    return (np.sin(2 * np.pi * 300 * times) * 12_000).astype(np.int16)


def sound(*parts: Pcm) -> Greeting:
    return Greeting("test", np.concatenate(parts))


class Stage:
    """A room, the agent's voice in it, and what the voice told."""

    def __init__(self, livekit: LocalLiveKit, room: rtc.Room, name: str) -> None:
        self.room = room
        self.told: asyncio.Queue[Audible] = asyncio.Queue()
        self.voice = Voice(room, on_audible=self.told.put_nowait)
        self._livekit = livekit
        self._name = name

    def caller(self, name: str = "caller") -> Caller:
        livekit = self._livekit
        return Caller(livekit.url, mint_caller_token(livekit.api_key, livekit.api_secret, self._name, name), name=name)

    async def published(self) -> None:
        while not self.room.local_participant.track_publications:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def stage(livekit: LocalLiveKit) -> AsyncGenerator[Stage]:
    name, room = f"voice-{uuid.uuid4().hex[:8]}", rtc.Room()
    await room.connect(livekit.url, mint_caller_token(livekit.api_key, livekit.api_secret, name, "agent"))
    it = Stage(livekit, room, name)
    try:
        yield it
    finally:
        await it.voice.aclose()
        await room.disconnect()


async def test_the_track_is_there_before_anyone_else_is(livekit: LocalLiveKit) -> None:
    """Published into an empty room, under the name that clients look for; nobody is subscribed yet."""
    async with stage(livekit) as it:
        it.voice.publish()
        it.voice.publish()
        await it.published()
        assert [each.name for each in it.room.local_participant.track_publications.values()] == [TRACK_NAME]
        assert not it.voice.subscribed.done()
        assert it.room.remote_participants == {}


async def test_what_is_played_waits_for_a_listener_and_is_heard_whole(livekit: LocalLiveKit) -> None:
    """Nothing is lost for a caller who comes later, and `play` ends when it has been heard."""
    async with stage(livekit) as it:
        it.voice.publish()
        playing = asyncio.create_task(it.voice.play(sound(tone(600)).frames()))
        await it.published()
        assert not playing.done()
        assert it.told.empty()
        async with it.caller() as caller:
            await playing
            await caller.quiet(300, timeout_s=10)
            spans = [span for track in caller.heard() for span in track.spans()]
        heard_ms = sum((end or begin) - begin for begin, end in spans) * 1000
        assert heard_ms == pytest.approx(600, abs=100)


@pytest.mark.parametrize("leading_ms", [0, 120, 400])
async def test_the_first_audible_sample_is_told_to_the_window(livekit: LocalLiveKit, leading_ms: int) -> None:
    """Silence in front is not the first word: `audible_at_s` is exactly so much later than the first frame."""
    async with stage(livekit) as it, it.caller():
        it.voice.publish()
        began_s = time.time()
        await it.voice.play(sound(silence(leading_ms), tone(300)).frames())
        audible = it.told.get_nowait()
        assert (audible.audible_at_s - audible.playing_at_s) * 1000 == pytest.approx(leading_ms, abs=6)
        assert began_s <= audible.playing_at_s <= time.time()


async def test_each_utterance_is_told_once_and_by_itself(livekit: LocalLiveKit) -> None:
    """The second one's silence is counted anew; an utterance of silence alone is never told."""
    async with stage(livekit) as it, it.caller():
        it.voice.publish()
        for parts in ([silence(200), tone(200)], [silence(300)], [silence(40), tone(200)]):
            await it.voice.play(sound(*parts).frames())
        told = [it.told.get_nowait() for _ in range(it.told.qsize())]
        offsets_ms = [(each.audible_at_s - each.playing_at_s) * 1000 for each in told]
        assert offsets_ms == [pytest.approx(200, abs=6), pytest.approx(40, abs=6)]
        assert told[0].playing_at_s < told[1].playing_at_s


async def test_what_was_interrupted_does_not_count_for_the_next_utterance(livekit: LocalLiveKit) -> None:
    """Cut off in its leading silence: the next one is told with its own offset."""
    async with stage(livekit) as it, it.caller():
        it.voice.publish()
        async for frame in sound(silence(400)).frames():
            await it.voice.capture_frame(frame)
        it.voice.flush()
        it.voice.clear_buffer()
        await it.voice.wait_for_playout()
        await it.voice.play(sound(silence(60), tone(200)).frames())
        audible = it.told.get_nowait()
        assert it.told.empty()
        assert (audible.audible_at_s - audible.playing_at_s) * 1000 == pytest.approx(60, abs=6)


async def test_closing_is_possible_at_any_moment_and_twice(livekit: LocalLiveKit) -> None:
    """Before publishing, while it waits for a listener, and after."""
    async with stage(livekit) as it:
        await it.voice.aclose()
    async with stage(livekit) as it:
        it.voice.publish()
        await it.published()
        await it.voice.aclose()
        await it.voice.aclose()


async def test_a_speech_that_is_cancelled_while_it_waits_takes_nothing_from_the_next(livekit: LocalLiveKit) -> None:
    """The greeting was cut before anyone was there: what is said later is still heard."""
    async with stage(livekit) as it:
        it.voice.publish()
        first = asyncio.create_task(it.voice.play(sound(tone(200)).frames()))
        await it.published()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        async with it.caller():
            await it.voice.play(sound(tone(200)).frames())
        assert it.told.qsize() == 1


async def test_no_more_than_a_moment_of_sound_is_taken_before_somebody_listens(livekit: LocalLiveKit) -> None:
    """A part of the greeting that is still to be made must not be waited for while nobody is there."""
    asked_ms = 0

    async def frames() -> AsyncGenerator[rtc.AudioFrame]:
        nonlocal asked_ms
        async for frame in sound(tone(800)).frames():
            asked_ms += round(frame.duration * 1000)
            yield frame

    async with stage(livekit) as it:
        it.voice.publish()
        playing = asyncio.create_task(it.voice.play(frames()))
        await it.published()
        assert HELD_S * 1000 <= asked_ms <= HELD_S * 1000 + 60
        async with it.caller():
            await playing
        assert asked_ms == 800


async def test_a_pause_before_somebody_listens_holds_until_it_is_taken_back(livekit: LocalLiveKit) -> None:
    """A listener alone does not start what was paused; a resume alone does not start what nobody hears."""
    async with stage(livekit) as it:
        it.voice.publish()
        playing = asyncio.create_task(it.voice.play(sound(tone(300)).frames()))
        await it.published()
        it.voice.pause()
        async with it.caller():
            await it.voice.subscribed
            await asyncio.sleep(0.1)
            assert it.told.empty()
            it.voice.resume()
            await playing
        assert it.told.qsize() == 1


async def test_what_is_held_goes_on_where_it_stopped(livekit: LocalLiveKit) -> None:
    """Half a second in the middle: silence there, and then all of the rest."""
    async with stage(livekit) as it, it.caller() as caller:
        it.voice.publish()
        playing = asyncio.create_task(it.voice.play(sound(tone(1200)).frames()))
        await it.told.get()
        await asyncio.sleep(0.4)
        it.voice.hold()
        await caller.quiet(300, timeout_s=10)
        it.voice.release()
        await playing
        await caller.quiet(300, timeout_s=10)
        spans = [span for track in caller.heard() for span in track.spans()]
    heard_ms = sum((end or begin) - begin for begin, end in spans) * 1000
    assert len(spans) == 2
    assert heard_ms == pytest.approx(1200, abs=100)


async def test_a_hold_between_two_utterances_does_nothing(livekit: LocalLiveKit) -> None:
    """There is no sound to stand still, and the next one must not be stuck."""
    async with stage(livekit) as it, it.caller():
        it.voice.publish()
        it.voice.hold()
        await it.voice.play(sound(tone(200)).frames())
        assert it.told.qsize() == 1
