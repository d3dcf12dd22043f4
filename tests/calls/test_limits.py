"""MAX_CALLS: as many calls as it says, by what livekit-server makes of the load that a worker tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rooms.dispatch import DispatchError, wait_for_agent
from tests.harness import run_worker, settings_for

if TYPE_CHECKING:
    from service import Service
    from sim.livekit_server import LocalLiveKit
    from sim.providers import SimulatedProviders
    from tests.conftest import MakeSettings

MAX_CALLS = 5


async def test_every_call_is_taken_up_to_the_limit(
    livekit: LocalLiveKit, sim: SimulatedProviders, service: Service, make_settings: MakeSettings
) -> None:
    """An agent comes into each of MAX_CALLS rooms, and none into one more."""
    async with run_worker(service, settings_for(make_settings, livekit, sim, max_calls=MAX_CALLS), livekit) as worker:
        rooms: list[str] = []
        for _ in range(MAX_CALLS):
            rooms.append(await worker.open_room())
            await wait_for_agent(worker.api, rooms[-1], worker.kit.settings.agent_name, timeout_s=20)
        with pytest.raises(DispatchError, match="below its limit of calls"):
            await wait_for_agent(worker.api, await worker.open_room(), worker.kit.settings.agent_name, timeout_s=2)
        assert len(worker.server.active_jobs) == MAX_CALLS
