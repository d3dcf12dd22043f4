"""How a call names its account: whom it believes, and what it makes of nonsense."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest
from livekit import api, rtc
from livekit.protocol import agent, models

from accounts.store import Key
from accounts.who import caller_keys, keys, keys_in, overrides, overrides_of
from tests.runtime.serving import serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from livekit.agents import JobContext

    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings

LIMIT_S = 30.0


class Dispatched:
    """What a job's context has before the room is joined."""

    def __init__(self, job: str = "", room: str = "") -> None:
        self.job = agent.Job(metadata=job, room=models.Room(metadata=room))


def context(job: object = "", room: object = "") -> JobContext:
    written = [each if isinstance(each, str) else json.dumps(each) for each in (job, room)]
    return cast("JobContext", Dispatched(*written))


def test_the_job_is_believed_before_the_room() -> None:
    """And within one text the account before the number before the host."""
    job = {"host": "a.example.com", "account": "harbour", "number": "+493012345678"}
    assert keys(context(job, {"account": "station"})) == [
        Key("id", "harbour"),
        Key("phone", "+493012345678"),
        Key("host", "a.example.com"),
        Key("id", "station"),
    ]
    assert keys(context({"account": "harbour"}, {"account": "harbour"})) == [Key("id", "harbour")]
    assert keys(context(room={"host": "a.example.com"})) == [Key("host", "a.example.com")]


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ({"account": " harbour "}, Key("id", "harbour")),
        ({"account": 42}, Key("id", "42")),
        ({"account": "../etc"}, Key("id", "../etc")),
        ({"number": "+49 (30) 123-456.78"}, Key("phone", "+493012345678")),
        ({"number": "0049 30 12345678"}, Key("phone", "+493012345678")),
        ({"number": "493012345678"}, Key("phone", "+493012345678")),
        ({"number": 493012345678}, Key("phone", "+493012345678")),
        ({"number": "sip:+493012345678@trunk7.example.com"}, Key("phone", "+493012345678")),
        ({"number": "+493012345678;ext=5"}, Key("phone", "+493012345678")),
        ({"host": "Harbour.Example.com:8080"}, Key("host", "harbour.example.com")),
        ({"host": "harbour.example.com."}, Key("host", "harbour.example.com")),
        ({"host": "https://harbour.example.com/call?x=1"}, Key("host", "harbour.example.com")),
    ],
    ids=str,
)
def test_a_key_is_written_as_a_record_has_it(written: dict[str, object], key: Key) -> None:
    """However a trunk, a page or a person writes it."""
    assert keys_in(json.dumps(written)) == [key]


NONSENSE = [
    "",
    " ",
    "null",
    "harbour",
    '"harbour"',
    "[]",
    '["harbour"]',
    "{",
    "{}",
    "\x00",
    '{"account": ""}',
    '{"account": " "}',
    '{"account": null}',
    '{"account": true}',
    '{"account": 1.5}',
    '{"account": {"account": "harbour"}}',
    '{"account": ["harbour"]}',
    '{"Account": "harbour"}',
    '{"account": "a\\u0000b"}',
    '{"account": "a\\nb"}',
    '{"account": "\\ud800"}',
    '{"number": "unknown"}',
    '{"host": "/"}',
    json.dumps({"account": "x" * 257}),
    json.dumps({"account": int("9" * 300)}),
    '{"account": ' + "9" * 5000 + "}",
    '{"account": "harbour", "x": "' + "y" * 16_384 + '"}',
    '{"x": ' + "[" * 8000 + "]" * 8000 + ', "account": "harbour"}',
    "[" * 16_000,
    '{"a": ' * 2700,
]


@pytest.mark.parametrize("metadata", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_names_nobody(metadata: str) -> None:
    """And nothing in it, nor its length nor its depth, raises."""
    assert keys_in(metadata) == []
    assert overrides(metadata) == {}
    assert keys(context(metadata, metadata)) == []


def test_overrides_come_from_job_and_room() -> None:
    """For one experiment the job's; what is no text is left out."""
    room = {"variants": {"openers": "on", "speculation": "off"}}
    assert overrides_of(context({"variants": {"openers": "off"}}, room)) == {"openers": "off", "speculation": "off"}
    mixed = {"a": "on", "b": True, "c": 1, "d": None, "e": {"f": "on"}, "": "on", "g": "", "h": "x" * 65, "i": "a\nb"}
    assert overrides(json.dumps({"variants": mixed})) == {"a": "on"}
    assert overrides(json.dumps({"variants": {f"e{n}": "on" for n in range(51)}})) == {}
    for variants in ("on", ["on"], None, 3):
        assert overrides(json.dumps({"variants": variants})) == {}


async def test_metadata_is_there_before_the_room_is_joined(livekit: LocalLiveKit, make_settings: MakeSettings) -> None:
    """A real job: its dispatch's metadata and its room's are read while the room is not connected yet."""
    seen: asyncio.Queue[tuple[bool, list[Key], dict[str, str]]] = asyncio.Queue()

    async def entrypoint(context: JobContext) -> None:
        seen.put_nowait((context.room.isconnected(), keys(context), overrides_of(context)))
        context.shutdown()

    async with serving(make_settings, entrypoint, livekit=livekit) as it, asyncio.timeout(LIMIT_S), it.api() as lk:
        job = api.RoomAgentDispatch(
            agent_name=it._agent_name,  # pyright: ignore[reportPrivateUsage]  # made up by the helper for its own dispatches
            metadata=json.dumps({"number": "+493012345678", "variants": {"openers": "off"}}),
        )
        name = f"who-{uuid4().hex[:8]}"
        room = {"account": "harbour", "variants": {"openers": "on"}}
        await lk.room.create_room(api.CreateRoomRequest(name=name, metadata=json.dumps(room), agents=[job]))
        assert await seen.get() == (
            False,
            [Key("phone", "+493012345678"), Key("id", "harbour")],
            {"openers": "off"},
        )
        await it.ended.get()


async def test_attributes_count_if_somebody_else_has_written_them(livekit: LocalLiveKit) -> None:
    """Real participants, as another one in the room sees them: LiveKit's SIP service, or the token's signer."""
    name = f"who-{uuid4().hex[:8]}"
    number = {"sip.trunkPhoneNumber": "+49 30 12345678", "sip.phoneNumber": "+4915112345678"}
    named = number | {"account": "harbour", "host": "harbour.example.com"}
    async with AsyncExitStack() as rooms, asyncio.timeout(LIMIT_S):

        async def join(identity: str, kind: Any, attributes: dict[str, str], *, may_write: bool = True) -> rtc.Room:
            grants = api.VideoGrants(room_join=True, room=name, can_update_own_metadata=may_write)
            token = api.AccessToken(livekit.api_key, livekit.api_secret).with_identity(identity).with_kind(kind)
            room = rtc.Room()
            await room.connect(livekit.url, token.with_grants(grants).with_attributes(attributes).to_jwt())
            rooms.push_async_callback(cast("Callable[[], Awaitable[None]]", room.disconnect))
            return room

        page = await join("page", "standard", named)
        await page.local_participant.set_attributes({"account": "station"})
        await page.local_participant.set_metadata(json.dumps({"account": "station"}))
        signed = await join("signed", "standard", named, may_write=False)
        with suppress(TimeoutError):
            await asyncio.wait_for(signed.local_participant.set_attributes({"account": "station"}), timeout=1.0)
        await join("telephone", "sip", number)
        await join("routed", "sip", named)
        await join("ingress", "ingress", named)
        there = (await join("looking", "agent", {})).remote_participants

    assert there["page"].attributes["account"] == "station"
    assert {identity: caller_keys(participant) for identity, participant in there.items()} == {
        "page": [],
        "ingress": [],
        "signed": [Key("id", "harbour"), Key("host", "harbour.example.com")],
        "telephone": [Key("phone", "+493012345678")],
        "routed": [Key("id", "harbour"), Key("host", "harbour.example.com"), Key("phone", "+493012345678")],
    }
