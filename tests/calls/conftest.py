"""The providers and the service that every test of a call uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from service import Service
from sim.dialogue import ScriptedDialogue
from sim.ears.phrasebook import Phrasebook
from sim.providers import SimulatedProviders
from sim.speech.library import Recording, load_speech
from tests.harness import KEY, Recorder, quick_profile
from turns.voice_agent import VoiceAgent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from livekit.agents import JobContext

GREETING = "Hello, this is the desk. How can I help?"
REPLIES = ["We open at five.", "Certainly, a table for two it is.", "Thank you for calling, goodbye."]


@pytest_asyncio.fixture
async def sim() -> AsyncIterator[SimulatedProviders]:
    async with SimulatedProviders(
        profile=quick_profile(),
        dialogue=ScriptedDialogue([GREETING, *REPLIES]),
        ears=Phrasebook(load_speech().values()).ears,
        api_key=KEY,
    ) as providers:
        yield providers


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def service(recorder: Recorder) -> Service:
    def observers(_context: JobContext) -> list[Recorder]:
        return [recorder]

    return Service(
        agent=lambda: VoiceAgent(instructions="Answer in one short sentence."), greeting=GREETING, observers=observers
    )


@pytest.fixture(scope="session")
def speech() -> dict[str, Recording]:
    return load_speech()
