"""`start` as it is run in production: settings from the environment alone, signals, exit codes, JSON lines."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import aiohttp
import psutil
import pytest
import pytest_asyncio
from livekit import api
from program import free_ports, gone, is_open, new_project, program, ran

from sim.caller import Caller
from sim.dialogue import ScriptedDialogue
from sim.ears.phrasebook import Phrasebook
from sim.providers import SimulatedProviders
from sim.speech.library import Recording, load_speech
from tests.harness import quick_profile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from program import Program

    from sim.livekit_server import LocalLiveKit

PROVIDER_KEY = "sk-provider-key-of-this-test-0123456789"
REPLIES = ["Hello, this is the desk.", "We open at five.", "Goodbye."]


@pytest_asyncio.fixture
async def sim() -> AsyncIterator[SimulatedProviders]:
    async with SimulatedProviders(
        profile=quick_profile(),
        dialogue=ScriptedDialogue(REPLIES),
        ears=Phrasebook(load_speech().values()).ears,
        api_key=PROVIDER_KEY,
    ) as providers:
        yield providers


@pytest.fixture
def environment(livekit: LocalLiveKit, sim: SimulatedProviders) -> dict[str, str]:
    """What a deployment has to set, a free port, and a short greeting."""
    return {
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
        "OPENAI_BASE_URL": sim.openai_base_url,
        "SONIOX_BASE_URL": sim.soniox_base_url,
        "ELEVENLABS_BASE_URL": sim.elevenlabs_base_url,
        "OPENAI_API_KEY": PROVIDER_KEY,
        "SONIOX_API_KEY": PROVIDER_KEY,
        "ELEVEN_API_KEY": PROVIDER_KEY,
        "HEALTH_PORT": str(free_ports(1)),
        "GREETING": "Hello there.",
    }


@pytest_asyncio.fixture
async def lk(livekit: LocalLiveKit) -> AsyncIterator[api.LiveKitAPI]:
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as client:
        yield client


@pytest.fixture
def new_caller(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> Callable[[str], Caller]:
    """A caller who has not joined yet; `agent_name` is sent for with the token."""

    def make(agent_name: str) -> Caller:
        room = f"room-{uuid4().hex[:8]}"
        grants = api.VideoGrants(room_join=True, room=room)
        dispatch = api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name=agent_name)])
        token = api.AccessToken(livekit.api_key, livekit.api_secret).with_identity("ada").with_grants(grants)
        return Caller(livekit.url, token.with_room_config(dispatch).to_jwt(), name="ada")

    return make


@pytest.fixture(scope="session")
def speech() -> dict[str, Recording]:
    return load_speech()


async def get(port: int | str, path: str) -> tuple[int, str]:
    """Status and body of the health endpoint."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


# What it takes to start ----------------------------------------------------------------------------


async def test_each_missing_setting_is_named(tmp_path: Path) -> None:
    """All at once, in one line each, and not those that are set; exit code 2."""
    told = await ran(new_project(tmp_path), "start", OPENAI_API_KEY=PROVIDER_KEY)
    assert told.code == 2
    assert told.output.splitlines() == [
        "`start` cannot do without these settings (`dev` can):",
        "  LIVEKIT_URL: not set",
        "  LIVEKIT_API_KEY: not set",
        "  LIVEKIT_API_SECRET: not set",
        "  SONIOX_API_KEY: not set",
        "  ELEVEN_API_KEY: not set",
    ]


async def test_a_health_port_that_is_taken_ends_it(tmp_path: Path, environment: dict[str, str]) -> None:
    """Exit code 3, which tells a supervisor not to try again, and one line that names the setting."""
    with socket.create_server(("127.0.0.1", int(environment["HEALTH_PORT"]))):
        async with program(new_project(tmp_path), "start", **environment) as it:
            assert await it.ends() == 3
    (line,) = it.records()
    assert line["event"] == "cannot serve"
    assert "address already in use; set HEALTH_PORT (0 picks a free one)" in line["reason"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"LIVEKIT_URL": "ws://127.0.0.1:1"}, "Cannot connect to host 127.0.0.1:1"),
        ({"LIVEKIT_API_SECRET": "not-the-secret-of-this-server-0123456789"}, "401"),
    ],
    ids=["away", "refused"],
)
async def test_it_tries_again_while_livekit_is_not_to_be_had(
    tmp_path: Path, environment: dict[str, str], wrong: dict[str, str], said: str
) -> None:
    """A readable line for each time, never a traceback; a stop signal is heard meanwhile, exit code 0."""
    async with program(new_project(tmp_path), "start", **(environment | wrong)) as it:
        await it.says(r"retrying in \ds.*\"retry_count\": 2")
        it.signal(signal.SIGTERM)
        assert await it.ends() == 0
    tries = it.records("failed to connect to livekit, retrying in 0s")
    assert said in tries[0]["error"]
    assert not [line for line in it.lines if "Traceback" in line or "not-the-secret" in line]


# One worker ----------------------------------------------------------------------------------------


async def test_a_call_is_answered_and_told_in_one_line_for_each_thing(
    tmp_path: Path,
    environment: dict[str, str],
    new_caller: Callable[[str], Caller],
    speech: dict[str, Recording],
    lk: api.LiveKitAPI,
) -> None:
    """By the worker of its name only. At the default level: ready, call began, turns, call ended; all JSON.

    A stop signal in the middle lets the call go on, until the caller leaves; then the program ends, exit code 0.
    """

    async def turn(caller: Caller) -> None:
        spoken = await caller.say(speech["opening_hours"].pcm, 16_000)
        await caller.reply(after=spoken, timeout_s=20)
        await caller.quiet(400)

    async with program(new_project(tmp_path), "start", AGENT_NAME="desk", **environment) as it:
        await it.says('"ready"')
        port = environment["HEALTH_PORT"]
        assert (await get(port, "/"))[0] == 200
        assert '"agent_name": "desk"' in (await get(port, "/worker"))[1]
        async with new_caller("firstword") as stranger, new_caller("desk") as caller:
            await caller.first_word(timeout_s=20)
            await caller.quiet(400)
            await turn(caller)
            await it.says('"turn".*"n": 1')
            room = api.ListParticipantsRequest(room=stranger.room.name)
            assert [each.identity for each in (await lk.room.list_participants(room)).participants] == ["ada"]
            it.signal(signal.SIGTERM)
            await it.says('"draining"')
            await turn(caller)
        assert await it.ends() == 0
    told = [each["event"] for each in it.records()]
    if told[4] == "turn":  # turns have one line each half minute
        told.pop(4)
    assert told == ["ready", "call began", "turn", "draining", "call ended"]
    ready, began, first, *_, ended = it.records()
    assert (ready["agent"], ready["health_port"]) == ("desk", int(port))
    assert began["call"] == first["call"] == ended["call"]
    assert (ended["turns"], ended["by"]) == (2, "caller")
    assert not [secret for secret in (PROVIDER_KEY, environment["LIVEKIT_API_SECRET"]) if secret in it.output]


async def test_no_level_has_a_line_for_each_frame_or_token(
    tmp_path: Path, environment: dict[str, str], new_caller: Callable[[str], Caller], speech: dict[str, Recording]
) -> None:
    """A greeting, a question and an answer at DEBUG: hundreds of frames, sixty tokens, a few lines."""
    environment["GREETING"] = " ".join(["We are at the harbour."] * 6)
    async with program(new_project(tmp_path), "start", LOG_LEVEL="DEBUG", **environment) as it:
        await it.says('"ready"')
        async with new_caller("firstword") as caller:
            await caller.first_word(timeout_s=20)
            begin = len(it.lines)
            await caller.quiet(1500, timeout_s=60)
            spoken = await caller.say(speech["opening_hours"].pcm, 16_000)
            await caller.reply(after=spoken, timeout_s=20)
            await caller.quiet(400)
            said = it.lines[begin:]
        it.signal(signal.SIGTERM)
        assert await it.ends() == 0
    assert len(said) < 20, "\n".join(said)


@pytest.mark.parametrize(
    ("isolation", "limit"),
    [("shared", "a second signal"), ("shared", "DRAIN_TIMEOUT"), ("process", "a second signal")],
)
async def test_a_call_that_is_not_waited_for_is_closed_in_order(
    tmp_path: Path, environment: dict[str, str], new_caller: Callable[[str], Caller], isolation: str, limit: str
) -> None:
    """Its caller is let go and its last line is written, in this process or one of its own; exit code 0."""
    drain_s = "1000" if limit == "a second signal" else "0.3"
    settings = environment | {"ISOLATION": isolation, "DRAIN_TIMEOUT": drain_s}
    async with program(new_project(tmp_path), "start", **settings) as it:
        await it.says('"ready"')
        async with new_caller("firstword") as caller:
            await caller.first_word(timeout_s=20)
            await it.says('"call began"')
            tree = it.tree()
            it.signal(signal.SIGTERM)
            await it.says('"draining"')
            if limit == "a second signal":
                it.signal(signal.SIGTERM)
            assert await it.ends() == 0
            await caller.quiet(400)
        assert await gone(tree, timeout_s=5) == []
    # The framework may tell of a spare process that it killed while that one still started.
    order = ["draining", "calls are ended before their time", "call ended"]
    assert [record["event"] for record in it.records() if record["event"] in order] == order


async def test_the_log_level_is_obeyed(tmp_path: Path, environment: dict[str, str]) -> None:
    """WARNING: nothing is said while all is well."""
    async with program(new_project(tmp_path), "start", "--announce", LOG_LEVEL="warning", **environment) as it:
        await it.says("^firstword.ready ")
        it.signal(signal.SIGINT)
        assert await it.ends() == 0
    assert len(it.lines) == 1


# Several workers -----------------------------------------------------------------------------------


async def test_two_workers_are_watched_and_stopped_together(
    tmp_path: Path, environment: dict[str, str], new_caller: Callable[[str], Caller]
) -> None:
    """Health on the port and the next one, metrics likewise; one that is killed comes back and the other goes on; two
    signals end all.
    """
    port = free_ports(4)
    settings = environment | {
        "WORKERS": "2",
        "HEALTH_PORT": str(port),
        "PROMETHEUS_PORT": str(port + 2),
        "DRAIN_TIMEOUT": "1000",
    }
    async with program(new_project(tmp_path), "start", **settings) as it:
        for each in (port, port + 1):
            await it.says(f'"ready".*"health_port": {each}')
            assert (await get(each, "/"))[0] == 200
            assert "lk_agents_active_job_count" in (await get(each + 2, "/metrics"))[1]
        first, second = serving(it, port), serving(it, port + 1)
        said = len(it.lines)
        second.kill()
        await it.says(f'"ready".*"health_port": {port + 1}', after=said)
        assert first.is_running()
        assert serving(it, port + 1) != second
        (died,) = it.records("worker died and is restarted")
        assert (died["worker"], died["exit_code"]) == (1, 128 + signal.SIGKILL)
        async with new_caller("firstword") as caller:
            await caller.first_word(timeout_s=20)
            await it.says('"call began"')
            tree = it.tree()
            it.signal(signal.SIGTERM)
            await it.says('"draining"')
            it.signal(signal.SIGTERM)
            assert await it.ends() == 0
        assert await gone(tree, timeout_s=5) == []
        assert not is_open(port)
        assert not is_open(port + 1)
    assert it.records("call ended")[0]["by"] != "caller"


async def test_the_caller_of_a_killed_worker_is_greeted_again(
    tmp_path: Path, environment: dict[str, str], new_caller: Callable[[str], Caller], lk: api.LiveKitAPI
) -> None:
    """kill -9 in mid-call: one other agent comes to the same room and says the first words."""
    port = free_ports(2)
    name = f"desk-{uuid4().hex[:8]}"
    settings = environment | {"WORKERS": "2", "HEALTH_PORT": str(port), "AGENT_NAME": name}
    async with program(new_project(tmp_path), "start", **settings) as it:
        for each in (port, port + 1):
            await it.says(f'"ready".*"health_port": {each}', timeout_s=60)
        async with new_caller(name) as caller:
            await caller.first_word(timeout_s=20)
            await it.says('"call began"')
            await caller.quiet(400)
            room = caller.room.name
            dead = await agents_in(lk, room)
            (busy,) = [each for each in (port, port + 1) if '"active_jobs": 1' in (await get(each, "/worker"))[1]]
            said, killed_at = len(it.lines), time.perf_counter()
            serving(it, busy).kill()
            await it.says("a room has lost its agent, another one is sent", after=said)
            await it.says('"call began"', after=said)
            async with asyncio.timeout(20):
                while await caller.quiet(400) < killed_at + 1.0:
                    await asyncio.sleep(0.1)
            now = await agents_in(lk, room)
            assert len(now) == 1
            assert now != dead


@pytest.mark.parametrize("isolation", ["shared", "process"])
async def test_an_agent_without_a_caller_does_not_hold_up_the_end(
    tmp_path: Path, environment: dict[str, str], lk: api.LiveKitAPI, isolation: str
) -> None:
    """It waits in a room that nobody has joined. Told to stop, the worker lets it go and ends before all limits."""
    settings = environment | {"ISOLATION": isolation, "DRAIN_TIMEOUT": "1000", "CALLER_TIMEOUT": "1000"}
    name = f"desk-{uuid4().hex[:8]}"
    async with program(new_project(tmp_path), "start", AGENT_NAME=name, **settings) as it:
        await it.says('"ready"', timeout_s=60)
        room = f"room-{uuid4().hex[:8]}"
        await lk.room.create_room(
            api.CreateRoomRequest(name=room, agents=[api.RoomAgentDispatch(agent_name=name)], departure_timeout=1)
        )
        async with asyncio.timeout(30):
            while not await agents_in(lk, room):
                await asyncio.sleep(0.1)
        it.signal(signal.SIGTERM)
        await it.says('"draining"')
        assert await it.ends(30) == 0
    assert not it.records("calls are ended before their time")


async def agents_in(lk: api.LiveKitAPI, room: str) -> list[str]:
    found = (await lk.room.list_participants(api.ListParticipantsRequest(room=room))).participants
    return [each.identity for each in found if each.kind == api.ParticipantInfo.AGENT]


def serving(it: Program, port: int) -> psutil.Process:
    """The process that listens on the health port."""
    listeners = [
        process
        for process in it.tree()
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    ]
    assert len(listeners) == 1
    return listeners[0]
