"""`dev` as a user runs it: one command, a page, a call; and nothing left of it afterwards."""

from __future__ import annotations

import asyncio
import re
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import psutil
import pytest
from program import free_ports, gone, is_open, new_project, program
from watchfiles import Change

from cli.source_changes import InProject, source_folders
from sim.caller import Caller

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from program import Program

    from sim.livekit_server import LocalLiveKit

READY = r"Ready after [\d.]+ s\. Talk to it:  (http://127\.0\.0\.1:(\d+))"
QUICK = ("--latency", "fixed")
STOP_LIMIT_S = 5.0


@asynccontextmanager
async def dev(project: Path, *options: str, **environment: str) -> AsyncGenerator[tuple[Program, str]]:
    """A `dev` that is ready, and the address of its page."""
    async with program(project, "dev", *QUICK, *options, **environment) as it:
        yield it, (await it.says(READY))[1]


async def join(page: str) -> Caller:
    """A caller with a token of the page, who has not joined yet."""
    async with aiohttp.ClientSession() as session, session.post(f"{page}/api/token") as answer:
        assert answer.status == 200, await answer.text()
        ticket = await answer.json()
    return Caller(ticket["url"], ticket["token"], name=ticket["identity"])


def agent_of(it: Program) -> psutil.Process:
    """The process of the agent, below its guard."""
    (agent,) = [each for each in it.tree() if each.cmdline()[1:3] == ["agent.py", "start"]]
    return agent


def ports_of(processes: list[psutil.Process]) -> set[int]:
    """What they listen on."""
    connections = [connection for process in processes for connection in process.net_connections("inet")]
    return {each.laddr.port for each in connections if each.status in (psutil.CONN_LISTEN, psutil.CONN_NONE)}


async def test_one_command_gives_a_page_and_a_call(tmp_path: Path) -> None:
    """Without a key: the table says what is simulated, the page answers, and a caller with its token is greeted.

    Ctrl-C in the middle of the call leaves neither a process nor a port within 5 s, and no traceback.
    """
    async with dev(new_project(tmp_path)) as (it, page):
        first = next(index for index, line in enumerate(it.lines) if line.startswith("  Rooms"))
        assert [line.rstrip() for line in it.lines[first : first + 4]] == [
            "  Rooms           livekit-server  local      LIVEKIT_URL leads elsewhere",
            "  Speech to text  Soniox          simulated  SONIOX_API_KEY makes it real",
            "  Language model  OpenAI          simulated  OPENAI_API_KEY makes it real",
            "  Text to speech  ElevenLabs      simulated  ELEVEN_API_KEY makes it real",
        ]
        async with aiohttp.ClientSession() as session:
            async with session.get(page) as answer:
                assert "<html" in await answer.text()
            async with session.get(f"{page}/api/info") as answer:
                providers = (await answer.json())["providers"]
        assert [provider["mode"] for provider in providers] == ["simulated"] * 3
        async with await join(page) as caller:
            await caller.first_word(timeout_s=20)
            await it.says("call began")
            tree = it.tree()
            ports = ports_of(tree)
            assert len(tree) > 3
            assert len(ports) > 3
            it.signal(signal.SIGINT)
            assert await it.ends(STOP_LIMIT_S) == 0
            assert await gone(tree, timeout_s=1) == []
            assert [port for port in ports if is_open(port)] == []
        assert "stopping" in it.lines
        await it.says("call ended")
        assert "Traceback" not in it.output


async def test_ctrl_c_is_heard_while_it_starts(tmp_path: Path) -> None:
    """Before the agent is ready as well: exit code 0, and what had been started is gone."""
    async with program(new_project(tmp_path), "dev", *QUICK) as it:
        await it.says("starting")
        tree = it.tree()
        it.signal(signal.SIGINT)
        assert await it.ends(STOP_LIMIT_S) == 0
        assert await gone(tree, timeout_s=1) == []
        assert not re.search("Traceback|Ready", it.output)


async def test_an_agent_that_is_killed_comes_back_and_a_dev_that_is_killed_takes_everything_along(
    tmp_path: Path,
) -> None:
    """kill -9 of the agent in mid-call: the caller in the room gets another one, and the page goes on.

    kill -9 of `dev` gives it no chance to tidy up; its children see it and end within seconds.
    """
    async with dev(new_project(tmp_path)) as (it, page):
        async with await join(page) as caller:
            await caller.first_word(timeout_s=20)
            dead = {track.identity for track in caller.heard()}
            said = len(it.lines)
            agent_of(it).kill()
            await it.says(f"agent ended with exit code {128 + signal.SIGKILL}", after=said)
            await it.says("agent is started again in 0.5 s", after=said)
            await it.says("agent is ready after", after=said)
            async with aiohttp.ClientSession() as session, session.get(f"{page}/healthz") as answer:
                assert answer.status == 200
            async with asyncio.timeout(20):
                while not any(track.spans() for track in caller.heard() if track.identity not in dead):
                    await asyncio.sleep(0.1)
        assert len(re.findall(READY, it.output)) == 1
        tree = it.tree()
        ports = ports_of(tree)
        it.signal(signal.SIGKILL)
        assert await gone(tree, timeout_s=8) == []
        assert [port for port in ports if is_open(port)] == []


async def test_a_saved_file_restarts_the_agent(tmp_path: Path) -> None:
    """A mistake is shown and does not end `dev`; mended, calls work again."""
    project = new_project(tmp_path)
    source = (project / "agent.py").read_text()
    async with dev(project) as (it, page):
        said = len(it.lines)
        (project / "agent.py").write_text(source + "\nthis is no python\n")
        await it.says("changed: agent.py", after=said)
        await it.says("SyntaxError: ", after=said)
        await it.says("agent ended with exit code 1", after=said)
        await it.says("Mend it and save", after=said)
        said = len(it.lines)
        (project / "agent.py").write_text(
            source.replace("service = Service", "print('second edition')\nservice = Service")
        )
        await it.says("second edition", after=said)
        await it.says("agent is ready after", after=said)
        async with await join(page) as caller:
            await caller.first_word(timeout_s=20)
        assert len(re.findall(READY, it.output)) == 1


async def test_what_is_set_is_used(tmp_path: Path, livekit: LocalLiveKit) -> None:
    """LIVEKIT_URL: no server of its own, and the agent is there. A provider's key: only the others are simulated.

    A second `dev` beside the first works as well; a page port that is taken is told at once. Without reload nothing
    would start an agent that has died again, so `dev` ends with it, exit code 1.
    """
    server = {
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
        "AGENT_NAME": "elsewhere",
    }
    real = {"OPENAI_API_KEY": "sk-of-mine-0123456789", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
    port = str(free_ports(1))
    options = ("--no-reload", "--page-port", port)
    async with dev(new_project(tmp_path), *options, **server, **real, MAX_RETRIES="0") as (it, page):
        assert page.endswith(f":{port}")
        assert re.search(rf"  Rooms +{livekit.url} +real", it.output)
        assert re.search(r"  Language model +OpenAI gpt-4o-mini +real *$", it.output, re.MULTILINE)
        assert it.output.count(" simulated ") == 2
        assert not [each for each in it.tree() if "livekit-server" in each.name()]
        assert "sk-of-mine" not in it.output
        async with program(tmp_path, "dev", "--page-port", port) as second:
            assert await second.ends() == 3
        assert second.lines[-1].startswith(f"--page-port: got {port}, ")
        assert second.lines[-1].endswith("0 picks a free one")
        async with dev(tmp_path, "--no-reload") as (_, other), await join(page) as here, await join(other) as there:
            await here.first_word(timeout_s=20)
            await there.first_word(timeout_s=20)
        agent_of(it).kill()
        assert await it.ends() == 1


@pytest.mark.parametrize("name", ["agent.py", "rooms/new.py", ".env", "performance.yaml"])
def test_what_the_agent_is_made_of_is_watched(tmp_path: Path, name: str) -> None:
    """Wherever the project lies, be it below a folder whose name is not watched."""
    project = tmp_path / "tests"
    assert InProject(project)(Change.modified, str(project / name))


@pytest.mark.parametrize("name", ["tests/test_a.py", ".venv/lib/a.py", "web/static/app.yaml", "notes.txt", "a.pyc"])
def test_what_it_is_not_made_of_is_not_watched(tmp_path: Path, name: str) -> None:
    """Neither its tests, nor what was installed or built."""
    assert not InProject(tmp_path)(Change.modified, str(tmp_path / name))
    folder = (tmp_path / name).parent
    folder.mkdir(parents=True, exist_ok=True)
    assert source_folders(tmp_path) == [tmp_path]
