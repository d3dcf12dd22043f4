"""Whole calls with the speech-to-speech model, heard by a caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.realtime_model.agent import GREETING
from prewarm.recordings import TEXTS
from sim.dialogue import SCRIPTED
from sim.speech.library import RATE_HZ, load_speech
from tests.examples.realtime_model.realtime_house import house

if TYPE_CHECKING:
    from sim.caller import Caller
    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings


ATTEMPTS = 4


async def ask(caller: Caller, recording: str, answer: str = "") -> None:
    """Until the agent has said `answer`; once more, as a caller does, when a busy machine has torn the words."""
    for _ in range(ATTEMPTS):
        said = await caller.say(load_speech()[recording].pcm, RATE_HZ)
        await caller.reply(after=said, timeout_s=20)
        await caller.quiet(1000, timeout_s=20)
        if any(answer in text for text in agent_texts(caller)):
            return
    raise AssertionError(f"{recording}: no {answer!r} in {agent_texts(caller)}")


def agent_texts(caller: Caller) -> list[str]:
    return [text.text for text in caller.texts if text.identity.startswith("agent")]


async def test_three_turns_with_a_greeting_from_memory(livekit: LocalLiveKit, make_settings: MakeSettings) -> None:
    """The greeting needs no model, whose connection was there before and which is told of it; it calls the tool; who
    speaks over it is heard, and it remembers what was heard of it; each turn has its gap.
    """
    async with house(livekit, make_settings) as home:
        assert home.models.ready == home.count("realtime", "sessions") == 1
        async with home.worker.caller(await home.worker.open_room()) as caller:
            await caller.first_word(timeout_s=10)
            assert home.count("realtime", "responses") == 0
            await caller.quiet(700, timeout_s=20)
            await ask(caller, "open_sunday", "rom five to eleven in the evening")
            said = await caller.say(load_speech()["who_are_you"].pcm, RATE_HZ)
            await caller.reply(after=said, timeout_s=20)
            await ask(caller, "goodbye", "oodbye")
        await home.worker.idle()
        call = await home.recorder.until("ended")
        counts = home.sim.stats["realtime"] | {"chats": home.count("openai", "requests")}
        first, last = home.told.asked[0], home.told.asked[-1]
    assert agent_texts(caller)[0] == GREETING
    assert [role for role, _ in first][:3] == ["system", "assistant", "user"]
    assert first[1][1] == GREETING
    assert counts["sessions"] == 2, "the call's own, which was open before, and the next call's"
    assert counts["chats"] == 0, "nobody asked the pipeline's model"
    assert counts["truncated"] >= 1
    assert all(SCRIPTED not in text for role, text in last if role == "assistant"), "the caller did not hear all of it"
    assert sum(turn.gap_ms is not None for turn in call.turns) >= 3
    assert call.start.get("first_audible_sample") is not None
    assert call.errors == []


async def test_a_model_that_is_gone_is_told_in_words(livekit: LocalLiveKit, make_settings: MakeSettings) -> None:
    """A broken connection: an apology, and the model goes on. No server any more: an apology, and the pipeline does."""
    async with house(livekit, make_settings) as home:
        async with home.worker.caller(await home.worker.open_room()) as caller:
            await caller.first_word(timeout_s=10)
            for faults in ({}, {"reject_every": 1, "reject_status": 503}):
                home.sim.set_faults({"realtime": {"drop_after_deltas": 1, **faults}})
                before = agent_texts(caller).count(TEXTS["sorry"])
                await caller.say(load_speech()["who_are_you"].pcm, RATE_HZ)
                await caller.text(
                    lambda _, before=before: agent_texts(caller).count(TEXTS["sorry"]) > before, timeout_s=25
                )
            await ask(caller, "goodbye", "oodbye")
        await home.worker.idle()
        call = await home.recorder.until("ended")
        by_pipeline = home.count("openai", "completed")
    assert by_pipeline >= 1
    assert call.ended_by == "caller"
