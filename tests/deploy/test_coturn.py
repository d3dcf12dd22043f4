"""The shipped coturn configuration in the real turnserver, with passwords of rooms/ice.py, in a real browser."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from rooms.ice import IceConfig, ice_servers
from rooms.tokens import ApiKey, caller_token
from tests.web.browser import chromium

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from sim.livekit_server import LocalLiveKit

SHIPPED = Path(__file__).parents[2] / "deploy/coturn/turnserver.conf"
SECRET = "a-secret-that-two-servers-share"
SFU = ("allowed-peer-ip=127.0.0.1",)
LOOPBACK = ("allow-loopback-peers", "cli-password=none-can-ask")
"""For a test on one machine: coturn has a rule of its own against loopback peers."""
COMPLAINT = re.compile(r"warning|error|bad|unknown|cannot|invalid|failed|denied|wrong", re.IGNORECASE)
GATHER = """async servers => {
    const connection = new RTCPeerConnection({iceServers: servers, iceTransportPolicy: "relay"});
    const told = {candidates: [], errors: []};
    // Not until all is gathered: a way out that does not lead to the server is given up after 10 s.
    const done = new Promise(resolve => {
        connection.onicecandidate = ({candidate}) => {
            if (candidate) resolve(told.candidates.push(candidate.type));
        };
        connection.onicecandidateerror = ({errorCode}) => {
            told.errors.push(errorCode);
            if (errorCode < 500) resolve();
        };
    });
    connection.createDataChannel("words");
    await connection.setLocalDescription(await connection.createOffer());
    await done;
    window.connection = connection;
    return {...told, sdp: connection.localDescription.sdp};
}"""
CONNECTED = "() => window.connection.connectionState === 'connected'"


class Coturn:
    """A turnserver that runs: its port, and what it has told."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self._log = log

    @property
    def told(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def servers(self, *, secret: str = SECRET, now_s: float | None = None) -> list[dict[str, object]]:
        config = IceConfig((f"turn:127.0.0.1:{self.port}?transport=udp",), secret, ttl_s=600.0)
        return ice_servers(config, "caller-1", now_s=time.time() if now_s is None else now_s)


@asynccontextmanager
async def coturn(folder: Path, *site: str) -> AsyncGenerator[Coturn]:
    """The shipped file with the lines of a site behind it, on loopback, until it listens or has ended."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("no turnserver: install coturn (Debian: apt-get install coturn)")
    port, tls_port = free_ports(2)
    certify(folder)
    lines = [
        f"static-auth-secret={SECRET}",
        "realm=example.com",
        "listening-ip=127.0.0.1",
        "relay-ip=127.0.0.1",
        f"listening-port={port}",
        f"tls-listening-port={tls_port}",
        f"cert={folder / 'cert.pem'}",
        f"pkey={folder / 'key.pem'}",
        f"userdb={folder / 'db'}",
        *site,
    ]
    file = folder / "turnserver.conf"
    file.write_text(SHIPPED.read_text(encoding="utf-8") + "\n".join(lines) + "\n")
    with (folder / "log").open("wb") as log:
        command = (program, "-c", str(file), "--pidfile=")
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=subprocess.STDOUT)
    try:
        await listening(process, port)
        yield Coturn(port, folder / "log")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def certify(folder: Path) -> None:
    """A key and a certificate of its own, as `key.pem` and `cert.pem`."""
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run(["openssl", "req", "-x509", *kind, *files], check=True, capture_output=True, timeout=30)


async def listening(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(30):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return


def free_ports(count: int) -> list[int]:
    """Ports that are free for UDP and TCP."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket(type=socket.SOCK_STREAM) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


async def gathered(servers: Sequence[dict[str, object]]) -> dict[str, Any]:
    async with chromium() as browser:
        page = await browser.new_page()
        return await page.evaluate(GATHER, servers)


def complaints(told: str) -> list[str]:
    return [line for line in told.splitlines() if COMPLAINT.search(line)]


async def test_the_shipped_file_is_taken_without_complaint(tmp_path: Path) -> None:
    """Each line is known to the real turnserver, and each denied range is taken as it is written."""
    async with coturn(tmp_path) as server:
        denied = re.findall(r"^denied-peer-ip=(\S+)$", SHIPPED.read_text(encoding="utf-8"), re.MULTILINE)
        assert complaints(server.told) == []
        assert [line.split()[-1] for line in server.told.splitlines() if "Black listing" in line] == denied
        assert "Default realm: example.com" in server.told


async def test_a_line_that_it_does_not_know_would_be_a_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stands in the file: the test above can fail."""
    wrong = tmp_path / "wrong.conf"
    wrong.write_text(f"no-such-option\n{SHIPPED.read_text(encoding='utf-8')}")
    monkeypatch.setattr(f"{__name__}.SHIPPED", wrong)
    async with coturn(tmp_path) as server:
        assert any("no-such-option" in line for line in complaints(server.told)), server.told


def test_the_shipped_file_holds_no_secret_and_no_address() -> None:
    """Those are the site's; and it lets nobody in without a password."""
    lines = [line for line in SHIPPED.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    names = {line.partition("=")[0] for line in lines}
    assert not names & {"static-auth-secret", "user", "realm", "external-ip", "allowed-peer-ip", "no-auth", "verbose"}
    assert names >= {"use-auth-secret", "user-quota", "total-quota", "max-bps", "no-tcp-relay", "denied-peer-ip"}


async def test_the_password_of_a_caller_opens_a_relay(tmp_path: Path) -> None:
    """A browser that may use relays only finds one."""
    async with coturn(tmp_path) as server:
        found = await gathered(server.servers())
    assert set(found["candidates"]) == {"relay"}


@pytest.mark.parametrize(
    ("secret", "age_s"), [("another-secret-than-theirs", 0.0), (SECRET, 3600.0)], ids=["wrong secret", "over"]
)
async def test_a_wrong_or_old_password_opens_none(tmp_path: Path, secret: str, age_s: float) -> None:
    """The browser is told 401: the same request as above, with one thing wrong."""
    async with coturn(tmp_path) as server:
        found = await gathered(server.servers(secret=secret, now_s=time.time() - age_s))
    assert found["candidates"] == []
    assert 401 in found["errors"]


async def test_the_relay_leads_to_livekit_and_only_there(tmp_path: Path, livekit: LocalLiveKit) -> None:
    """Through TURN a browser reaches an SFU on a private address if the site's lines name it, else it is refused."""
    for number, site in enumerate([LOOPBACK, LOOPBACK + SFU]):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with coturn(folder, *site) as server, chromium() as browser:
            page = await browser.new_page()
            found = await page.evaluate(GATHER, server.servers())
            await page.evaluate(
                "sdp => window.connection.setRemoteDescription({type: 'answer', sdp})",
                await answer(livekit, found["sdp"], f"turn-{number}"),
            )
            if SFU[0] in site:
                await page.wait_for_function(CONNECTED)  # and by no other way: relays only
            else:
                async with asyncio.timeout(30):
                    while "A peer IP 127.0.0.1 denied" not in server.told:
                        await asyncio.sleep(0.05)
                assert not await page.evaluate(CONNECTED)


async def answer(livekit: LocalLiveKit, offer: str, room: str) -> str:
    token = caller_token(ApiKey(livekit.api_key, livekit.api_secret), room=room, identity="caller-1")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    server = livekit.url.replace("ws", "http", 1)
    async with aiohttp.ClientSession() as http, http.post(f"{server}/whip/v1", data=offer, headers=headers) as reply:
        assert reply.status == 201, await reply.text()
        return await reply.text()
