"""Several URLs: another one takes over, the preferred one gets its requests back, and one asks for all."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from rooms.clients.endpoints import Endpoints
from rooms.clients.errors import NotReached
from rooms.clients.figures import State
from rooms.clients.pool import ClientPool
from rooms.performance.sections import ConnectionPool
from tests.rooms.clients.waiting import asks, until

if TYPE_CHECKING:
    from rooms.tokens import ApiKey
    from sim.counting_relay import CountingRelay


async def test_another_url_takes_over_and_the_preferred_one_gets_it_back(
    relay: CountingRelay, other: CountingRelay, key: ApiKey, quick: ConnectionPool
) -> None:
    """No request fails, and none waits for the one that is down."""
    async with ClientPool([relay.url, other.url], key, quick) as pool, pool.client() as lk:
        await lk.room.list_rooms(asks("mark-000021"))
        assert (relay.marks["mark-000021"], other.marks["mark-000021"]) == (1, 0)
        relay.shut()
        await lk.room.list_rooms(asks("mark-000022"))
        assert (relay.marks["mark-000022"], other.marks["mark-000022"]) == (0, 1)
        assert pool.stats().state is State.CONNECTED
        assert pool.stats().urls[0].state in (State.RECONNECTING, State.FAILED)
        await relay.open()
        await until(lambda: pool.stats().urls[0].state is State.CONNECTED)
        await lk.room.list_rooms(asks("mark-000023"))
        assert (relay.marks["mark-000023"], other.marks["mark-000023"]) == (1, 0)


async def test_many_tasks_while_the_preferred_url_comes_and_goes(
    relay: CountingRelay, other: CountingRelay, key: ApiKey, quick: ConnectionPool
) -> None:
    """Eight tasks read all the time; every read has its answer."""
    async with ClientPool([relay.url, other.url], key, quick) as pool:
        going = True
        answered = 0

        async def read() -> None:
            nonlocal answered
            while going:
                async with pool.client() as lk:
                    await lk.room.list_rooms(asks())
                answered += 1

        tasks = [asyncio.ensure_future(read()) for _ in range(8)]
        for _ in range(3):
            before = answered
            relay.shut()
            await until(lambda: answered > before + 20)  # noqa: B023  # waited for within the turn
            await relay.open()
            await until(lambda: pool.stats().urls[0].state is State.CONNECTED)
        going = False
        await asyncio.gather(*tasks)


async def test_a_pool_opens_while_livekit_is_away_and_finds_it(
    relay: CountingRelay, key: ApiKey, quick: ConnectionPool
) -> None:
    """`async with` does not fail; a request waits and is answered."""
    relay.shut()
    async with ClientPool([relay.url], key, quick) as pool, pool.client() as lk:
        assert pool.stats().state in (State.CONNECTING, State.FAILED)
        assert (pool.stats().size, pool.stats().handshakes) == (2, 0)
        await relay.open()
        assert (await lk.room.list_rooms(asks())).rooms == []


async def test_one_looks_for_all(relay: CountingRelay, key: ApiKey) -> None:
    """40 requests on 10 clients wait for a LiveKit that is away: the attempts are those of one, and apart in time."""
    connected_s: list[float] = []
    settings = ConnectionPool(max_attempts=20, base_delay_s=0.2, max_delay_s=0.2, acquire_timeout_s=20)
    pool = ClientPool([relay.url], key, settings, on_connect=lambda: connected_s.append(time.monotonic()))

    async def ask() -> None:
        async with pool.client() as lk:
            await lk.room.list_rooms(asks())

    async with pool:
        relay.shut()
        shut_at_s = time.monotonic()
        asking = [asyncio.ensure_future(ask()) for _ in range(40)]
        # What had a connection finds it broken; from then on only the one who looks connects.
        await until(lambda: pool.stats().urls[0].looks > 3)
        begun = len(connected_s)
        looks = pool.stats().urls[0].looks
        await until(lambda: pool.stats().urls[0].looks > looks + 4)
        assert len(connected_s) - begun == pool.stats().urls[0].looks - looks
        assert len(connected_s) / (time.monotonic() - shut_at_s) < 100
        await relay.open()
        await asyncio.gather(*asking)


async def test_a_url_that_hangs_is_left_for_one_that_answers(key: ApiKey, relay: CountingRelay) -> None:
    """It takes connections and says nothing; opening does not wait for it."""
    held: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with ClientPool([f"ws://127.0.0.1:{port}", relay.url], key) as pool, pool.client() as lk:
        await lk.room.list_rooms(asks("mark-000031"))
        assert relay.marks["mark-000031"] == 1
        assert pool.stats().urls[0].state is not State.CONNECTED
    silent.close()
    for writer in held:
        writer.transport.abort()


async def test_a_url_where_something_else_answers_is_not_livekit(key: ApiKey, relay: CountingRelay) -> None:
    """A page with status 200, as a proxy or a wrong address gives: it is left for one that is LiveKit, and named."""

    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>")
        writer.close()

    wrong = await asyncio.start_server(page, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{wrong.sockets[0].getsockname()[1]}"
    async with ClientPool([url, relay.url], key) as pool, pool.client() as lk:
        await lk.room.list_rooms(asks("mark-000032"))
        assert relay.marks["mark-000032"] == 1
        await until(lambda: pool.stats().urls[0].error != "")
        assert pool.stats().urls[0].error == "what answers there is not LiveKit"
    wrong.close()


async def test_a_slow_answer_does_not_make_a_url_unreachable() -> None:
    """A look decides; until it has failed, the others are served as before."""
    looked = 0

    async def look(_: str) -> None:
        nonlocal looked
        looked += 1

    endpoints = Endpoints(["ws://one"], look, ConnectionPool())
    await endpoints.open()
    (only,) = endpoints.all
    only.doubt(TimeoutError(), sent_at_s=time.monotonic())
    assert endpoints.best is only
    await until(lambda: looked == 2)
    assert only.state is State.CONNECTED
    assert only.stats().reconnects == 0
    await endpoints.aclose()


async def test_a_request_from_before_proves_nothing() -> None:
    """What was sent before LiveKit came back may fail later."""

    async def look(_: str) -> None:
        return

    sent_at_s = time.monotonic()
    endpoints = Endpoints(["ws://one"], look, ConnectionPool())
    await endpoints.open()
    (only,) = endpoints.all
    looks = only.stats().looks
    only.doubt(ConnectionResetError(), sent_at_s=sent_at_s)
    assert only.stats().looks == looks
    await endpoints.aclose()


async def test_the_pauses_are_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each within its window: 1, 2, 4, then max_delay_s; after max_attempts it has failed."""
    asked_s: list[float] = []

    async def look(_: str) -> None:
        raise TimeoutError

    endpoints = Endpoints(["ws://one"], look, ConnectionPool(max_delay_s=3))
    (only,) = endpoints.all

    async def pause(pause_s: float) -> None:
        asked_s.append(pause_s)
        if len(asked_s) == 5:
            await asyncio.Event().wait()

    monkeypatch.setattr(only, "_pause", pause)
    await endpoints.open()
    await until(lambda: len(asked_s) == 5)
    assert only.state is State.FAILED
    assert all(pause_s <= most_s for pause_s, most_s in zip(asked_s, (1, 2, 3, 3, 30), strict=True))
    assert len(set(asked_s)) == 5
    await endpoints.aclose()


async def test_closing_tells_whoever_waits() -> None:
    """Not after their time, but now."""

    async def look(_: str) -> None:
        raise TimeoutError

    endpoints = Endpoints(["ws://one", "ws://two"], look, ConnectionPool())
    await endpoints.open()
    waiting = asyncio.ensure_future(endpoints.choose(30))
    await asyncio.sleep(0)
    await endpoints.aclose()
    with pytest.raises(NotReached, match="ws://one is disconnected"):
        await waiting
