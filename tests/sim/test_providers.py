"""All simulated providers on one port: URLs, counters, faults on a running server, and the program."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import psutil
import pytest

from sim.dialogue import ScriptedDialogue
from sim.faults import FaultError
from sim.latency import fixed_profile
from sim.providers import PROVIDERS, SimulatedProviders

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
BOTH = frozenset({"openai", "elevenlabs"})
AUTH = {"Authorization": "Bearer sim", "xi-api-key": "sim"}
PROGRAM = (sys.executable, "-m", "sim.providers", "--profile", "fixed", "--seed", "1", "--port", "0")
# A parent that starts the program, passes its URLs on, and is then killed.
PARENT = (
    "import subprocess, sys; child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True);"
    "print(child.pid, child.stdout.readline(), flush=True); child.wait()"
)


def providers(only: frozenset[str] = BOTH, **options: Any) -> SimulatedProviders:
    return SimulatedProviders(profile=fixed_profile(), only=only, **options)


async def get(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession(headers=AUTH) as session, session.get(url) as response:
        return response.status, await response.json() if response.ok else None


async def put_faults(server: SimulatedProviders, faults: Any) -> tuple[int, Any]:
    url = server.openai_base_url.replace("/v1", "/sim/faults")
    async with aiohttp.ClientSession() as session, session.put(url, json=faults) as response:
        return response.status, await response.json()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_the_urls_are_what_the_plugins_take() -> None:
    """One port; `/v1` at the end of the two HTTP ones, the websocket URL itself for Soniox."""
    async with providers(PROVIDERS) as server:
        base = server.openai_base_url.removesuffix("/v1")
        assert base.startswith("http://127.0.0.1:")
        assert server.elevenlabs_base_url == f"{base}/v1"
        assert server.soniox_base_url == f"{base.replace('http', 'ws')}/transcribe-websocket"
        assert (await get(f"{server.openai_base_url}/models"))[0] == 200
        assert (await get(f"{server.elevenlabs_base_url}/voices"))[0] == 200
        async with aiohttp.ClientSession(headers=AUTH) as session, session.ws_connect(server.soniox_base_url) as ws:
            await ws.send_json({"api_key": "sim", "model": "none", "audio_format": "bad"})
            assert "error_code" in await ws.receive_json()


async def test_only_the_named_providers_run() -> None:
    """The others have no route and no URL; a wrong name is refused at once."""
    async with providers(frozenset({"openai"})) as server:
        assert (await get(f"{server.openai_base_url}/voices"))[0] == 404
        with pytest.raises(RuntimeError, match="elevenlabs is not among"):
            _ = server.elevenlabs_base_url
    with pytest.raises(ValueError, match="got deepgram"):
        providers(frozenset({"deepgram"}))


async def test_it_starts_once_and_closes_any_number_of_times() -> None:
    """After closing, the port is free and no URL is given; a second start is a mistake that says so."""
    server = providers()
    await server.start()
    with pytest.raises(RuntimeError, match="already started"):
        await server.start()
    url = f"{server.openai_base_url}/models"
    await asyncio.gather(server.aclose(), server.aclose())
    await server.aclose()
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(url)
    with pytest.raises(RuntimeError, match="not started"):
        _ = server.openai_base_url


async def test_closing_does_not_wait_for_open_connections() -> None:
    """A stream and a websocket in the middle of their work end with the server."""
    server = providers(dialogue=ScriptedDialogue(["word " * 500]))
    async with server, aiohttp.ClientSession(headers=AUTH) as session:
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        await session.post(f"{server.openai_base_url}/chat/completions", json=body)
        ws = await session.ws_connect(f"{server.elevenlabs_base_url}/text-to-speech/x/multi-stream-input")
        await ws.send_json({"text": "Hello. " * 50, "context_id": "a", "flush": True})
        await until(lambda: server.stats["openai"]["active"] == server.stats["elevenlabs"]["generations"] == 1)
        async with asyncio.timeout(5):
            await server.aclose()
            assert (await ws.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    assert not [p for p in psutil.Process().children() if "voice_child" in " ".join(p.cmdline())]


async def test_a_taken_port_is_an_error_and_leaves_nothing() -> None:
    """OSError, as any server; the failed one can be closed."""
    async with providers() as server:
        port = int(server.openai_base_url.split(":")[2].split("/")[0])
        second = providers(port=port)
        with pytest.raises(OSError, match="address already in use"):
            await second.start()
        await second.aclose()


async def test_the_counters_are_readable_over_http() -> None:
    """`GET /sim/stats` is what `.stats` is."""
    async with providers() as server:
        await get(f"{server.openai_base_url}/models")
        status, stats = await get(server.openai_base_url.replace("/v1", "/sim/stats"))
        assert (status, stats) == (200, server.stats)
        assert set(stats) == BOTH | {"realtime"}


async def test_faults_are_set_and_healed_on_a_running_server() -> None:
    """A provider goes down and comes back without a restart; the other one is left alone."""
    async with providers(api_key=None, dialogue=ScriptedDialogue(["ok"])) as server:
        url = f"{server.openai_base_url}/chat/completions"
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        statuses: list[int] = []
        for faults in ({"openai": {"reject_every": 1, "reject_status": 503}}, {"openai": {}}):
            assert (await put_faults(server, faults))[0] == 200
            async with aiohttp.ClientSession(headers=AUTH) as session, session.post(url, json=body) as response:
                statuses.append(response.status)
        assert statuses == [503, 200]


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ({"openai": {"rejekt_every": 1}}, "OpenAiFaults has no rejekt_every; allowed: reject_every"),
        ({"openai": {"reject_every": "often"}}, "OpenAiFaults.reject_every"),
        ({"openai": {"reject_status": 200}}, "between 400 and 599"),
        ({"openai": {}, "groq": {}}, "no provider 'groq' runs here"),
        ({"openai": 5}, "must be an object"),
        ([], "must be an object"),
    ],
)
async def test_wrong_faults_change_nothing_and_say_why(faults: Any, message: str) -> None:
    """400 with the field and what is allowed; a half-right order is not carried out."""
    async with providers() as server:
        server.set_faults({"openai": {"stall_ms": 7}})
        status, answer = await put_faults(server, faults)
        assert status == 400
        assert message in answer["error"]
        _, now = await put_faults(server, {"elevenlabs": {}})
        assert now["openai"]["stall_ms"] == 7


async def test_soniox_faults_travel_the_same_way() -> None:
    """One order for all three."""
    async with providers(PROVIDERS) as server:
        server.set_faults({"soniox": {"reject_every": 1, "error_code": 401}})
        with pytest.raises(FaultError, match="error_code"):
            server.set_faults({"soniox": {"error_code": 7}})


async def started(*command: str) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return process, (await process.stdout.readline()).decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_program_prints_one_line_and_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    """The line is JSON with the three URLs; the exit code is 0."""
    process, line = await started(*PROGRAM)
    urls = cast("dict[str, str]", json.loads(line))
    assert set(urls) == {"openai_base_url", "elevenlabs_base_url", "soniox_base_url"}
    assert (await get(f"{urls['openai_base_url']}/models"))[0] == 200
    process.send_signal(number)
    async with asyncio.timeout(20):
        assert await process.wait() == 0


async def test_the_program_ends_with_its_parent() -> None:
    """Even a parent that is killed leaves no server behind."""
    parent, line = await started(sys.executable, "-c", PARENT, *PROGRAM)
    pid = int(line.split()[0])
    assert psutil.pid_exists(pid)
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


async def test_the_program_says_which_port_it_cannot_have() -> None:
    """Exit code 1 and one line, no traceback."""
    async with providers() as server:
        port = server.openai_base_url.split(":")[2].split("/")[0]
        process = await asyncio.create_subprocess_exec(
            *PROGRAM[:-1], port, cwd=ROOT, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().startswith(f"port {port} cannot be used: ")
    assert "Traceback" not in errors.decode()
