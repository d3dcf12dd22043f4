"""A provider that fails costs the call as little as it can, and the caller is never left in silence."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING

import pytest
from livekit.agents import Agent

from prewarm.recordings import TEXTS
from service import Accounts, Brief, Choice, Service
from tests.calls.conftest import GREETING
from tests.harness import run_worker, settings_for

if TYPE_CHECKING:
    from livekit.agents import JobContext

    from sim.livekit_server import LocalLiveKit
    from sim.providers import SimulatedProviders
    from sim.speech.library import Recording
    from tests.conftest import MakeSettings
    from tests.harness import Recorder

TTS_DOWN = {"elevenlabs": {"reject_every": 1, "reject_status": 503}}
LLM_DOWN = {"openai": {"reject_every": 1, "reject_status": 503}}
STT_DOWN = {"soniox": {"reject_every": 1, "error_code": 503}}


async def test_voice_is_down_before_the_greeting(
    livekit: LocalLiveKit, sim: SimulatedProviders, service: Service, recorder: Recorder, make_settings: MakeSettings
) -> None:
    """With no voice and no greeting in memory, the caller hears the recorded goodbye, and the call ends."""
    sim.set_faults(TTS_DOWN)
    async with run_worker(service, settings_for(make_settings, livekit, sim), livekit) as worker:
        async with worker.caller(await worker.open_room()) as caller:
            await caller.first_word(timeout_s=15)
            call = await recorder.until("ended", timeout_s=30)
        assert call.ended_by == "error"
        assert any("greeting" in error for error in call.errors)
        await worker.idle()


async def test_voice_is_down_but_the_greeting_is_in_memory(
    livekit: LocalLiveKit, sim: SimulatedProviders, service: Service, make_settings: MakeSettings
) -> None:
    """A greeting that was made at service start needs no provider."""
    async with run_worker(service, settings_for(make_settings, livekit, sim), livekit) as worker:
        sim.set_faults(TTS_DOWN)
        async with worker.caller(await worker.open_room()) as caller:
            await caller.first_word(timeout_s=10)
            await caller.text(lambda text: text.text == GREETING, timeout_s=5)
        await worker.idle()


@pytest.mark.parametrize("faults", [LLM_DOWN, TTS_DOWN], ids=["no words", "no voice"])
async def test_reply_fails(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    service: Service,
    recorder: Recorder,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
    faults: dict[str, dict[str, int]],
) -> None:
    """A reply that cannot be made is an apology from memory; when the provider is back, so is the agent."""
    async with run_worker(service, settings_for(make_settings, livekit, sim), livekit) as worker:
        async with worker.caller(await worker.open_room()) as caller:
            await caller.first_word(timeout_s=10)
            await caller.quiet(400)
            for socket in worker.kit.tts, worker.kit.llm:
                assert socket.leased == 1
            sim.set_faults(faults | drop_sockets(faults))
            said = await caller.say(speech["opening_hours"].pcm, 16_000)
            await caller.text(lambda text: text.text == TEXTS["sorry"], timeout_s=20)
            await caller.reply(after=said, timeout_s=15)
            await caller.quiet(600)
            sim.set_faults({name: {} for name in faults})
            said = await caller.say(speech["book_table"].pcm, 16_000)
            await caller.reply(after=said, timeout_s=15)
            await caller.quiet(400)
        call = await recorder.until("ended")
        assert call.ended_by == "caller"
        assert len(call.errors) >= 1
        assert any(turn.gap_ms is not None for turn in call.turns)
        await worker.idle()
        assert worker.kit.llm.replaced + worker.kit.tts.replaced >= 1


def drop_sockets(faults: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """A voice that is down loses its open sockets, too."""
    if "elevenlabs" not in faults:
        return {}
    return {"elevenlabs": {**faults["elevenlabs"], "drop_after_chunks": 0}}


async def test_ears_are_down_and_come_back(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    service: Service,
    recorder: Recorder,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
) -> None:
    """An STT that gives up is replaced by another one of the pool, and the caller is heard again."""
    async with run_worker(service, settings_for(make_settings, livekit, sim), livekit) as worker:
        sim.set_faults(STT_DOWN)
        async with worker.caller(await worker.open_room()) as caller:
            await caller.first_word(timeout_s=10)
            sim.set_faults({"soniox": {}})
            await caller.quiet(1500)
            said = await caller.say(speech["opening_hours"].pcm, 16_000)
            await caller.reply(after=said, timeout_s=20)
        await recorder.until("ended")
        await worker.idle()


class Unlisted(Accounts):
    async def find(self, context: JobContext, choice: Choice) -> Brief:
        raise LookupError(f"{context.room.name} is not in the book")


class Endless(Accounts):
    async def find(self, context: JobContext, choice: Choice) -> Brief:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")


class Listed(Accounts):
    async def find(self, context: JobContext, choice: Choice) -> Brief:
        return Brief(Agent(instructions="Answer shortly."), f"Welcome to {context.job.metadata}.")


@pytest.mark.parametrize(
    ("accounts", "words"),
    [(Unlisted(), GREETING), (Endless(), GREETING), (Listed(), "Welcome to the Harbour.")],
    ids=["unknown", "no answer", "known"],
)
async def test_account_decides_the_first_words(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    make_settings: MakeSettings,
    accounts: Unlisted | Endless | Listed,
    words: str,
) -> None:
    """A call that an account claims has its greeting; a lookup that fails costs nothing but a warning."""
    service = Service(agent=lambda: Agent(instructions="Answer shortly."), greeting=GREETING, accounts=accounts)
    async with run_worker(service, settings_for(make_settings, livekit, sim), livekit) as worker:
        async with worker.caller(await worker.open_room(metadata="the Harbour")) as caller:
            await caller.first_word(timeout_s=10)
            await caller.text(lambda text: text.text == words, timeout_s=5)
        await worker.idle()
        account = next(span for span in worker.calls[0].record.start.spans if span.name == "account")
        assert (account.failed is None) == isinstance(accounts, Listed)


async def test_an_agent_serves_one_call(
    livekit: LocalLiveKit, sim: SimulatedProviders, service: Service, recorder: Recorder, make_settings: MakeSettings
) -> None:
    """One that is given out again would tell a caller's words to the next one: that one hears a goodbye instead."""
    agent = Agent(instructions="Answer shortly.")
    service = dataclasses.replace(service, agent=lambda: agent)
    async with run_worker(service, settings_for(make_settings, livekit, sim), livekit) as worker:
        for ended in (1, 2):
            async with worker.caller(await worker.open_room()) as caller:
                await caller.first_word(timeout_s=10)
            call = await recorder.until("ended", ended)
        await worker.idle()
    assert call.errors == ["session: this Agent has served another call; make a new one for each"]
