"""The pool against a real livekit-server: bounds, fairness, nothing left taken, connections that stay open."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import aiohttp
import pytest
from livekit import api

from rooms.clients.errors import NoClient
from rooms.clients.figures import State
from rooms.clients.pool import ClientPool
from rooms.performance.sections import ConnectionPool
from rooms.tokens import ApiKey, new_name
from tests.rooms.clients.waiting import asks, until

if TYPE_CHECKING:
    from sim.counting_relay import CountingRelay

SEED = 20


async def test_it_lends_what_any_client_of_livekit_can(relay: CountingRelay, key: ApiKey) -> None:
    """A room is made, seen and closed; each service of LiveKitAPI is there."""
    name = new_name("pool")
    async with ClientPool([relay.url], key) as pool, pool.client() as lk:
        await lk.room.create_room(api.CreateRoomRequest(name=name))
        assert [room.name for room in (await lk.room.list_rooms(asks(name))).rooms] == [name]
        assert {each.room for each in await lk.agent_dispatch.list_dispatch(name)} <= {name}
        await lk.room.delete_room(api.DeleteRoomRequest(room=name))
        assert (await lk.room.list_rooms(asks(name))).rooms == []


async def test_what_is_ready_needs_no_handshake(relay: CountingRelay, key: ApiKey) -> None:
    """Opening makes one for each client and one to look; 50 calls make none, and to close what is lent does nothing."""
    settings = ConnectionPool(pool_size=3)
    async with ClientPool([relay.url], key, settings) as pool:
        assert (pool.stats().size, pool.stats().idle) == (3, 3)
        opened = len(relay.accepted_s)
        assert opened == 4
        for _ in range(50):
            async with pool.client() as lk:
                await lk.room.list_rooms(asks())
                await lk.aclose()
        assert len(relay.accepted_s) == opened
        assert pool.stats().handshakes == 3


async def test_it_grows_to_its_bound_and_shrinks_when_nobody_needs_it(
    relay: CountingRelay, key: ApiKey, quick: ConnectionPool
) -> None:
    """pool_size 2: 4 under load, never more; 2 again after the interval; its counters forget nobody."""
    async with ClientPool([relay.url], key, quick) as pool:
        sizes: list[int] = []

        async def call() -> None:
            async with pool.client() as lk:
                await lk.room.list_rooms(asks())
                sizes.append(pool.stats().size)

        await asyncio.gather(*(call() for _ in range(40)))
        assert max(sizes) == 4
        await until(lambda: pool.stats().size == 2)
        assert pool.stats().requests >= 42
        assert pool.stats().handshakes >= 4


async def test_whoever_waits_is_served_in_the_order_of_asking(relay: CountingRelay, key: ApiKey) -> None:
    """One client, twelve tasks; one that asks again goes to the end of the line."""
    settings = ConnectionPool(pool_size=1, max_pool_size=1, acquire_timeout_s=20)
    served: list[int] = []

    async def ask(number: int) -> None:
        for _ in range(2):
            async with pool.client() as lk:
                await lk.room.list_rooms(asks())
                served.append(number)

    async with ClientPool([relay.url], key, settings) as pool:
        await asyncio.gather(*(ask(number) for number in range(12)))
    assert served == [*range(12), *range(12)]


async def test_whoever_waits_too_long_is_told_why(relay: CountingRelay, key: ApiKey) -> None:
    """How many are taken, how long it waited, and that LiveKit is there."""
    settings = ConnectionPool(pool_size=1, max_pool_size=2)
    async with ClientPool([relay.url], key, settings) as pool, pool.client(), pool.client():
        with pytest.raises(pool.unavailable) as refused:
            async with pool.client(timeout_s=0.05):
                pass
        assert str(refused.value) == (
            f"no client was free within 0.05 s: 2 of 2 are taken, 0 wait; {relay.url} is connected"
        )
        assert pool.stats().refused == 1


async def test_tasks_that_are_cancelled_leave_no_client_taken(relay: CountingRelay, key: ApiKey) -> None:
    """400 tasks, cancelled at random moments: in line, in a request, between two; then all are idle and good."""
    settings = ConnectionPool(pool_size=2, max_pool_size=4, acquire_timeout_s=20)
    chance = random.Random(SEED)
    async with ClientPool([relay.url], key, settings) as pool:

        async def call() -> None:
            async with pool.client() as lk:
                await lk.room.list_rooms(asks())
                await asyncio.sleep(0)
                await lk.room.list_rooms(asks())

        for _ in range(20):
            tasks = [asyncio.ensure_future(call()) for _ in range(20)]
            for task in chance.sample(tasks, 16):
                if chance.random() < 0.7:
                    await asyncio.sleep(chance.random() * 0.004)
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(each) for each in done} <= {type(None), asyncio.CancelledError}
            told = pool.stats()
            assert (told.in_use, told.waiting, told.idle) == (0, 0, told.size)
        assert 2 <= pool.stats().size <= 4
        async with asyncio.timeout(20):
            await asyncio.gather(*(call() for _ in range(8)))


async def test_an_error_within_the_block_gives_the_client_back(relay: CountingRelay, key: ApiKey) -> None:
    """Whatever it is."""
    async with ClientPool([relay.url], key, ConnectionPool(pool_size=1)) as pool:
        with pytest.raises(ZeroDivisionError):
            async with pool.client():
                _ = 1 / 0
        assert pool.stats().in_use == 0


async def test_idle_connections_are_kept_alive(relay: CountingRelay, key: ApiKey) -> None:
    """Each is asked something every interval, for longer than it is kept without; it is still the same connection."""
    async with ClientPool([relay.url], key, ConnectionPool(pool_size=2, health_interval_s=0.6)) as pool:
        opened, asked = len(relay.accepted_s), pool.stats().requests
        await until(lambda: pool.stats().requests >= asked + 6)
        assert len(relay.accepted_s) == opened
        assert {each.state for each in pool.stats().connections} == {State.CONNECTED}


async def test_a_connection_that_broke_while_idle_is_made_again_before_it_is_needed(
    relay: CountingRelay, key: ApiKey, quick: ConnectionPool
) -> None:
    """The look of the next interval finds it."""
    async with ClientPool([relay.url], key, quick) as pool:
        before = pool.stats().handshakes
        relay.break_off()
        await until(lambda: pool.stats().handshakes >= before + 2)
        async with pool.client() as lk:
            await lk.room.list_rooms(asks())


async def test_figures_of_each_connection(relay: CountingRelay, key: ApiKey) -> None:
    """What LiveKit refuses was answered; times are there from the first answer on."""
    async with ClientPool([relay.url], key, ConnectionPool(pool_size=1)) as pool:
        async with pool.client() as lk:
            with pytest.raises(api.ServerError):
                await lk.room.get_participant(api.RoomParticipantIdentity(room=new_name("none"), identity="nobody"))
        (only,) = pool.stats().connections
    assert (only.url, only.state, only.requests, only.failures) == (relay.url, State.CONNECTED, 2, 0)
    assert (only.reconnects, only.handshakes) == (0, 1)
    assert only.average_ms is not None
    assert only.last_ms is not None
    assert 0 < only.average_ms < 60_000
    assert pool.stats().state is State.DISCONNECTED


async def test_new_settings_hold_at_once(relay: CountingRelay, key: ApiKey) -> None:
    """More clients for those who wait; fewer when they come back; another interval is another connection."""
    async with ClientPool([relay.url], key, ConnectionPool(pool_size=1, max_pool_size=1)) as pool:
        async with pool.client():
            waiting = asyncio.ensure_future(_once(pool))
            await until(lambda: pool.stats().waiting == 1)
            pool.reconfigure(ConnectionPool(pool_size=3))
            await asyncio.wait_for(waiting, 20)
            assert pool.stats().size == 3
            pool.reconfigure(ConnectionPool(pool_size=1, max_pool_size=1, health_interval_s=7))
        told = pool.stats()
        assert (told.size, told.idle) == (1, 1)
        await _once(pool)


async def test_a_pool_that_is_closed_says_so(relay: CountingRelay, key: ApiKey) -> None:
    """To whoever waits, to whoever asks later, and to whoever has a client still; closing twice is allowed."""
    pool = ClientPool([relay.url], key, ConnectionPool(pool_size=1, max_pool_size=1))
    with pytest.raises(NoClient, match="not open yet"):
        await _once(pool)
    await pool.open()
    async with pool.client() as lk:
        waiting = asyncio.ensure_future(_once(pool))
        await until(lambda: pool.stats().waiting == 1)
        await pool.aclose()
        await pool.aclose()
        with pytest.raises(NoClient, match="is closed"):
            await waiting
        with pytest.raises(aiohttp.ClientError):
            await lk.room.list_rooms(asks())
    with pytest.raises(NoClient, match="is closed"):
        await _once(pool)
    assert pool.stats().size == 0


@pytest.mark.parametrize("urls", [[], ["livekit.example"], ["ftp://livekit.example"], ["ws://a", "ws://a/"]])
def test_urls_that_are_none_are_refused(urls: list[str]) -> None:
    """With what was given."""
    with pytest.raises(ValueError, match=r"^urls: got .*, allowed: "):
        ClientPool(urls, ApiKey("key", "secret"))


def test_no_secret_in_a_repr() -> None:
    """Not of the pool, nor of what it holds."""
    pool = ClientPool(["ws://livekit.example"], ApiKey("key", "hidden-hidden-hidden-hidden-hidden"))
    assert "hidden" not in f"{pool!r} {vars(pool)!r}"


async def _once(pool: ClientPool) -> None:
    async with pool.client() as lk:
        await lk.room.list_rooms(asks())
