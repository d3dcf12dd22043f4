"""The shell around speculation: its timer, its end in every form, and one conversation through the real framework."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import numpy as np
import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession, ModelSettings, io
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.plugins import openai

from sim.latency import Fixed, LlmLatency, Profile, SonioxLatency, TtsLatency
from sim.providers import SimulatedProviders
from sim.speech.library import load_speech
from tests.turns.framework_model import FINAL, INTERIM, PREFLIGHT, event
from turns.finalizing_stt import FinalizingSTT
from turns.profiles import PROFILES
from turns.quiet_gate import QuietGate
from turns.same_words import same_words
from turns.speculation import SETTLED_QUIET_S, Speculation
from turns.speculation_budget import SpeculationBudget
from turns.speculation_stream import speculate
from turns.vad import VadFactory

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable


class Silence:
    quiet_s = 0.0


class Source:
    """An STT's stream by hand: what is put in comes out, an exception is raised."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[SpeechEvent | Exception | None] = asyncio.Queue()
        self.left = False

    def put(self, *items: SpeechEvent | Exception | None) -> None:
        for item in items:
            self.queue.put_nowait(item)

    async def events(self) -> AsyncGenerator[SpeechEvent]:
        try:
            while (item := await self.queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.left = True


def speculation(gate: Silence | None = None) -> Speculation:
    return Speculation(gate or Silence(), SpeculationBudget())


async def test_the_timer_begins_without_a_new_event() -> None:
    """The interim passes at once, its preflight follows when the silence is long enough."""
    source, gate = Source(), Silence()
    async with aclosing(speculate(source.events(), speculation(gate))) as passed:
        source.put(event(INTERIM, "who are you"))
        assert (await anext(passed)).type is INTERIM
        gate.quiet_s = SETTLED_QUIET_S
        begun = await anext(passed)
        assert (begun.type, begun.alternatives[0].text) == (PREFLIGHT, "who are you")
    assert source.left


async def test_every_event_passes_in_its_order() -> None:
    """200 of them at once, and the end of the stream is the end of this one."""
    source = Source()
    kinds = (INTERIM, FINAL, SpeechEventType.END_OF_SPEECH)
    source.put(*[event(kinds[i % 3], f"word {i}", i) for i in range(200)], None)
    numbers = [int(each.request_id) async for each in speculate(source.events(), speculation())]
    assert numbers == list(range(200))


async def test_an_error_comes_behind_what_was_said_before_it() -> None:
    """Then a new stream goes on with the same turn, as the framework's does."""
    source, ours = Source(), speculation()
    source.put(event(FINAL, "Hello."), event(INTERIM, "a table"), ConnectionError("gone"))
    passed: list[str] = []

    async def read(source: Source) -> None:
        async with aclosing(speculate(source.events(), ours)) as events:
            async for each in events:
                passed.append(each.alternatives[0].text)  # noqa: PERF401  what came before the error is kept

    with pytest.raises(ConnectionError, match="gone"):
        await read(source)
    assert passed == ["Hello.", "a table"]
    again = Source()
    again.put(event(FINAL, "a table for two"), None)
    await read(again)
    assert ours.committed("Hello. a table for two").kept


@pytest.mark.parametrize("waits", ["for an event", "for silence"])
async def test_cancelling_leaves_nothing_behind(waits: str) -> None:
    """Whatever it waited for; the source is left, too. The test fails by itself if a task is still there."""
    source = Source()
    taken = asyncio.Event()

    async def consume() -> None:
        async for _ in speculate(source.events(), speculation()):
            taken.set()

    task = asyncio.create_task(consume())
    if waits == "for silence":
        source.put(event(INTERIM, "hello"))
        await taken.wait()
    else:
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert source.left


async def test_the_permission_is_the_events_own() -> None:
    """A final transcript that may not begin a reply and words that may, in one message of the STT: the framework,
    which takes events from a queue, sees each under the permission that was given for it."""
    source, gate = Source(), Silence()
    gate.quiet_s = 0.3
    allowed = True
    seen: list[tuple[SpeechEventType, bool]] = []
    queue: asyncio.Queue[SpeechEvent | None] = asyncio.Queue()

    def permit(permitted: bool) -> None:
        nonlocal allowed
        allowed = permitted

    ours = Speculation(gate, SpeculationBudget(), worth=lambda text: not text.endswith("and"), permit=permit)
    source.put(
        event(INTERIM, "this and"), event(FINAL, "This and"), event(INTERIM, "that"), event(FINAL, "that,"), None
    )

    async def pump() -> None:
        async for each in speculate(source.events(), ours):
            queue.put_nowait(each)
        queue.put_nowait(None)

    async def consume() -> None:
        while (each := await queue.get()) is not None:
            seen.append((each.type, allowed))

    await asyncio.gather(consume(), pump())
    assert [pair for pair in seen if pair[0] is not INTERIM] == [(FINAL, False), (PREFLIGHT, True), (FINAL, True)]


class Microphone(io.AudioInput):
    """A recording in real time, 10 ms a frame, and silence around it."""

    def __init__(self, name: str) -> None:
        super().__init__(label="recording")
        self._pcm = np.concatenate([np.zeros(4800, dtype=np.int16), load_speech()[name].pcm])
        self._at = 0
        self._due_s = 0.0

    async def __anext__(self) -> rtc.AudioFrame:
        loop = asyncio.get_running_loop()
        self._due_s = max(self._due_s + 0.01, loop.time() - 0.05)
        await asyncio.sleep(self._due_s - loop.time())
        part = self._pcm[self._at : self._at + 160]
        self._at += 160
        return rtc.AudioFrame((part if len(part) == 160 else np.zeros(160, np.int16)).tobytes(), 16_000, 1, 160)


class SpeculatingAgent(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You are a front desk.")
        self._gate = QuietGate()
        self.speculation = Speculation(
            self._gate,
            SpeculationBudget(most_a_turn=8),
            ready=lambda: (speech := self.session.current_speech) is None or speech.interrupted,
            permit=self._permit,
        )
        self.begun: list[str] = []
        self.committed: list[str] = []
        self.turned = asyncio.Event()

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncGenerator[SpeechEvent]:
        async def watched() -> AsyncGenerator[rtc.AudioFrame]:
            async for frame in audio:
                self._gate.push(frame)
                yield frame

        events = Agent.default.stt_node(self, watched(), model_settings)
        async with aclosing(speculate(events, self.speculation)) as passed:
            async for each in passed:
                if each.type is PREFLIGHT:
                    self.begun.append(each.alternatives[0].text)
                yield each

    async def on_user_turn_completed(self, turn_ctx: object, new_message: object) -> None:
        text: str = getattr(new_message, "text_content", "")
        self.committed.append(text)
        self.speculation.committed(text)
        self.turned.set()

    def _permit(self, allowed: bool) -> None:
        self.session.options.preemptive_generation["enabled"] = allowed


@asynccontextmanager
async def conversation(agent: Agent, name: str) -> AsyncGenerator[SimulatedProviders]:
    """A session without a room: real plugins, simulated providers whose finals are written in another way."""
    soniox = SonioxLatency(Fixed(150), Fixed(600), Fixed(150), 0.0, 1.0, 0)
    profile = Profile(soniox, LlmLatency(Fixed(200), Fixed(2)), TtsLatency(Fixed(200), Fixed(200), 10.0))
    async with SimulatedProviders(profile=profile) as providers, aiohttp.ClientSession() as http:
        session = AgentSession[None](
            stt=FinalizingSTT(api_key="sim", base_url=providers.soniox_base_url, http_session=http),
            llm=openai.LLM(model="gpt-4o-mini", api_key="sim", base_url=providers.openai_base_url),
            vad=VadFactory(PROFILES["fast"]).make(),
            turn_handling={
                "turn_detection": "vad",
                "endpointing": {"mode": "fixed", "min_delay": 0.65, "max_delay": 1.5},
                "preemptive_generation": {"enabled": True, "max_retries": 8},
            },
        )
        session.input.audio = Microphone(name)
        await session.start(agent)
        try:
            yield providers
        finally:
            await session.aclose()


async def test_the_framework_keeps_what_was_begun() -> None:
    """A turn with a pause of half a second in it: its reply is kept although the final words are written in another
    way, and the provider has seen no call of the LLM that is not counted."""
    agent = SpeculatingAgent()
    async with conversation(agent, "pause_500") as providers:
        async with asyncio.timeout(40):
            await agent.turned.wait()
        counts = agent.speculation.counts
        assert same_words(agent.committed[0], load_speech()["pause_500"].text)
        assert (len(agent.committed), counts.kept) == (1, 1)
        assert agent.begun
        assert 1 <= providers.stats["openai"]["requests"] <= counts.begun == 1 + counts.thrown_away
