"""The bad network: what it does to packets, and that media of a real call goes through it and nowhere else."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest

from sim.caller import Caller, mint_caller_token
from sim.livekit_server import HOST, LocalLiveKit
from sim.lossy_link import RELAY_HOST, Conditions, LossyLink, LossyLinkError
from sim.publisher import tone

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sim.lossy_link import Address

PACKETS = 400


class Client(asyncio.DatagramProtocol):
    """Keeps what comes back, and when."""

    def __init__(self) -> None:
        self.received: list[tuple[float, bytes]] = []
        self.news = asyncio.Event()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.received.append((time.perf_counter(), data))
        self.news.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.received) < count:
                self.news.clear()
                await self.news.wait()


class Echo(asyncio.DatagramProtocol):
    """A server that answers each packet with itself."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.transport.sendto(data, addr)


@asynccontextmanager
async def echoed() -> AsyncGenerator[LossyLink]:
    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(Echo, local_addr=(HOST, 0))
    try:
        async with LossyLink(server.get_extra_info("sockname")[1], seed=1) as link:
            yield link
    finally:
        server.close()


@asynccontextmanager
async def client_of(link: LossyLink) -> AsyncGenerator[tuple[Client, asyncio.DatagramTransport]]:
    transport, client = await asyncio.get_running_loop().create_datagram_endpoint(
        Client, remote_addr=(RELAY_HOST, link.port)
    )
    try:
        yield client, transport
    finally:
        transport.close()


async def test_a_good_network_passes_everything() -> None:
    """Each client gets its own packets back, whole."""
    async with echoed() as link, client_of(link) as (ada, to_ada), client_of(link) as (bob, to_bob):
        for number in range(50):
            to_ada.sendto(b"a%d" % number)
            to_bob.sendto(b"b%d" % number * 200)
            await asyncio.sleep(0)
        await asyncio.gather(ada.until(50), bob.until(50))
        assert {data for _, data in ada.received} == {b"a%d" % number for number in range(50)}
        assert {data for _, data in bob.received} == {b"b%d" % number * 200 for number in range(50)}
        assert [(flow.passed, flow.lost) for flow in link.flows] == [(100, 0)] * 2


async def test_packets_are_lost_each_way() -> None:
    """A share of them, of requests and of answers; with 0 again all come."""
    async with echoed() as link, client_of(link) as (client, to_server):
        link.conditions = Conditions(loss=0.2)
        for number in range(PACKETS):
            to_server.sendto(b"%d" % number)
            await asyncio.sleep(0.0005)
        link.conditions = Conditions()
        to_server.sendto(b"last")
        await client.until(1)
        async with asyncio.timeout(20):
            while client.received[-1][1] != b"last":
                client.news.clear()
                await client.news.wait()
        assert 0.5 < len(client.received) / PACKETS < 0.75  # 0.8 squared is 0.64
        flow = link.flows[0]
        assert 0.15 < flow.lost / (flow.lost + flow.passed) < 0.25


async def test_packets_are_late_each_way() -> None:
    """By the delay there and the delay back; jitter makes them overtake each other."""
    async with echoed() as link, client_of(link) as (client, to_server):
        link.conditions = Conditions(delay_ms=100)
        sent_at = time.perf_counter()
        to_server.sendto(b"x")
        await client.until(1)
        assert client.received[0][0] - sent_at >= 0.2
        client.received.clear()
        link.conditions = Conditions(jitter_ms=100)
        for number in range(100):
            to_server.sendto(b"%02d" % number)
        await client.until(100)
        order = [data for _, data in client.received]
        assert order != sorted(order)


async def test_a_flow_has_conditions_of_its_own() -> None:
    """One client is on a bad network and the other one is not."""
    async with echoed() as link, client_of(link) as (ada, to_ada), client_of(link) as (bob, to_bob):
        to_ada.sendto(b"hello")
        await ada.until(1)
        link.flows[0].conditions = Conditions(loss=1)
        to_ada.sendto(b"lost")
        to_bob.sendto(b"hello")
        await bob.until(1)
        assert len(ada.received) == 1


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"loss": 1.1}, "loss: got 1.1"),
        ({"loss": float("nan")}, "loss: got nan"),
        ({"delay_ms": -1}, "delay_ms: got -1"),
        ({"jitter_ms": float("inf")}, "jitter_ms: got inf"),
    ],
)
def test_impossible_conditions(values: dict[str, float], named: str) -> None:
    """The error names field, value and what is allowed."""
    with pytest.raises(ValueError, match=named) as raised:
        Conditions(**values)
    assert "allowed:" in str(raised.value)


async def test_an_address_that_is_taken() -> None:
    """Said with the address, and nothing stays open."""
    async with echoed() as link:
        with pytest.raises(LossyLinkError, match=f"{RELAY_HOST}:{link.port}"):
            await LossyLink(link.port).__aenter__()


async def test_media_of_a_call_goes_through_it_and_nowhere_else() -> None:
    """A tone is heard; with all packets lost it ends, and comes back with them."""
    async with LocalLiveKit(media_host=RELAY_HOST) as livekit, LossyLink(livekit.ports.rtc) as link:
        tokens = [mint_caller_token(livekit.api_key, livekit.api_secret, "lossy", name) for name in ("ada", "bob")]
        sender = Caller(livekit.url, tokens[0], name="ada", background=tone(1000, 16_000))
        async with sender, Caller(livekit.url, tokens[1], name="bob") as listener:
            await listener.first_word(timeout_s=10)
            assert sum(flow.passed for flow in link.flows) > 0
            link.conditions = Conditions(loss=1)
            ended_at = await listener.quiet(500, timeout_s=10)
            link.conditions = Conditions()
            async with asyncio.timeout(20):
                while (listener.heard()[0].last_audible_at or 0.0) <= ended_at:
                    await asyncio.sleep(0.05)
