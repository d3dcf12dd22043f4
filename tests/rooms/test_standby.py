"""Standby rooms, against a real livekit-server with a worker of the wire protocol, and once with the real core."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from livekit import api, rtc
from livekit.agents import Agent

from rooms import standby as module
from rooms.standby import StandbyRooms
from service import Service
from sim.caller import Caller
from sim.livekit_server import LocalLiveKit
from sim.providers import SimulatedProviders
from tests.harness import KEY, quick_profile, run_worker, settings_for
from tests.rooms.wire_worker import WireWorker
from tests.web.page_server import serve
from web.server import ENTRANCE, page_app

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from livekit.protocol import agent

    from tests.conftest import MakeSettings

AGENT = "standby-test"
LONG_S = 60.0


class VoiceWorker:
    """A worker whose jobs join and, unless `mute`, publish a voice; `rooms` are the agents' sides, by room name."""

    def __init__(self, livekit: LocalLiveKit, agent_name: str, *, mute: bool = False) -> None:
        self.rooms: dict[str, rtc.Room] = {}
        self._url = livekit.url
        self._mute = mute
        self.wire = WireWorker(livekit.url, livekit.api_key, livekit.api_secret, agent_name, self._join)

    async def _join(self, assignment: agent.JobAssignment) -> None:
        room = rtc.Room()
        self.rooms[assignment.job.room.name] = room
        await room.connect(self._url, assignment.token)
        if not self._mute:
            track = rtc.LocalAudioTrack.create_audio_track("voice", rtc.AudioSource(24_000, 1))
            await room.local_participant.publish_track(track, rtc.TrackPublishOptions())

    async def leave(self) -> None:
        """As a worker that dies: every agent goes."""
        # A connect that is cancelled half-way leaves a room behind in the media library.
        await asyncio.gather(*self.wire.tasks)
        await asyncio.gather(*(room.disconnect() for room in self.rooms.values()))


@asynccontextmanager
async def voice_worker(
    livekit: LocalLiveKit, agent_name: str = AGENT, *, mute: bool = False
) -> AsyncGenerator[VoiceWorker]:
    worker = VoiceWorker(livekit, agent_name, mute=mute)
    async with worker.wire:
        try:
            yield worker
        finally:
            await worker.leave()


def standby_rooms(
    lk: api.LiveKitAPI, size: int, *, max_age_s: float = LONG_S, check_s: float = 0.2, agent_name: str = AGENT
) -> StandbyRooms:
    return StandbyRooms(lk, agent_name, size=size, max_age_s=max_age_s, check_s=check_s)


async def until(true: Callable[[], bool], *, timeout_s: float = 20.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not true():
            await asyncio.sleep(0.02)


async def until_full(standby: StandbyRooms, size: int) -> None:
    await until(lambda: standby.waiting == size)


async def open_rooms(lk: api.LiveKitAPI) -> set[str]:
    return {room.name for room in (await lk.room.list_rooms(api.ListRoomsRequest())).rooms}


async def voices(lk: api.LiveKitAPI, room: str) -> int:
    """Participants of a room that have published something."""
    found = await lk.room.list_participants(api.ListParticipantsRequest(room=room))
    return sum(bool(participant.tracks) for participant in found.participants)


async def test_a_room_that_is_taken_has_its_agent(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """As many rooms wait as were asked for; each is handed out once, with one published voice; then there is none."""
    async with voice_worker(livekit), standby_rooms(lk, 2) as standby:
        await until_full(standby, 2)
        taken = [standby.take(), standby.take()]
        assert standby.take() is None
        assert len({*taken}) == 2
        for room in taken:
            assert room is not None
            assert await voices(lk, room) == 1


async def test_what_was_taken_is_refilled(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """The next rooms are others, and no more than the size are ever held."""
    async with voice_worker(livekit) as worker, standby_rooms(lk, 1) as standby:
        names: list[str | None] = []
        for _ in range(3):
            await until_full(standby, 1)
            names.append(standby.take())
        await until_full(standby, 1)
    assert None not in names
    assert len({*names}) == 3
    assert len(worker.wire.taken) == 4


async def test_many_takers_at_once_never_share(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """Ten takers of three rooms: three get one each, seven get none."""

    async def ask(standby: StandbyRooms) -> str | None:
        await asyncio.sleep(0)
        return standby.take()

    async with voice_worker(livekit), standby_rooms(lk, 3) as standby:
        await until_full(standby, 3)
        answers = await asyncio.gather(*(ask(standby) for _ in range(10)))
    assert answers.count(None) == 7
    assert len({*answers}) == 4


async def test_closing_deletes_what_nobody_took_and_nothing_else(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """The room that was handed out stays with its agent; the others are gone; closing again changes nothing."""
    async with voice_worker(livekit) as worker:
        async with standby_rooms(lk, 2) as standby:
            await until_full(standby, 2)
            held = set(worker.rooms)
            taken = standby.take()
        await standby.aclose()
        assert standby.take() is None
        assert taken in held
        assert set(worker.rooms) & await open_rooms(lk) == {taken}
        assert await voices(lk, taken or "") == 1


async def test_closing_while_a_room_opens_leaves_none(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """A room whose agent is still on its way is let finish, and deleted."""
    async with voice_worker(livekit) as worker:
        async with standby_rooms(lk, 3):
            await until(lambda: bool(worker.wire.taken))
        left = {job.room.name for job in worker.wire.taken} & await open_rooms(lk)
        assert left == set()


async def test_a_room_is_replaced_before_it_is_too_old(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """With an age limit, there is always one to take, the old ones are deleted, and never more than one is surplus."""
    async with voice_worker(livekit) as worker, standby_rooms(lk, 1, max_age_s=3.0) as standby:
        await until_full(standby, 1)
        (first,) = worker.rooms
        await until(lambda: len(worker.rooms) == 3)
        await until_full(standby, 1)
        taken = standby.take()
        assert taken not in (first, None)
        assert first not in await open_rooms(lk)
        # An exchange is a new room before the old one is gone, so the worker has had no more than these.
        assert len(worker.wire.taken) == 3


async def test_rooms_whose_agents_left_are_not_handed_out(livekit: LocalLiveKit, lk: api.LiveKitAPI) -> None:
    """A worker that dies takes its rooms along: they are dropped and deleted, and the next worker fills anew."""
    async with voice_worker(livekit) as first:
        standby = standby_rooms(lk, 2)
        await standby.__aenter__()
        await until_full(standby, 2)
        dead = set(first.rooms)
    await until(lambda: standby.waiting == 0)
    assert standby.take() is None
    async with voice_worker(livekit):
        await until_full(standby, 2)
        assert {standby.take(), standby.take()} & {*dead, None} == set()
        while dead & await open_rooms(lk):
            await asyncio.sleep(0.05)
        await standby.aclose()


async def test_a_room_that_is_taken_during_the_look_is_not_deleted(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look says that its agent has left, but by then the room is a caller's: it stays."""
    look = lk.room.list_participants
    taken: list[str | None] = []

    async def late(request: api.ListParticipantsRequest) -> api.ListParticipantsResponse:
        if taken or not standby.waiting:
            return await look(request)
        taken.append(standby.take())
        return api.ListParticipantsResponse()

    async with voice_worker(livekit), standby_rooms(lk, 1) as standby:
        await until_full(standby, 1)
        monkeypatch.setattr(lk.room, "list_participants", late)
        await until(lambda: bool(taken))
        await until_full(standby, 1)
        assert taken[0] in await open_rooms(lk)
        assert await voices(lk, taken[0] or "") == 1


async def test_an_agent_without_a_voice_does_not_count(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A room is ready when its agent's track is published, not when the agent has joined; else it is deleted."""
    monkeypatch.setattr(module, "AGENT_LIMIT_S", 0.6)
    async with voice_worker(livekit, mute=True) as worker, standby_rooms(lk, 1) as standby:
        await until(lambda: len(worker.rooms) == 2)
        assert standby.waiting == 0
        async with asyncio.timeout(20):
            while next(iter(worker.rooms)) in await open_rooms(lk):
                await asyncio.sleep(0.05)


async def test_livekit_away_is_told_once_and_survived(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While the server is down no room is taken, and many attempts are one warning; then one line says it is over."""
    monkeypatch.setattr(module, "TELL_AFTER_S", 0.0)
    monkeypatch.setattr(module, "SHORTEST_PAUSE_S", 0.05)
    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.1)
    monkeypatch.setattr(module, "AGENT_LIMIT_S", 1.0)
    caplog.set_level(logging.INFO, logger="standby")
    attempts = 0
    open_room = module.open_room

    async def counted(*args: object, **options: object) -> None:
        nonlocal attempts
        attempts += 1
        await open_room(*args, **options)  # pyright: ignore[reportArgumentType]  # handed through as it came

    monkeypatch.setattr(module, "open_room", counted)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(LocalLiveKit())
        lk = await stack.enter_async_context(api.LiveKitAPI(server.url, server.api_key, server.api_secret))
        async with voice_worker(server):
            standby = await stack.enter_async_context(standby_rooms(lk, 1))
            await until_full(standby, 1)
        await server.stop()
        await until(lambda: standby.waiting == 0)
        reached = attempts
        await until(lambda: attempts >= reached + 5)
        assert standby.take() is None
        again = LocalLiveKit(port=server.ports.http)
        again.api_key, again.api_secret = server.api_key, server.api_secret
        await stack.enter_async_context(again)
        async with voice_worker(again):
            await until_full(standby, 1)
            await standby.aclose()
    told = [record.getMessage() for record in caplog.records if record.name == "standby"]
    assert told == ["standby rooms cannot be filled, trying on", "standby rooms are filled again"]


async def test_size_0_does_nothing(unused_tcp_port: int) -> None:
    """No task and no request: not even a server is needed."""
    before = asyncio.all_tasks()
    async with (
        api.LiveKitAPI(f"ws://127.0.0.1:{unused_tcp_port}", "key", "secret-of-more-than-32-characters--") as lk,
        standby_rooms(lk, 0) as standby,
    ):
        assert standby.take() is None
        assert asyncio.all_tasks() == before


@pytest.mark.parametrize(
    ("size", "max_age_s", "check_s", "message"),
    [
        (-1, 1.0, 1.0, "size: got -1, must be 0 or more (rooms)"),
        (1, 0.0, 1.0, "max_age_s: got 0, must be above 0 (seconds)"),
        (1, 1.0, -1.0, "check_s: got -1, must be above 0 (seconds)"),
    ],
)
async def test_a_wrong_value_is_named(
    lk: api.LiveKitAPI, size: int, max_age_s: float, check_s: float, message: str
) -> None:
    """The error says field, value and what is allowed."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message is compared
        StandbyRooms(lk, AGENT, size=size, max_age_s=max_age_s, check_s=check_s)
    assert str(error.value) == message


async def test_a_room_stays_open_for_whom_it_was_handed_to(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its oldest a room has its agent for as long again; livekit-server closes it a margin after that."""
    monkeypatch.setattr("rooms.lifetime.CLOSE_MARGIN_S", 2.0)
    async with voice_worker(livekit), standby_rooms(lk, 1, max_age_s=2.0) as standby:
        await until_full(standby, 1)
        handed_out_at, room = time.monotonic(), standby.take()
        assert room is not None
        while time.monotonic() - handed_out_at < 2.0:
            assert await voices(lk, room) == 1
            await asyncio.sleep(0.2)
        (found,) = (await lk.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms
        assert found.empty_timeout == 6


async def test_the_first_word_in_a_standby_room(livekit: LocalLiveKit, make_settings: MakeSettings) -> None:
    """STANDBY_ROOMS reaches the page's server: its token leads to a waiting agent, who greets by the real core."""
    async with SimulatedProviders(profile=quick_profile(), api_key=KEY) as sim:
        settings = settings_for(make_settings, livekit, sim, standby_rooms=1)
        service = Service(agent=lambda: Agent(instructions="Be brief."), greeting="Hello, how can I help?")
        async with run_worker(service, settings, livekit) as worker:
            app = page_app(
                livekit_url=livekit.url,
                api_key=livekit.api_key,
                api_secret=livekit.api_secret,
                agent_name=settings.agent_name,
                standby_rooms=settings.standby_rooms,
                caller_timeout_s=settings.caller_timeout,
            )
            async with serve(app) as page:
                await until(lambda: app[ENTRANCE].waiting == 1)
                waiting = worker.calls[0].record.room
                async with page.http.post(f"{page.url}/api/token", json={"name": "Ada"}) as response:
                    ticket = await response.json()
                assert ticket["room"] == waiting
                async with Caller(ticket["url"], ticket["token"], name="ada") as caller:
                    first = await caller.first_word(timeout_s=10)
                    assert first.ttfw_ms > 0
                    assert caller.room.local_participant.name == "Ada"
                call = worker.calls[0].record
                await until(lambda: call.ended_by == "caller")
            await worker.idle()
            assert {call.record.room for call in worker.calls} & await open_rooms(worker.api) == set()
