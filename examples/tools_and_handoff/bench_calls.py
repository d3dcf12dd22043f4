"""The calls of the benchmark: two questions, asked of the naive desk and of this one, timed where their caller is."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from livekit import api

from examples.tools_and_handoff.agent import OPENERS, Bookings, FrontDesk
from examples.tools_and_handoff.booking_system import BookingSystem
from examples.tools_and_handoff.hearing import said_to_the_end, spans_of
from examples.tools_and_handoff.naive import NaiveBookings, NaiveFrontDesk
from examples.tools_and_handoff.silences import longest_silence_s, onset, silence_before_s
from orchestrator import Call
from runtime.server import build_server
from service import Service
from sim.caller import Caller, CallerError, mint_caller_token
from sim.speech.library import load_speech
from workshop import build_workshop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from livekit.agents import Agent, JobContext, JobProcess

    from config import Settings
    from sim.caller import ReceivedText
    from sim.livekit_server import LocalLiveKit

Side = Literal["naive", "example"]
Question = Literal["tool", "handoff"]

GREETING = "Hello, this is the restaurant."
LIMIT_S = 30.0
OFFER = "Shall I confirm it?"
TEXT_LATE_S = 0.15  # words may come to the screen so much later than their sound: neither waits for the other


@dataclass(frozen=True)
class Sample:
    """One call. For a tool: `first_ms`, the caller's last sound to the first of an answer or a filler, and `silent_ms`,
    the longest silence until the result. For a handoff: `silent_ms`, one agent's last sound to the other's first.
    """

    side: Side
    question: Question
    silent_ms: float | None = None
    first_ms: float | None = None
    failed: str = ""


class Desks:
    """`async with Desks(settings, livekit, tool_s=3.0) as desks:` has a warm worker for each side and question."""

    def __init__(self, settings: Settings, livekit: LocalLiveKit, *, tool_s: float) -> None:
        self._settings = settings
        self._livekit = livekit
        self._system = BookingSystem(takes_s=(tool_s, tool_s))
        self._speech = load_speech()["book_table"]

    def agents(self) -> dict[tuple[Side, Question], Callable[[], Agent]]:
        return {
            ("naive", "tool"): lambda: NaiveBookings(self._system),
            ("example", "tool"): lambda: Bookings(self._system),
            ("naive", "handoff"): lambda: NaiveFrontDesk(self._system),
            ("example", "handoff"): lambda: FrontDesk(self._system),
        }

    @asynccontextmanager
    async def worker(self, side: Side, question: Question) -> AsyncGenerator[str]:
        """A warm worker; its agents' name."""
        name = f"{side}-{question}"
        settings = self._settings.model_copy(update={"agent_name": name})
        service = Service(self.agents()[side, question], GREETING, openers=OPENERS if side == "example" else ())
        workshop = build_workshop(settings)
        await workshop.open([GREETING], service.openers)

        def setup(process: JobProcess) -> None:
            process.userdata["workshop"] = workshop

        async def entrypoint(context: JobContext) -> None:
            await Call(service, context, workshop).begin()

        server = build_server(settings, entrypoint=entrypoint, setup=setup)
        registered = asyncio.Event()
        server.on("worker_registered", lambda *_: registered.set())  # pyright: ignore[reportUnknownLambdaType]  # untyped
        running = asyncio.create_task(server.run(), name=name)
        try:
            async with asyncio.timeout(LIMIT_S):
                await registered.wait()
            yield name
        finally:
            await server.aclose()
            await running
            await workshop.aclose()

    async def call(self, lk: api.LiveKitAPI, side: Side, question: Question) -> Sample:
        """One call, alone. A call that fails is a sample that says why."""
        room = f"{side}-{question}-{uuid4().hex[:8]}"
        agent = api.RoomAgentDispatch(agent_name=f"{side}-{question}")
        await lk.room.create_room(api.CreateRoomRequest(name=room, agents=[agent]))
        token = mint_caller_token(self._livekit.api_key, self._livekit.api_secret, room, f"caller-{room}")
        try:
            async with Caller(self._livekit.url, token, name=room) as caller:
                await caller.first_word(timeout_s=LIMIT_S)
                await caller.quiet(1000)
                return await (self._tool if question == "tool" else self._handoff)(caller, side)
        except (CallerError, TimeoutError) as error:
            return Sample(side, question, failed=str(error) or type(error).__name__)

    async def _tool(self, caller: Caller, side: Side) -> Sample:
        asked = await caller.say(self._speech.pcm, 16_000)
        result = await caller.text(lambda text: OFFER in text.text, timeout_s=LIMIT_S)
        await said_to_the_end(caller, result.began_at, timeout_s=LIMIT_S)
        spans, begin = spans_of(caller), asked.last_audible_sample_at
        first, end = onset(spans, begin), onset(spans, result.began_at - TEXT_LATE_S)
        if first is None or end is None:
            return Sample(side, "tool", failed="the result was not heard")
        return Sample(side, "tool", longest_silence_s(spans, begin, end) * 1000, (first - begin) * 1000)

    async def _handoff(self, caller: Caller, side: Side) -> Sample:
        before = len(caller.texts)
        await caller.say(self._speech.pcm, 16_000)

        def second(text: ReceivedText) -> bool:
            words = [each for each in caller.texts[before:] if each.identity.startswith("agent")]
            return len(words) > 1 and text is words[1]

        hello = await caller.text(second, timeout_s=LIMIT_S, what="the second agent's first words")
        await said_to_the_end(caller, hello.began_at, timeout_s=LIMIT_S)
        gap_s = silence_before_s(spans_of(caller), hello.began_at - TEXT_LATE_S)
        if gap_s is None:
            return Sample(side, "handoff", failed="the second agent was not heard")
        return Sample(side, "handoff", gap_s * 1000)
