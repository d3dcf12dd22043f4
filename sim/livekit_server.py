"""A livekit-server of one's own: on loopback, on free ports, with a key made for this run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import yaml
from livekit import api

from sim.livekit_binary import LiveKitServerMissing, default_cache_dir, find_livekit_server
from utils.child_process import ChildProcess, ChildStartError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

HOST = "127.0.0.1"
START_ATTEMPTS = 4
HEALTH_INTERVAL_S = 0.02
STOP_GRACE_S = 3.0
# livekit-server answers its health check 100 ms before it can be stopped: a signal in between is lost.
STOPPABLE_AFTER_S = 0.2
# The server reads LIVEKIT_KEYS, NODE_IP, UDP_PORT, REDIS_HOST and more from its environment: it gets only these.
PASSED_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "GOMAXPROCS")


class LiveKitStartError(RuntimeError):
    """The server did not become healthy: the message has its last lines."""


@dataclass(frozen=True)
class Ports:
    """`http` is TCP (signalling and API), `rtc` is UDP (all media, one port)."""

    http: int
    rtc: int


@dataclass(frozen=True)
class Webhook:
    """Where the server posts its events, signed with the run's own key."""

    urls: Sequence[str]


class LocalLiveKit:
    """`async with LocalLiveKit() as livekit:` ... `livekit.url`, `livekit.api_key`, `livekit.api_secret`.

    Only loopback is listened on, and there is no TCP media port (livekit-server would open it on all interfaces).
    The configuration goes through the environment, so a killed run leaves no file with a secret behind.
    `empty_timeout_s`: a room nobody joined is closed after it; `departure_timeout_s`: after the last one left.
    `media_host`: where clients are told to send their media, if a `sim.lossy_link.LossyLink` stands before the server.

    Raises `LiveKitStartError`, or `sim.livekit_binary.LiveKitServerMissing` if `binary` is not given.
    """

    def __init__(
        self,
        *,
        binary: Path | None = None,
        cache_dir: Path | None = None,
        port: int | None = None,
        empty_timeout_s: int = 300,
        departure_timeout_s: int = 20,
        webhook: Webhook | None = None,
        media_host: str = HOST,
        log_level: str = "warn",
        start_timeout_s: float = 20.0,
        log: Callable[[str], None] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self._binary = binary
        self._cache_dir = cache_dir
        self._wanted_port = port
        self._empty_timeout_s = empty_timeout_s
        self._departure_timeout_s = departure_timeout_s
        self._webhook = webhook
        self._media_host = media_host
        self._log_level = log_level
        self._start_timeout_s = start_timeout_s
        self._log = log or _ignore
        self._on_line = on_line
        self._ports: Ports | None = None
        self._process: ChildProcess | None = None
        self._healthy_at = 0.0
        self.api_key = f"API{secrets.token_hex(6)}"
        self.api_secret = secrets.token_urlsafe(36)

    def __repr__(self) -> str:
        state = f"{self.url} pid={self.pid}" if self._process else "not running"
        return f"<LocalLiveKit {state}>"

    @property
    def ports(self) -> Ports:
        if self._ports is None:
            raise RuntimeError("the local livekit-server is not running")
        return self._ports

    @property
    def url(self) -> str:
        """Websocket URL, as LIVEKIT_URL has it."""
        return f"ws://{HOST}:{self.ports.http}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the local livekit-server is not running")
        return self._process.pid

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        if self._process is not None:
            raise RuntimeError("the local livekit-server is already running")
        binary = self._binary or await find_livekit_server(self._cache_dir or default_cache_dir(), log=self._log)
        failures: list[str] = []
        for _ in range(START_ATTEMPTS if self._wanted_port is None else 1):
            # Free now, perhaps taken a moment later: then the server ends at once, and other ports are tried.
            ports = Ports(http=self._wanted_port or free_port(socket.SOCK_STREAM), rtc=free_port(socket.SOCK_DGRAM))
            failure = await self._start_on(binary, ports)
            if failure is None:
                return
            failures.append(failure)
            if not _is_port_clash(failure):
                break
        raise LiveKitStartError(f"{binary} did not start: {failures[-1]}")

    async def stop(self) -> None:
        """Closes the rooms and ends the server. Any number of times."""
        process, self._process = self._process, None
        if process is not None:
            await asyncio.sleep(self._healthy_at + STOPPABLE_AFTER_S - time.monotonic())
            await process.stop(grace_s=STOP_GRACE_S)

    async def wait(self) -> int:
        """Waits until the server ends by itself; returns its exit code."""
        if self._process is None:
            raise RuntimeError("the local livekit-server is not running")
        return await self._process.wait()

    async def _start_on(self, binary: Path, ports: Ports) -> str | None:
        """None when healthy; else what went wrong, with the process gone."""
        environment = {name: os.environ[name] for name in PASSED_ENVIRONMENT if name in os.environ}
        environment["LIVEKIT_CONFIG"] = yaml.safe_dump(self._configuration(ports))
        process = ChildProcess(
            [binary],
            name="livekit-server",
            env=environment,
            on_line=self._on_line,
            # One signal waits for every participant to leave, the second one does not.
            stop_signals=(signal.SIGTERM, signal.SIGTERM),
        )
        try:
            await process.start()
        except ChildStartError as error:
            return str(error)
        try:
            healthy = await self._becomes_healthy(process, ports)
        except BaseException:
            await process.stop(grace_s=0.0)
            raise
        if healthy:
            self._process, self._ports, self._healthy_at = process, ports, time.monotonic()
            return None
        ended = process.returncode is not None
        await process.stop(grace_s=0.0)
        what = "it ended" if ended else f"not healthy after {self._start_timeout_s:g} s"
        return f"{what}: {' / '.join(process.last_lines[-5:]) or 'no output'}"

    async def _becomes_healthy(self, process: ChildProcess, ports: Ports) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._start_timeout_s), aiohttp.ClientSession() as session:
                while process.returncode is None:
                    if await self._answers(session, ports):
                        return True
                    await asyncio.sleep(HEALTH_INTERVAL_S)
        return False

    async def _answers(self, session: aiohttp.ClientSession, ports: Ports) -> bool:
        """True if it is up, and takes our key: another server on this port could be up as well."""
        token = api.AccessToken(self.api_key, self.api_secret).with_grants(api.VideoGrants(room_list=True)).to_jwt()
        root, limit = f"http://{HOST}:{ports.http}", aiohttp.ClientTimeout(total=2.0)
        try:
            async with session.get(f"{root}/", timeout=limit) as health:
                if health.status != 200:
                    return False
            headers = {"Authorization": f"Bearer {token}"}
            rooms = f"{root}/twirp/livekit.RoomService/ListRooms"
            async with session.post(rooms, json={}, headers=headers, timeout=limit) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False  # not listening yet

    def _configuration(self, ports: Ports) -> dict[str, Any]:
        configuration: dict[str, Any] = {
            "port": ports.http,
            "bind_addresses": [HOST],
            "rtc": {
                "udp_port": ports.rtc,
                "tcp_port": 0,  # left out, it would be 7881 on all interfaces
                "use_external_ip": False,
                "node_ip": self._media_host,
                # Otherwise the server looks for a way to each client itself, past what stands before it.
                "use_ice_lite": self._media_host != HOST,
                "enable_loopback_candidate": True,
                "interfaces": {"includes": [loopback_interface()]},
                # Otherwise clients ask public STUN servers, which loopback has no use for: each call then leaves
                # resolver threads behind until DNS gives up. Nothing listens on this port's UDP side.
                "stun_servers": [f"{HOST}:{ports.http}"],
            },
            "room": {
                "empty_timeout": self._empty_timeout_s,
                "departure_timeout": self._departure_timeout_s,
            },
            "keys": {self.api_key: self.api_secret},
            "logging": {"level": self._log_level, "json": False},
        }
        if self._webhook is not None:
            configuration["webhook"] = {"api_key": self.api_key, "urls": list(self._webhook.urls)}
        return configuration


def free_port(kind: socket.SocketKind) -> int:
    """A port that nothing on loopback uses now; `kind` is SOCK_STREAM (TCP) or SOCK_DGRAM (UDP)."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def loopback_interface() -> str:
    """`lo` on Linux, `lo0` on macOS."""
    names = [name for _, name in socket.if_nameindex()]
    return next((name for name in ("lo", "lo0") if name in names), "lo")


def _is_port_clash(failure: str) -> bool:
    return "address already in use" in failure


def _ignore(_: str) -> None:
    return


async def _serve() -> int:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    livekit = LocalLiveKit(log=tell, on_line=tell)
    try:
        async with livekit:
            ready = {"url": livekit.url, "api_key": livekit.api_key, "api_secret": livekit.api_secret}
            print(json.dumps(ready), flush=True)
            ended = asyncio.ensure_future(livekit.wait())
            stop = asyncio.ensure_future(asked.wait())
            await asyncio.wait([ended, stop], return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
            if asked.is_set():
                await livekit.stop()
            code = await ended
            return 0 if asked.is_set() else code or 1
    except (LiveKitStartError, LiveKitServerMissing) as error:
        tell(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(asyncio.run(_serve()))
