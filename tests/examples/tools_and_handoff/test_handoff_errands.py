"""A caller who speaks while a tool works, and a tool that fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from examples.tools_and_handoff.agent import OPENERS, PATIENCE, SYSTEM_AWAY, Bookings
from examples.tools_and_handoff.booking_system import BookingSystem
from service import Service
from tests.harness import run_worker, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.caller import Caller
    from sim.livekit_server import LocalLiveKit
    from sim.providers import SimulatedProviders
    from sim.speech.library import Recording
    from tests.conftest import MakeSettings


GREETING = "Sam speaking."
OFFER = "Shall I confirm it?"
ATTEMPTS = 3  # of a call whose microphone the machine had no time to feed


async def test_who_speaks_into_a_tool(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
) -> None:
    """An "okay" is overheard, a "wait, stop" drops the work, a question is answered and the result follows.

    A system that does not answer is told in words; nobody waits for it once the caller has hung up.
    """
    systems: list[BookingSystem] = []
    service = Service(agent=lambda: Bookings(systems[-1]), greeting=GREETING, openers=OPENERS)
    settings = settings_for(make_settings, livekit, sim)

    async with run_worker(service, settings, livekit, greetings=[GREETING]) as worker:

        async def call(system: BookingSystem, said_into_it: str, until: Callable[[list[str]], bool]) -> list[str]:
            """What the agent replied, apart from fillers, to one who asks for a table and then says that."""
            for _ in range(ATTEMPTS):
                systems.append(BookingSystem(system.takes_s, system.fails_every))
                async with worker.caller(await worker.open_room()) as caller:
                    await caller.first_word(timeout_s=10)
                    await caller.quiet(300)
                    spoken = await caller.say(speech["book_table"].pcm, 16_000)
                    if not spoken.torn and said_into_it:
                        await caller.text(lambda text: text.text in PATIENCE.fillers, timeout_s=10)
                        await caller.quiet(100)
                        spoken = await caller.say(speech[said_into_it].pcm, 16_000)
                    if not spoken.torn:
                        await told(lambda: until(replies(caller)))
                        return replies(caller)
            pytest.fail(f"the microphone was torn in {ATTEMPTS} calls")

        def offered(said: list[str]) -> bool:
            return any(OFFER in text for text in said)

        overheard = await call(BookingSystem((2, 2)), "okay", offered)
        assert [OFFER in text for text in overheard] == [True]

        obeyed = await call(BookingSystem((30, 30)), "wait_stop", lambda said: any(said))
        assert [OFFER in text for text in obeyed] == [False]
        assert systems[-1].counts == {"asked": 1, "dropped": 1}

        answered = await call(BookingSystem((3.5, 3.5)), "opening_hours", offered)
        assert [OFFER in text for text in answered] == [False, True]
        assert "six" in answered[0]
        assert systems[-1].counts == {"asked": 1, "answered": 1}

        away = await call(BookingSystem((0.1, 0.1), fails_every=1), "", lambda said: SYSTEM_AWAY in "".join(said))
        assert len(away) == 1

        await call(BookingSystem((30, 30)), "", lambda _: systems[-1].counts["asked"] == 1)
        await worker.idle()  # the caller has hung up
        assert systems[-1].counts == {"asked": 1, "dropped": 1}


def replies(caller: Caller) -> list[str]:
    """Words of the LLM: neither the greeting nor a filler."""
    ours = {GREETING, *PATIENCE.fillers, *PATIENCE.later}
    return [text.text for text in caller.texts if text.identity.startswith("agent") and text.text not in ours]


async def told(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not done():  # texts grow without telling
            await asyncio.sleep(0.05)
