"""Rooms and their settings, against a real livekit-server."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from livekit import api

from bench.limits.lender import OneClient
from rooms.creation import KEY, create_optimized_room, read_audio_config
from rooms.limits.keeper import LimitKeeper
from rooms.performance.sections import AudioConfig, RoomLimits
from rooms.tokens import new_name
from tests.rooms.lonely_room import caller

if TYPE_CHECKING:
    from sim.livekit_server import LocalLiveKit

SLOW = AudioConfig(target_latency_ms=200, buffer_size_ms=40, jitter_buffer_ms=400, auto_gain_control=False)


@pytest.fixture
def clients(lk: api.LiveKitAPI) -> OneClient:
    return OneClient(lk)


async def listed(lk: api.LiveKitAPI, name: str) -> api.Room:
    return (await lk.room.list_rooms(api.ListRoomsRequest(names=[name]))).rooms[0]


async def test_what_a_room_is_made_with_is_there(clients: OneClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiveKit's settings are its own, fractions rounded up; the sound and what else is given are in the metadata."""
    sent: list[api.CreateRoomRequest] = []
    really = clients.lk.room.create_room

    async def create(request: api.CreateRoomRequest) -> api.Room:
        sent.append(request)
        return await really(request)

    monkeypatch.setattr(clients.lk.room, "create_room", create)
    room = await create_optimized_room(
        clients,
        new_name("creation"),
        audio=SLOW,
        max_participants=3,
        metadata={"account": "harbour"},
        empty_timeout_s=12.2,
        departure_timeout_s=4,
    )
    there = await listed(clients.lk, room.name)
    assert (there.max_participants, there.empty_timeout, there.departure_timeout) == (3, 13, 4)
    content = json.loads(there.metadata)
    assert content["account"] == "harbour"
    assert content[KEY]["version"] == 1
    assert content[KEY]["audio"] == {
        "target_latency_ms": 200,
        "buffer_size_ms": 40,
        "jitter_buffer_ms": 400,
        "echo_cancellation": True,
        "noise_suppression": True,
        "auto_gain_control": False,
    }
    assert read_audio_config(there.metadata) == SLOW
    # LiveKit takes the playout delay and lists it nowhere.
    assert [(request.min_playout_delay, request.max_playout_delay) for request in sent] == [(200, 400)]


async def test_limits_give_what_is_left_open(clients: OneClient) -> None:
    """As many callers as the agents of the room leave places for, and a time that is longer than the limits' own."""
    limits = RoomLimits(max_rooms=None, max_participants_per_room=8, inactive_after_s=100, reconcile_interval_s=10)
    keeper = LimitKeeper(clients, limits)
    agents = [api.RoomAgentDispatch(agent_name="nobody")]
    room = await create_optimized_room(clients, new_name("creation"), limits=keeper, agents=agents)
    assert (room.max_participants, room.empty_timeout) == (7, 125)
    small = await create_optimized_room(clients, new_name("creation"), limits=keeper, max_participants=2)
    assert small.max_participants == 2
    with pytest.raises(ValueError, match=r"max_participants: got 9, must be 1 to 8 \(max_participants_per_room\)"):
        await create_optimized_room(clients, new_name("creation"), limits=keeper, max_participants=9)
    await keeper.aclose()


async def test_the_agents_of_a_room_are_sent_for(clients: OneClient) -> None:
    """With their metadata."""
    agents = [api.RoomAgentDispatch(agent_name="nobody", metadata="for the job")]
    room = await create_optimized_room(clients, new_name("creation"), agents=agents)
    (dispatch,) = await clients.lk.agent_dispatch.list_dispatch(room.name)
    assert (dispatch.agent_name, dispatch.metadata) == ("nobody", "for the job")


async def test_a_room_that_is_there_gets_new_metadata_only(livekit: LocalLiveKit, clients: OneClient) -> None:
    """What was there stays, what is given is added, and who is inside sees it; nothing given changes nothing."""
    name = new_name("creation")
    first = await create_optimized_room(clients, name, metadata={"account": "harbour", "number": "+49301234567"})
    async with caller(livekit, name) as ada:
        changed = asyncio.Event()

        def note(_old: str, _new: str) -> None:
            changed.set()

        ada.on("room_metadata_changed", note)
        second = await create_optimized_room(clients, name, audio=SLOW, metadata={"account": "bakery"})
        async with asyncio.timeout(30):
            await changed.wait()
        assert read_audio_config(ada.metadata) == SLOW
    content = json.loads(second.metadata)
    assert (content["account"], content["number"]) == ("bakery", "+49301234567")
    assert content[KEY]["made"] == json.loads(first.metadata)[KEY]["made"]
    third = await create_optimized_room(clients, name)
    assert (third.sid, third.metadata) == (first.sid, second.metadata)


async def test_metadata_of_others_that_is_no_object_stays(clients: OneClient, caplog: pytest.LogCaptureFixture) -> None:
    """It belongs to whoever has written it, and a warning says that the sound is not in it."""
    name = new_name("creation")
    await clients.lk.room.create_room(api.CreateRoomRequest(name=name, metadata="harbour"))
    with caplog.at_level(logging.WARNING):
        room = await create_optimized_room(clients, name, audio=SLOW)
    assert room.metadata == "harbour"
    assert "stays as it is" in caplog.text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "name: got 0 bytes, must be 1 to 256"),
        ({"name": "x" * 257}, "name: got 257 bytes, must be 1 to 256"),
        ({"max_participants": 0}, "max_participants: got 0, must be 1 or more"),
        ({"empty_timeout_s": 0}, "empty_timeout_s: got 0, must be above 0"),
        ({"departure_timeout_s": float("nan")}, "departure_timeout_s: got nan, must be above 0"),
        ({"metadata": {KEY: 1}}, "metadata: got 'firstword', must be another name"),
        ({"metadata": {"a": object()}}, "metadata: must be what JSON can say"),
        ({"metadata": {"a": "x" * 17_000}}, "must be at most 16384"),
    ],
)
async def test_what_cannot_be_is_refused(clients: OneClient, wrong: dict[str, Any], words: str) -> None:
    """Before LiveKit is asked: field, value, and what is allowed."""
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        await create_optimized_room(clients, wrong.pop("name", "creation"), **wrong)


@pytest.mark.parametrize(
    "text", ["", "harbour", "[1]", "{", '{"account": "harbour"}', '{"firstword": 3}', "[" * 10_000]
)
def test_metadata_that_says_nothing_about_the_sound(text: str, caplog: pytest.LogCaptureFixture) -> None:
    """Is somebody else's: the default, without a word."""
    with caplog.at_level(logging.WARNING):
        assert read_audio_config(text, SLOW) == SLOW
        assert read_audio_config(text) == AudioConfig()
    assert caplog.text == ""


@pytest.mark.parametrize(
    "part",
    [
        {"version": 1, "audio": {"target_latency_ms": 5000}},
        {"version": 1, "audio": {"target_latency_ms": "50"}},
        {"version": 1, "audio": {"echo_cancellation": 1}},
        {"version": 1, "audio": {"nonsense": 1}},
        {"version": 1, "audio": {"target_latency_ms": 300, "jitter_buffer_ms": 100}},
        {"version": 1, "audio": [50]},
        {"version": 2, "audio": {}},
        {"audio": {}},
    ],
)
def test_broken_settings_of_the_sound_are_a_warning(part: object, caplog: pytest.LogCaptureFixture) -> None:
    """None of them is half obeyed: the default is taken whole."""
    with caplog.at_level(logging.WARNING):
        assert read_audio_config(json.dumps({KEY: part}), SLOW) == SLOW
    assert "audio settings" in caplog.text
