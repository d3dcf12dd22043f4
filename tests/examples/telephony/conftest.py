"""A simulated place with a telephone for each test of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from phone_setup import Asked, make_trunks

from examples.telephony.simulated.place import phone_place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from examples.telephony.simulated.place import Place
    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings


@pytest.fixture
def asked() -> Asked:
    """The detector of the place's agents: a test says what it answers."""
    return Asked()


@pytest_asyncio.fixture
async def place(livekit: LocalLiveKit, asked: Asked, make_settings: MakeSettings) -> AsyncIterator[Place]:
    """With an inbound and an outbound trunk; after the test everybody hangs up, and the agents' jobs end."""
    async with phone_place(make_settings(), livekit=livekit, detector=asked) as running:
        await make_trunks(running)
        running.sip.requests.clear()
        yield running
        for phone in list(running.sip.exchange.phones.values()):
            await running.sip.exchange.hang_up(phone)
        await running.idle()
