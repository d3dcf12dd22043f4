"""A short run of each part against a real livekit-server: what must hold on a busy machine too."""

from __future__ import annotations

from bench.clients.calls import measure_bounds, measure_calls
from bench.clients.plan import SIDES, Options
from bench.clients.restarts import measure_restarts
from rooms.performance.sections import ConnectionPool
from sim.livekit_server import LocalLiveKit


async def test_three_ways_to_call(livekit: LocalLiveKit) -> None:
    """All calls are answered; the pool connects for each client once, whoever makes a new one for each call."""
    told: list[int] = []
    sides = {side.name: side for side in await measure_calls(livekit, Options(calls=300, at_once=20), told.append)}
    assert list(sides) == list(SIDES)
    assert sum(told) == 900
    assert all(len(side.calls_ms) == 300 and not side.failed for side in sides.values())
    assert sides["new"].handshakes == 300
    assert 5 <= sides["pool"].handshakes <= 10
    assert sides["shared"].handshakes == 20


async def test_a_pool_grows_and_shrinks(livekit: LocalLiveKit) -> None:
    """Within its bounds."""
    bounds = await measure_bounds(livekit, 20)
    assert (bounds.ready, bounds.largest, bounds.most, bounds.after) == (5, 10, 10, 5)


async def test_livekit_is_killed_twice_under_load() -> None:
    """Nothing that could be sent again is lost, no dispatch is sent twice, and LiveKit is found again both times."""
    patient = ConnectionPool(acquire_timeout_s=30, max_attempts=10)
    options = Options(restarts=2, rate=50, quiet_s=0.5)
    async with LocalLiveKit(empty_timeout_s=1) as own:
        asked, restarts = await measure_restarts(own, options, lambda: None, patient)
    assert [each for each in asked if each.lost or each.repeated] == []
    assert len(restarts) == 2
    for each in restarts:
        assert each.recovery_ms is not None
        away = [at_ms for at_ms in each.attempts_ms if at_ms < each.back_ms]
        # Its 10 clients find theirs broken, some twice; then one looks for all, where 50 requests a second would.
        assert 1 <= len(away) <= 20 + 10 * each.back_ms / 1000
