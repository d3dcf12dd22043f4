"""Who speaks into the greeting: it stops, goes on, or was never touched, and the history holds what was heard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from livekit.agents.llm import ChatMessage

from tests.harness import run_worker, settings_for
from turns.voice_agent import VoiceAgent

if TYPE_CHECKING:
    from collections.abc import Callable

    from service import Service
    from sim.livekit_server import LocalLiveKit
    from sim.providers import SimulatedProviders
    from sim.speech.library import Recording
    from tests.conftest import MakeSettings

LONG_GREETING = (
    "Thank you for calling the restaurant at the harbour. Our kitchen is open every evening of the week, "
    "except on Monday, and we are glad to take your order or to book a table for you and your friends."
)


@pytest.mark.parametrize("interruptible", [True, False])
async def test_speech_into_the_greeting(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    service: Service,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
    interruptible: bool,
) -> None:
    """Interruptible, the greeting ends early; not interruptible, the caller hears all of it."""
    settings = settings_for(make_settings, livekit, sim, enable_interruptions=interruptible)
    async with run_worker(replace(service, greeting=LONG_GREETING), settings, livekit) as worker:
        whole_s = (await worker.kit.greeting(LONG_GREETING)).duration_ms / 1000
        async with worker.caller(await worker.open_room()) as caller:
            first = await caller.first_word(timeout_s=10)
            await caller.say(speech["wait_stop"].pcm, 16_000)
            heard_s = await caller.quiet(250) - first.first_audible_at
        await worker.idle()
    assert (heard_s < 0.7 * whole_s) == interruptible
    assert heard_s < whole_s + 1


@pytest.mark.parametrize("sound", ["mm_hm", "yeah", "cough"])
async def test_a_listener_s_sounds_do_not_stop_the_agent(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    service: Service,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
    sound: str,
) -> None:
    """All of the greeting is heard, with a short pause in it at most, and nothing of it twice."""
    agents: list[VoiceAgent] = []
    settings = settings_for(make_settings, livekit, sim)
    async with run_worker(replace(service, greeting=LONG_GREETING, agent=kept(agents)), settings, livekit) as worker:
        whole_s = (await worker.kit.greeting(LONG_GREETING)).duration_ms / 1000
        async with worker.caller(await worker.open_room()) as caller:
            await caller.first_word(timeout_s=10)
            await caller.say(speech[sound].pcm, 16_000)
            await caller.quiet(1500, timeout_s=30)
            heard_s = sum((end or begin) - begin for track in caller.heard() for begin, end in track.spans())
        await worker.idle()
    assert heard_s == pytest.approx(whole_s, rel=0.15)
    assert said(agents[-1]) == [("assistant", LONG_GREETING, False)]


async def test_the_history_holds_what_was_heard(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    service: Service,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
) -> None:
    """Of a greeting that was broken off, its first words: the LLM may not think that the caller knows the rest."""
    agents: list[VoiceAgent] = []
    settings = settings_for(make_settings, livekit, sim)
    async with run_worker(replace(service, greeting=LONG_GREETING, agent=kept(agents)), settings, livekit) as worker:
        async with worker.caller(await worker.open_room()) as caller:
            await caller.first_word(timeout_s=10)
            spoken = await caller.say(speech["wait_stop"].pcm, 16_000)
            await caller.reply(after=spoken, timeout_s=10)
        await worker.idle()
    role, greeting, interrupted = said(agents[-1])[0]
    assert role == "assistant"
    assert interrupted
    assert greeting
    assert LONG_GREETING.startswith(greeting)
    assert len(greeting) < 0.7 * len(LONG_GREETING)


def kept(agents: list[VoiceAgent]) -> Callable[[], VoiceAgent]:
    """Makes agents, and puts each into `agents`."""

    def make() -> VoiceAgent:
        agents.append(VoiceAgent(instructions="Answer in one short sentence."))
        return agents[-1]

    return make


def said(agent: VoiceAgent) -> list[tuple[str, str, bool]]:
    return [
        (item.role, item.text_content or "", item.interrupted)
        for item in agent.chat_ctx.items
        if isinstance(item, ChatMessage) and item.role in ("user", "assistant")
    ]
