"""The providers of this example's calls, simulated as in `dev`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sim.ears.phrasebook import Phrasebook
from sim.providers import SimulatedProviders
from sim.speech.library import Recording, load_speech
from tests.harness import KEY, quick_profile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture(scope="module")
async def sim() -> AsyncIterator[SimulatedProviders]:
    """With the scripted front desk, which calls tools."""
    async with SimulatedProviders(
        profile=quick_profile(), ears=Phrasebook(load_speech().values()).ears, api_key=KEY
    ) as providers:
        yield providers


@pytest.fixture(scope="session")
def speech() -> dict[str, Recording]:
    return load_speech()
