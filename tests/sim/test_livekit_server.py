from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import psutil
import pytest
import pytest_asyncio
from aiohttp import web
from livekit import api

from sim import livekit_server
from sim.caller import Caller, mint_caller_token
from sim.livekit_server import LiveKitStartError, LocalLiveKit, Webhook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
LIMIT_S = 30.0


def script(folder: Path, body: str) -> Path:
    path = folder / "livekit-server"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


async def status(port: int) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as answer:
        return answer.status


async def gone(pid: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.02)


async def test_server_is_healthy_and_knows_its_key(livekit: LocalLiveKit) -> None:
    """Once started it answers its health check, and its API takes its own key and secret."""
    assert await status(livekit.ports.http) == 200
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as client:
        room = await client.room.create_room(api.CreateRoomRequest(name="livekit-server-test"))
        await client.room.delete_room(api.DeleteRoomRequest(room=room.name))


async def test_only_loopback_is_listened_on(livekit: LocalLiveKit) -> None:
    """One TCP and one UDP port on 127.0.0.1, and nothing on any other interface."""
    listening = {
        (kind.type, kind.laddr.ip, kind.laddr.port)
        for kind in psutil.Process(livekit.pid).net_connections()
        if kind.status in (psutil.CONN_LISTEN, psutil.CONN_NONE) and kind.laddr
    }
    assert listening == {
        (socket.SOCK_STREAM, "127.0.0.1", livekit.ports.http),
        (socket.SOCK_DGRAM, "127.0.0.1", livekit.ports.rtc),
    }


async def test_secret_is_long_and_not_in_repr(livekit: LocalLiveKit) -> None:
    """The secret has the 32 characters that livekit-server wants, and no repr shows it."""
    assert len(livekit.api_secret) >= 32
    assert livekit.api_secret not in repr(livekit)
    assert livekit.url in repr(livekit)
    command = " ".join(psutil.Process(livekit.pid).cmdline())
    assert livekit.api_secret not in command


async def test_settings_of_the_machine_do_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """LIVEKIT_KEYS, REDIS_HOST and the like of a user's shell do not change the local server."""
    monkeypatch.setenv("LIVEKIT_KEYS", "stranger: a-secret-that-is-more-than-32-characters")
    monkeypatch.setenv("REDIS_HOST", "127.0.0.1:1")
    monkeypatch.setenv("NODE_IP", "192.0.2.1")
    async with LocalLiveKit() as livekit:
        environment = psutil.Process(livekit.pid).environ()
        # Python itself sets LC_CTYPE where the locale is C.
        assert set(environment) <= {*livekit_server.PASSED_ENVIRONMENT, "LIVEKIT_CONFIG", "LC_CTYPE"}
        async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as client:
            await client.room.list_rooms(api.ListRoomsRequest())


async def test_two_servers_live_side_by_side(livekit: LocalLiveKit) -> None:
    """Ports and keys are each server's own."""
    async with LocalLiveKit() as other:
        assert {other.ports.http, other.ports.rtc}.isdisjoint({livekit.ports.http, livekit.ports.rtc})
        assert other.api_key != livekit.api_key
        assert await status(livekit.ports.http) == await status(other.ports.http) == 200


async def test_stop_frees_everything_and_can_be_repeated() -> None:
    """After stop neither process nor port is left; stopping again does nothing; it may be started again."""
    livekit = LocalLiveKit()
    await livekit.start()
    pid, port = livekit.pid, livekit.ports.http
    await livekit.stop()
    await livekit.stop()
    assert not psutil.pid_exists(pid)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
    await livekit.start()
    assert livekit.pid != pid
    await livekit.stop()


async def test_stop_does_not_wait_for_callers() -> None:
    """Callers who are still in a room are sent away by the server's own shutdown, not by force."""
    livekit = LocalLiveKit()
    await livekit.start()
    process = psutil.Process(livekit.pid)
    token = mint_caller_token(livekit.api_key, livekit.api_secret, "leaving", "ada")
    async with Caller(livekit.url, token, name="ada"):
        ended = asyncio.create_task(livekit.wait())
        await asyncio.sleep(0)  # it waits now
        await livekit.stop()
        assert await ended == 0
    assert not process.is_running()


async def test_taken_port_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A free port that is taken before the server has it: other ports, same call."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        draws = [taken.getsockname()[1]]
        draw = livekit_server.free_port

        def draw_taken_first(kind: socket.SocketKind) -> int:
            return draws.pop() if draws and kind == socket.SOCK_STREAM else draw(kind)

        monkeypatch.setattr(livekit_server, "free_port", draw_taken_first)
        async with LocalLiveKit() as livekit:
            assert livekit.ports.http != taken.getsockname()[1]
            assert not draws


async def test_given_port_is_used_or_refused() -> None:
    """`port` is taken as it is; if something else has it, the error says so at once."""
    port = livekit_server.free_port(socket.SOCK_STREAM)
    async with LocalLiveKit(port=port) as livekit:
        assert livekit.ports.http == port
        with pytest.raises(LiveKitStartError, match="address already in use"):
            await LocalLiveKit(port=port).start()


async def test_server_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    """A binary that dies: the error has its path and what it said."""
    binary = script(tmp_path, "echo no such luck >&2; exit 3")
    with pytest.raises(LiveKitStartError, match="did not start: it ended: no such luck"):
        await LocalLiveKit(binary=binary).start()


async def test_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    """A binary that hangs is given up after the limit, and is not left running."""
    binary = script(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 600")
    with pytest.raises(LiveKitStartError, match="not healthy after 1 s"):
        await LocalLiveKit(binary=binary, start_timeout_s=1.0).start()
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


async def test_binary_that_is_none_is_told(tmp_path: Path) -> None:
    """A path without a program is a start error."""
    with pytest.raises(LiveKitStartError, match="No such file"):
        await LocalLiveKit(binary=tmp_path / "missing").start()


def test_before_the_start_there_is_no_url() -> None:
    """Asking for the URL or the process of a server that does not run is an error that says so."""
    livekit = LocalLiveKit(binary=Path("/nowhere"))
    for ask in (lambda: livekit.url, lambda: livekit.pid):
        with pytest.raises(RuntimeError, match="not running"):
            ask()
    assert repr(livekit) == "<LocalLiveKit not running>"


@pytest_asyncio.fixture
async def received() -> AsyncIterator[tuple[str, asyncio.Queue[dict[str, object]]]]:
    """An HTTP endpoint for webhooks: its URL and what came."""
    posts: asyncio.Queue[dict[str, object]] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        posts.put_nowait(json.loads(await request.text()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", posts
    await runner.cleanup()


async def test_webhook_and_empty_timeout(received: tuple[str, asyncio.Queue[dict[str, object]]]) -> None:
    """Events are posted to the webhook, and a room nobody joins is closed after its empty timeout."""
    url, posts = received
    async with (
        LocalLiveKit(empty_timeout_s=1, webhook=Webhook([url])) as livekit,
        api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as client,
    ):
        await client.room.create_room(api.CreateRoomRequest(name="short"))
        events: list[object] = []
        async with asyncio.timeout(LIMIT_S):
            while "room_finished" not in events:
                events.append((await posts.get())["event"])
        assert events == ["room_started", "room_finished"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_as_a_program_it_runs_until_asked(number: signal.Signals) -> None:
    """`python -m sim.livekit_server` prints one JSON line, and a signal ends it with code 0 and nothing left."""
    program, ready, server = await run_as_program()
    assert set(ready) == {"url", "api_key", "api_secret"}
    program.send_signal(number)
    async with asyncio.timeout(LIMIT_S):
        assert await program.wait() == 0
    assert not psutil.pid_exists(server)


async def test_it_dies_with_a_killed_parent() -> None:
    """The program that started it is killed with SIGKILL: the server ends, its port is free."""
    program, _, server = await run_as_program()
    program.kill()
    await program.wait()
    await gone(server)


async def run_as_program() -> tuple[asyncio.subprocess.Process, dict[str, str], int]:
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sim.livekit_server"), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    ready = json.loads(await asyncio.wait_for(program.stdout.readline(), LIMIT_S))
    assert await status(int(ready["url"].rpartition(":")[2])) == 200
    guard, *_ = psutil.Process(program.pid).children()
    return program, ready, guard.children()[0].pid
