"""The switches of the first word: what they switch off is gone from the call, and the call is whole without it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from livekit import api
from livekit.protocol.models import ParticipantInfo

from tests.harness import run_worker, settings_for

if TYPE_CHECKING:
    from observe.timeline import Timeline
    from service import Service
    from sim.livekit_server import LocalLiveKit
    from sim.providers import SimulatedProviders
    from sim.speech.library import Recording
    from tests.conftest import MakeSettings
    from tests.harness import Recorder, Worker


@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
async def test_the_call_is_whole(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    service: Service,
    recorder: Recorder,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
    on: bool,
) -> None:
    """Greeted, answered, told to the observers: with the optimisations and without them."""
    switches = {"parallel_stages": on, "voice_first": on, "defer_phase_two": on}
    async with run_worker(service, settings_for(make_settings, livekit, sim, **switches), livekit) as worker:
        room = await worker.open_room()
        async with worker.caller(room) as caller:
            await caller.first_word(timeout_s=10)
            await caller.quiet(400)
            said = await caller.say(speech["opening_hours"].pcm, 16_000)
            reply = await caller.reply(after=said, timeout_s=10)
            await caller.quiet(400)
        call = await recorder.until("ended")
        await worker.idle()

    assert reply.gap_ms > 0
    assert recorder.told == ["started", "turned", "ended"]
    assert overlaps(call.start, "room", "session") is on


def overlaps(timeline: Timeline, first: str, second: str) -> bool:
    """Whether two stages ran side by side for a moment."""
    spans = {span.name: span for span in timeline.spans}
    one, other = spans[first], spans[second]
    assert one.end_ms is not None
    assert other.end_ms is not None
    return max(one.begin_ms, other.begin_ms) < min(one.end_ms, other.end_ms)


@pytest.mark.parametrize("voice_first", [True, False])
async def test_the_voice_is_there_before_the_caller(
    livekit: LocalLiveKit, sim: SimulatedProviders, service: Service, make_settings: MakeSettings, voice_first: bool
) -> None:
    """With VOICE_FIRST the track is published in an empty room; without, when somebody has joined."""
    settings = settings_for(make_settings, livekit, sim, voice_first=voice_first)
    async with run_worker(service, settings, livekit) as worker:
        room = await worker.open_room()
        published = False
        while not (published if voice_first else has_started(worker)):
            await asyncio.sleep(0.02)
            published = await has_voice(worker, room)
        assert published is voice_first
        async with worker.caller(room) as caller:
            await caller.first_word(timeout_s=10)
            assert await has_voice(worker, room)
        await worker.idle()


def has_started(worker: Worker) -> bool:
    return bool(worker.calls) and any(
        span.name == "session" and span.end_ms for span in worker.calls[0].record.start.spans
    )


async def has_voice(worker: Worker, room: str) -> bool:
    found = await worker.api.room.list_participants(api.ListParticipantsRequest(room=room))
    return any(each.tracks for each in found.participants if each.kind == ParticipantInfo.Kind.AGENT)
