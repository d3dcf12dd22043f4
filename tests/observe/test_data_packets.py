"""Packets for callers without the SDK: who gets them, when, and how many."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio
from livekit import rtc
from livekit.rtc.participant import PublishDataError

from observe import data_packets
from observe.data_packets import MAX_BYTES, MAX_KEPT, TRANSPORT_ATTRIBUTE, DataPackets, packed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

WHIP = {TRANSPORT_ATTRIBUTE: "whip"}


@dataclass
class Person:
    """Somebody in the room, as the SDK tells of them."""

    sid: str
    attributes: dict[str, str] = field(default_factory=lambda: dict(WHIP))
    state: int = rtc.ParticipantState.PARTICIPANT_STATE_JOINED

    @property
    def identity(self) -> str:
        return f"identity of {self.sid}"


class Room:
    """Stands for the SDK's room: its events, and the sending of packets, which `hold` keeps waiting."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[Any], None]] = {}
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.failure: Exception | None = None
        self.ready = asyncio.Event()
        self.ready.set()
        self.local_participant = self

    def on(self, name: str, handler: Callable[[Any], None]) -> None:
        assert name not in self.handlers
        self.handlers[name] = handler

    def isconnected(self) -> bool:
        return True

    async def publish_data(self, payload: bytes, *, destination_identities: list[str], topic: str) -> None:
        (identity,) = destination_identities
        message = json.loads(payload)
        assert message["topic"] == topic
        if self.failure is not None:
            raise self.failure
        self.sent.append((identity.removeprefix("identity of "), message))
        await self.ready.wait()

    def says(self, person: Person) -> None:
        packet = rtc.DataPacket(b"{}", rtc.DataPacketKind.KIND_RELIABLE, cast("rtc.RemoteParticipant", person))
        self.handlers["data_received"](packet)

    async def until_sent(self, count: int) -> list[tuple[str, object]]:
        async with asyncio.timeout(10):
            while len(self.sent) < count:
                await asyncio.sleep(0.005)
        return [(to, message["text"]) for to, message in self.sent]


class House:
    """A room and its packets."""

    def __init__(self) -> None:
        self.room = Room()
        self.tasks: list[asyncio.Task[None]] = []
        self.packets = DataPackets(cast("rtc.Room", self.room), self._start)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.create_task(work))

    def joined(self, person: Person, *, says: bool = True) -> None:
        self.packets.joined(cast("rtc.RemoteParticipant", person))
        if says:
            self.room.says(person)

    def put(self, key: str, text: str, *, keep: bool = True) -> None:
        self.packets.put(key, {"topic": "words", "text": text}, keep=keep)


@pytest_asyncio.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(data_packets, "PAUSE_S", 0.01)
    house = House()
    yield house
    for task in house.tasks:
        task.cancel()
    await asyncio.gather(*house.tasks, return_exceptions=True)


@pytest.mark.parametrize("attributes", [{}, {TRANSPORT_ATTRIBUTE: "livekit"}, {"other": "whip"}])
async def test_without_such_a_caller_nothing_runs(house: House, attributes: dict[str, str]) -> None:
    """No handler, no task, nothing kept: a call among others costs nothing."""
    house.packets.begin()
    house.joined(Person("ada", attributes), says=False)
    house.put("1", "unread")
    assert (house.packets.wanted, house.room.handlers, house.tasks) == (False, {}, [])
    house.joined(Person("bob"))
    house.put("2", "read")
    assert await house.room.until_sent(1) == [("bob", "read")]


async def test_nothing_leaves_before_the_beginning(house: House) -> None:
    """What was put before it comes then, in its order."""
    house.joined(Person("ada"))
    house.put("1", "one")
    house.put("2", "two")
    for _ in range(5):
        await asyncio.sleep(0)
    assert house.room.sent == []
    house.packets.begin()
    assert await house.room.until_sent(2) == [("ada", "one"), ("ada", "two")]


async def test_of_a_line_that_grows_only_the_newest_is_sent(house: House) -> None:
    """While one packet is on its way, twenty texts of a key become one; its place in the order is its first one's."""
    house.joined(Person("ada"))
    house.packets.begin()
    house.room.ready.clear()
    house.put("1", "a")
    await house.room.until_sent(1)
    for length in range(2, 22):
        house.put("1", "a" * length)
        house.put("2", "b" * length)
    house.room.ready.set()
    assert await house.room.until_sent(3) == [("ada", "a"), ("ada", "a" * 21), ("ada", "b" * 21)]


async def test_one_whose_channel_is_not_open_yet_loses_nothing(house: House) -> None:
    """All waits until their page says something, and is then sent once."""
    late = Person("late")
    house.packets.begin()
    house.joined(Person("ada"))
    house.joined(late, says=False)
    house.put("1", "one")
    assert await house.room.until_sent(1) == [("ada", "one")]
    house.put("2", "two")
    assert await house.room.until_sent(2) == [("ada", "one"), ("ada", "two")]
    house.room.says(late)
    house.room.says(late)
    house.put("3", "three")
    told = await house.room.until_sent(6)
    assert [text for to, text in told if to == "late"] == ["one", "two", "three"]
    assert len(told) == 6


@pytest.mark.parametrize("already", [True, False], ids=["already active", "then active"])
async def test_a_page_that_says_nothing_is_sent_it_all_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch, already: bool
) -> None:
    """Some time after the caller can receive."""
    monkeypatch.setattr(data_packets, "SILENT_S", 0.05)
    silent = Person("silent")
    if already:
        silent.state = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
    house.packets.begin()
    house.joined(silent, says=False)
    house.put("1", "one")
    if not already:
        house.room.handlers["participant_active"](silent)
    assert house.room.sent == []
    assert await house.room.until_sent(1) == [("silent", "one")]


async def test_one_who_comes_again_is_sent_what_is_kept(house: House) -> None:
    """The newest of each key, not what was put to be told once; one who has left is sent nothing more."""
    house.packets.begin()
    ada = Person("ada")
    house.joined(ada)
    house.put("1", "one")
    house.put("once", "timing", keep=False)
    await house.room.until_sent(2)
    house.room.handlers["participant_disconnected"](ada)
    house.put("1", "one more")
    house.joined(Person("ada again"))
    house.joined(Person("ada again"))  # told twice of them
    assert (await house.room.until_sent(3))[2:] == [("ada again", "one more")]


async def test_what_is_kept_is_bounded(house: House) -> None:
    """The oldest messages go first."""
    house.packets.begin()
    house.joined(Person("ada"), says=False)
    for number in range(MAX_KEPT + 5):
        house.put(f"{number}", f"line {number}")
    house.joined(Person("late"))
    told = await house.room.until_sent(MAX_KEPT)
    assert told == [("late", f"line {number}") for number in range(5, MAX_KEPT + 5)]


async def test_a_packet_that_fails_takes_nothing_with_it(house: House) -> None:
    """The room is reconnecting: the next packets go again."""
    house.packets.begin()
    house.joined(Person("ada"))
    house.room.failure = PublishDataError("engine: closed")
    house.put("1", "lost")
    async with asyncio.timeout(10):
        while house.packets._readers["ada"].owed:  # pyright: ignore[reportPrivateUsage]  # no other trace of it
            await asyncio.sleep(0.005)
    house.room.failure = None
    house.put("2", "told")
    assert await house.room.until_sent(1) == [("ada", "told")]


@pytest.mark.parametrize("letter", ["a", "ت", '"', "\x01", "😀"], ids=ascii)
def test_a_long_text_is_cut_to_a_packet(letter: str) -> None:
    """However it is written in JSON it fits, says that it was cut, and is not much shorter than it could be."""
    payload = packed({"topic": "words", "text": letter * 20_000, "final": True})
    assert payload is not None
    assert MAX_BYTES * 0.9 < len(payload) <= MAX_BYTES
    text = json.loads(payload)["text"]
    assert set(text) == {letter, "…"}
    assert text.endswith("…")
    assert json.loads(packed({"topic": "words", "text": letter * 1000}) or b"")["text"] == letter * 1000


def test_what_cannot_be_cut_is_not_sent() -> None:
    """A timeline that is cut would be no JSON."""
    assert packed({"topic": "timeline", "message": "x" * MAX_BYTES}) is None
