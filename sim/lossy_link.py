"""A bad network between the clients and the local livekit-server: packets are lost, late, and overtake each other.

A relay of UDP instead of the kernel's netem, which needs root and a module that many machines do not have. The server
tells its clients the address of the relay, which has the server's own port on another address of loopback:

    async with LocalLiveKit(media_host=RELAY_HOST) as livekit, LossyLink(livekit.ports.rtc) as link:
        link.conditions = Conditions(loss=0.1, delay_ms=100)

Only media and data channels go through it, as on a network that is bad for UDP. The signalling has its own connection.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER_HOST = "127.0.0.1"
RELAY_HOST = "127.0.0.2"
"""All of 127/8 is loopback on Linux; macOS has to be told: `sudo ifconfig lo0 alias 127.0.0.2`."""
LARGEST_PACKET = 65_535

Address = tuple[str, int]


class LossyLinkError(RuntimeError):
    """The relay could not be set up; the message names the address."""


@dataclass(frozen=True)
class Conditions:
    """What befalls each packet, each way: `loss` is a share of them, `jitter_ms` is added to the delay, up to it."""

    loss: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.loss <= 1:
            raise ValueError(f"loss: got {self.loss}, allowed: 0 to 1")
        for name in ("delay_ms", "jitter_ms"):
            value: float = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name}: got {value}, allowed: 0 or more")


@dataclass(eq=False)
class Flow:
    """What one socket of one client sends and gets. A client has one to four of them; not all carry media."""

    client: Address
    upstream: socket.socket
    conditions: Conditions | None = None
    """None: those of the link."""
    passed: int = 0
    lost: int = 0


class LossyLink:
    """`async with LossyLink(port, seed=1) as link:`; what happens to packets is changed by `link.conditions = ...`.

    `port` is the server's UDP port. Raises `LossyLinkError`.
    """

    def __init__(self, port: int, *, host: str = RELAY_HOST, seed: int = 0) -> None:
        self.conditions = Conditions()
        self.port = port
        self._host = host
        self._random = Random(seed)
        self._flows: dict[Address, Flow] = {}
        self._front: asyncio.DatagramTransport | None = None

    @property
    def flows(self) -> tuple[Flow, ...]:
        """In order of their first packet: those of the client who joined first come first."""
        return tuple(self._flows.values())

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        try:
            self._front, _ = await loop.create_datagram_endpoint(
                lambda: _Front(self._from_client), local_addr=(self._host, self.port)
            )
        except OSError as error:
            raise LossyLinkError(f"{self._host}:{self.port} cannot be bound: {error.strerror or error}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for flow in self._flows.values():
            loop.remove_reader(flow.upstream)
            flow.upstream.close()
        self._flows.clear()
        if self._front is not None:
            self._front.close()

    def _from_client(self, packet: bytes, client: Address) -> None:
        flow = self._flows.get(client) or self._open(client)
        self._pass(flow, lambda: _send(flow.upstream, packet))

    def _open(self, client: Address) -> Flow:
        upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        upstream.setblocking(False)
        upstream.connect((SERVER_HOST, self.port))
        flow = self._flows[client] = Flow(client, upstream)
        asyncio.get_running_loop().add_reader(upstream, self._from_server, flow)
        return flow

    def _from_server(self, flow: Flow) -> None:
        while True:
            try:
                packet = flow.upstream.recv(LARGEST_PACKET)
            except OSError:
                return  # read to the end, or the server is gone: its clients will notice
            self._pass(flow, lambda packet=packet: self._to_client(packet, flow.client))

    def _to_client(self, packet: bytes, client: Address) -> None:
        if self._front is not None and not self._front.is_closing():
            self._front.sendto(packet, client)

    def _pass(self, flow: Flow, send: Callable[[], None]) -> None:
        conditions = flow.conditions or self.conditions
        if self._random.random() < conditions.loss:
            flow.lost += 1
            return
        flow.passed += 1
        late_s = (conditions.delay_ms + self._random.uniform(0, conditions.jitter_ms)) / 1000
        if late_s:
            asyncio.get_running_loop().call_later(late_s, send)
        else:
            send()


class _Front(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes, Address], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._received(data, addr)


def _send(upstream: socket.socket, packet: bytes) -> None:
    try:
        upstream.send(packet)
    except OSError:
        return  # closed meanwhile, a full buffer, or no server: lost, as on any network
