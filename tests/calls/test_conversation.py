"""A call that goes well: greeted, answered three times, ended by the caller."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from observe.room_feed import TOPIC
from sim.caller import TRANSCRIPTION_TOPIC
from tests.calls.conftest import GREETING, REPLIES
from tests.harness import run_worker, settings_for

if TYPE_CHECKING:
    from service import Service
    from sim.livekit_server import LocalLiveKit
    from sim.providers import SimulatedProviders
    from sim.speech.library import Recording
    from tests.conftest import MakeSettings
    from tests.harness import Recorder

STAGES = {"dispatch", "room", "account", "components", "session", "greeting"}


async def test_three_turns(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    service: Service,
    recorder: Recorder,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
) -> None:
    """The caller hears the greeting and three replies; the timeline and the observers tell it; nothing stays."""
    settings = settings_for(make_settings, livekit, sim, timeline_to_room=True)
    async with run_worker(service, settings, livekit) as worker:
        room = await worker.open_room()
        caller = worker.caller(room, text_topics=(TRANSCRIPTION_TOPIC, TOPIC))
        async with caller:
            first = await caller.first_word(timeout_s=10)
            await caller.quiet(400)
            gaps_ms = []
            for name in ("opening_hours", "book_table", "goodbye"):
                said = await caller.say(speech[name].pcm, 16_000)
                gaps_ms.append((await caller.reply(after=said, timeout_s=10)).gap_ms)
                await caller.quiet(400)
        call = await recorder.until("ended")
        await worker.idle()
        assert room not in await worker.rooms()

    assert first.ttfw_ms > 0
    assert all(gap_ms > 0 for gap_ms in gaps_ms)
    assert recorder.told == ["started", "turned", "turned", "turned", "ended"]
    assert call.ended_by == "caller"
    assert call.errors == []

    assert {span.name for span in call.start.spans} == STAGES
    assert all(span.failed is None and span.end_ms is not None for span in call.start.spans)
    marks = [call.start.get(name) for name in ("caller_joined", "first_frame", "first_audible_sample")]
    assert None not in marks
    assert marks[1:] == sorted(mark for mark in marks[1:] if mark is not None)

    for heard_ms, turn in zip(gaps_ms, call.turns, strict=True):
        assert turn.gap_ms is not None
        assert 0 < turn.gap_ms < heard_ms
        spans = {span.name: span for span in turn.timeline.spans}
        assert spans["end of turn"].end_ms == spans["reply"].begin_ms
        assert spans["reply"].end_ms == turn.gap_ms

    said_by_agent = [text.text for text in caller.texts if text.topic == TRANSCRIPTION_TOPIC]
    assert GREETING in said_by_agent
    assert set(REPLIES) <= set(said_by_agent)
    feed = [json.loads(text.text) for text in caller.texts if text.topic == TOPIC]
    assert [message["kind"] for message in feed] == ["start", "turn", "turn", "turn"]
    assert [message.get("n") for message in feed[1:]] == [1, 2, 3]


async def test_callers_side_by_side_do_not_mix(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    service: Service,
    recorder: Recorder,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
) -> None:
    """Two calls on one loop: each is greeted and answered, and each hears only its own words."""
    settings = settings_for(make_settings, livekit, sim, pool_size=1)
    async with run_worker(service, settings, livekit) as worker:
        rooms = [await worker.open_room() for _ in range(2)]
        async with worker.caller(rooms[0]) as ada, worker.caller(rooms[1]) as bob:
            for caller in (ada, bob):
                await caller.first_word(timeout_s=10)
                await caller.quiet(400)
            said = await ada.say(speech["opening_hours"].pcm, 16_000)
            await ada.reply(after=said, timeout_s=10)
            await ada.quiet(400)
            bobs_words = {text.text for text in bob.texts}
        await recorder.until("ended", 2)
        await worker.idle()
        assert "1 free, 0 leased" in repr(worker.kit.tts)
        assert bobs_words == {GREETING}
        assert sorted(len(call.record.turns) for call in worker.calls) == [0, 1]


async def test_greeting_setting_replaces_the_text(
    livekit: LocalLiveKit, sim: SimulatedProviders, service: Service, make_settings: MakeSettings
) -> None:
    """GREETING is what the caller hears first, and what the model knows it has said."""
    settings = settings_for(make_settings, livekit, sim, greeting="Welcome to the other place.")
    async with run_worker(service, settings, livekit) as worker:
        async with worker.caller(await worker.open_room()) as caller:
            await caller.first_word(timeout_s=10)
            await caller.text(lambda text: text.text == "Welcome to the other place.", timeout_s=5)
        await worker.idle()
