"""Callers who stop in the middle of a sentence: heard out, and answered once, with all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import run_worker, settings_for

if TYPE_CHECKING:
    from service import Service
    from sim.livekit_server import LocalLiveKit
    from sim.providers import SimulatedProviders
    from sim.speech.library import Recording
    from tests.conftest import MakeSettings
    from tests.harness import Recorder


@pytest.mark.parametrize("recording", ["pause_500", "phone_number"])
async def test_a_pause_is_no_end(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    service: Service,
    recorder: Recorder,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
    recording: str,
) -> None:
    """The reply comes behind the last word, and the turn that was committed has the whole sentence."""
    said_whole = speech[recording]
    async with run_worker(service, settings_for(make_settings, livekit, sim, profile="fast"), livekit) as worker:
        async with worker.caller(await worker.open_room()) as caller:
            await caller.first_word(timeout_s=10)
            await caller.quiet(600, timeout_s=20)
            said = await caller.say(said_whole.pcm, 16_000)
            reply = await caller.reply(after=said, timeout_s=20)
            assert reply.gap_ms > 0
            await caller.quiet(1000, timeout_s=20)
            session: Any = vars(worker.calls[0])["_context"]._primary_agent_session
            asked = [item.text_content for item in session.history.items if getattr(item, "role", "") == "user"]
        await worker.idle()
    assert words(" ".join(asked)) == words(said_whole.text)
    answered = [turn for turn in recorder.turns if turn.gap_ms is not None]
    assert len(answered) == 1


def words(text: str) -> list[str]:
    return [word.strip(".,?!").lower() for word in text.split()]
