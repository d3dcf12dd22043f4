"""Two calls on one worker: whatever goes wrong in one, the other one hears nothing of it, and nothing passes over."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio
from livekit.agents import Agent, function_tool

from runtime.garbage import CallGarbage
from service import Service
from sim.caller import CallerTimeout
from sim.dialogue import Reply, ScriptedDialogue
from sim.ears.phrasebook import Phrasebook
from sim.providers import SimulatedProviders
from sim.speech.library import load_speech
from sim.tool_calls import ToolCall
from tests.harness import KEY, quick_profile, run_worker, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from livekit.agents import JobContext

    from runtime.shared_loop import CallPool
    from sim.caller import Caller
    from sim.dialogue import Message
    from sim.livekit_server import LocalLiveKit
    from sim.speech.library import Recording
    from tests.conftest import MakeSettings
    from tests.harness import Recorder, Worker

GREETING = "Hello."  # short: what is said is not what is tested
LIMIT_MS = 250
HOLD_S = 0.5


exited = asyncio.Event()


def exits() -> None:
    exited.set()
    sys.exit(3)


def holds_the_loop() -> None:
    time.sleep(HOLD_S)


class Faulty(Agent):
    """Each use of its tool takes the next of the faults, until there are none."""

    def __init__(self, faults: list[Callable[[], None]]) -> None:
        super().__init__(instructions="Answer in one short sentence.")
        self._faults = faults

    @function_tool
    async def look_up(self) -> str:
        """Look something up."""
        if self._faults:
            self._faults.pop(0)()
        return "found"


class ToolFirst:
    """An agent with tools uses the first one before each answer. Keeps what it was sent."""

    def __init__(self) -> None:
        self.sent: list[Sequence[Message]] = []
        self._words = ScriptedDialogue([GREETING, "Yes.", "No."])

    def reply(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> Reply:
        self.sent.append(messages)
        if tools and messages[-1].get("role") == "user":
            return Reply(tool_calls=(ToolCall(tools[0]["function"]["name"], {}),))
        return self._words.reply(messages, tools)


@pytest.fixture
def dialogue() -> ToolFirst:
    return ToolFirst()


@pytest_asyncio.fixture
async def sim(dialogue: ToolFirst) -> AsyncIterator[SimulatedProviders]:
    ears = Phrasebook(load_speech().values()).ears
    async with SimulatedProviders(profile=quick_profile(), dialogue=dialogue, ears=ears, api_key=KEY) as providers:
        yield providers


async def is_greeted(caller: Caller) -> None:
    await caller.first_word(timeout_s=10)
    await caller.quiet(400)


async def is_answered(caller: Caller, question: Recording) -> None:
    """Asked a second and a third time if need be: on a busy machine words are lost."""
    for timeout_s in (8, 8, 16):
        said = await caller.say(question.pcm, 16_000)
        with suppress(CallerTimeout):
            await caller.reply(after=said, timeout_s=timeout_s)
            await caller.quiet(400)
            return
    raise AssertionError(f"nobody answered {question.text!r}")


async def end_by_force(worker: Worker, room: str) -> None:
    """As a drain whose time is over does it."""
    calls = cast("CallPool", vars(worker.server)["calls"]).processes
    (call,) = [call for call in calls if call.running_job and call.running_job.job.room.name == room]
    await call.aclose()


def listeners(worker: Worker) -> list[dict[str, int]]:
    """How many each pooled instance has, by event."""
    pools: list[Any] = [worker.kit.stt, worker.kit.tts, worker.kit.llm, worker.kit.vad]
    events = [vars(member.instance)["_events"] for pool in pools for member in pool._free]
    return [{str(name): len(each) for name, each in of_instance.items() if each} for of_instance in events]


def parts_of_last_call(worker: Worker) -> list[weakref.ref[Any]]:
    """Which nobody but the worker itself may still hold."""
    call = worker.calls.pop()
    context: JobContext = vars(call)["_context"]
    session = vars(context)["_primary_agent_session"]
    return [weakref.ref(part) for part in (call, context, context.room, session)]


async def test_a_call_that_exits_and_holds_the_loop_and_is_ended_by_force(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first costs its own caller one answer; the other caller is answered, over what both used, after all of it.

    Whoever held the loop is named with its line.
    """
    exited.clear()
    faults = [exits, holds_the_loop]
    service = Service(agent=lambda: Faulty(faults), greeting=GREETING)
    settings = settings_for(make_settings, livekit, sim, loop_block_warn_ms=LIMIT_MS)
    with caplog.at_level(logging.WARNING, logger="runtime"):
        async with run_worker(service, settings, livekit) as worker:
            rooms = [await worker.open_room() for _ in range(2)]
            async with worker.caller(rooms[0]) as ada, worker.caller(rooms[1]) as bob:
                await asyncio.gather(is_greeted(ada), is_greeted(bob))
                await ada.say(speech["time"].pcm, 16_000)
                await exited.wait()
                await is_answered(ada, speech["help"])
                await end_by_force(worker, rooms[0])
                while [job.job.room.name for job in worker.server.active_jobs] != [rooms[1]]:
                    await asyncio.sleep(0.01)
                assert not worker.kit.clients.session.closed
                await is_answered(bob, speech["time"])
            await worker.idle()
            calls = {call.record.room: call.record.call_id for call in worker.calls}
    place = f"tests/calls/test_walls.py:{holds_the_loop.__code__.co_firstlineno + 1} holds_the_loop"
    lines = [vars(record) for record in caplog.records if record.getMessage() == "the loop is blocked"]
    (blamed,) = [line for line in lines if line["where"] == place]
    assert (blamed["call"], blamed["room"], blamed["others"]) == (calls[rooms[0]], rooms[0], 1)
    assert blamed["blocked_ms"] >= LIMIT_MS


async def test_nothing_of_an_ended_call_is_in_the_next_one(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    dialogue: ToolFirst,
    service: Service,
    recorder: Recorder,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
) -> None:
    """On the same instances: no listener, no word of the other conversation, and the ended call is freed.

    The plugin's voice holds the call that it spoke in last until it speaks in the next one: the first of two is freed.
    """
    async with run_worker(
        service, settings_for(make_settings, livekit, sim, pool_size=1, greeting=GREETING, openers=False), livekit
    ) as worker:
        unused = listeners(worker)
        assert unused == [{}] * 4
        ended: list[list[weakref.ref[Any]]] = []
        for question, foreign in (("time", "help"), ("help", "time")):
            dialogue.sent.clear()
            async with worker.caller(await worker.open_room()) as caller:
                await is_greeted(caller)
                await is_answered(caller, speech[question])
            await worker.idle()
            assert listeners(worker) == unused
            assert speech[question].text in str(dialogue.sent)
            assert speech[foreign].text not in str(dialogue.sent)
            ended.append(parts_of_last_call(worker))
        recorder.call = None
        garbage = CallGarbage(delay_s=0.0)
        while any(part() is not None for part in ended[0]):
            garbage.call_ended()  # as the worker does after each call
            await asyncio.sleep(0.1)
        assert worker.kit.tts.made == 1
