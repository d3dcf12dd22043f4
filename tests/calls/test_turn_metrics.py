"""A real call's turn, stage by stage: the framework's events and times are what the recorder takes them for."""

from __future__ import annotations

from dataclasses import astuple, fields
from typing import TYPE_CHECKING

from tests.harness import quick_profile, run_worker, settings_for

if TYPE_CHECKING:
    from service import Service
    from sim.livekit_server import LocalLiveKit
    from sim.providers import SimulatedProviders
    from sim.speech.library import Recording
    from tests.conftest import MakeSettings
    from tests.harness import Recorder


async def test_the_stages_of_a_turn_are_in_their_order(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    service: Service,
    recorder: Recorder,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
) -> None:
    """Each stage is known and follows the one that it needs; a reply was early exactly if its LLM began early."""
    settings = settings_for(make_settings, livekit, sim)
    async with run_worker(service, settings, livekit) as worker:
        async with worker.caller(await worker.open_room()) as caller:
            await caller.first_word(timeout_s=10)
            await caller.quiet(400)
            said = await caller.say(speech["opening_hours"].pcm, 16_000)
            await caller.reply(after=said, timeout_s=10)
            await caller.quiet(400)
        call = await recorder.until("ended")
        await worker.idle()

    (turn,) = call.turns
    known = [at_ms for at_ms in astuple(turn.stages) if at_ms is not None]
    assert len(known) == len(fields(turn.stages)), turn.stages
    vad_end_ms, transcript_ms, decided_ms, *reply = known
    assert 0 < vad_end_ms < decided_ms
    assert 0 < transcript_ms < decided_ms
    assert reply == sorted(reply), turn.stages
    assert turn.gap_ms is not None
    assert max(known) < turn.gap_ms
    assert turn.speculated == (reply[0] < decided_ms)
    assert call.tally.llm_calls == turn.llm_calls >= 1  # what the orchestrator counts with is the call's own
    assert (turn.cut_off, turn.withdrawn, turn.opener) == (False, False, False)
    waits = quick_profile()
    assert turn.provider_sum_ms is not None
    assert turn.provider_sum_ms > waits.llm.first_token.draw_ms() + waits.tts.first_byte.draw_ms()
    assert turn.overhead_ms is not None
    assert turn.overhead_ms > 0
