"""The lines that a caller without the SDK reads: one a segment, growing, closed once."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio
from livekit.agents import UserInputTranscribedEvent

from observe.data_packets import WHIP
from observe.packet_words import PacketWords
from rooms.entrance import TRANSPORT
from rooms.tokens import ApiKey, caller_token
from sim.caller import Caller
from tests.observe.test_data_packets import House, Person
from tests.observe.test_room_feed import active, agent_room

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from livekit import rtc
    from livekit.agents import AgentSession

    from sim.livekit_server import LocalLiveKit


class Session:
    """Stands for the session's events and for the transcript, which both take listeners."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[Any], None]] = {}
        self.listeners: list[PacketWords] = []

    def on(self, name: str, handler: Callable[[Any], None]) -> None:
        self.handlers[name] = handler

    def tell(self, listener: PacketWords) -> None:
        self.listeners.append(listener)
        listener.add_text("Hello")

    def heard(self, text: str, *, final: bool = False) -> None:
        self.handlers["user_input_transcribed"](UserInputTranscribedEvent(transcript=text, is_final=final))


class Words(House):
    """A call's words, and where they come from."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session()
        self.words = PacketWords(cast("rtc.Room", self.room), self._start)
        self.packets = self.words.packets
        self.packets.begin()

    def attach(self) -> None:
        self.words.attach(cast("AgentSession[Any]", self.session), self.session)

    def came(self, person: Person) -> None:
        self.words.joined(cast("rtc.RemoteParticipant", person))
        if self.packets.wanted:
            self.room.says(person)

    async def lines(self, count: int) -> list[tuple[str, str, bool]]:
        await self.room.until_sent(count)
        return [(message["who"], message["text"], message["final"]) for _, message in self.room.sent]


@pytest_asyncio.fixture
async def call(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Words]:
    monkeypatch.setattr("observe.data_packets.PAUSE_S", 0.0)
    words = Words()
    yield words
    for task in words.tasks:
        task.cancel()
    await asyncio.gather(*words.tasks, return_exceptions=True)


@pytest.mark.parametrize("first", ["session", "caller"])
async def test_it_listens_once_both_are_there(call: Words, first: str) -> None:
    """Whoever comes first, the session or a caller without the SDK; an ordinary caller is no reason to listen."""
    call.came(Person("bob", {}))
    if first == "session":
        call.attach()
        assert call.session.handlers == {}
        call.came(Person("ada"))
    else:
        call.came(Person("ada"))
        call.attach()
    call.came(Person("eve"))
    assert list(call.session.handlers) == ["user_input_transcribed"]
    assert call.session.listeners == [call.words]
    assert set(await call.lines(2)) == {("agent", "Hello", False)}


async def test_a_line_has_one_segment_until_it_is_complete(call: Words) -> None:
    """Interim, then final; the next words are another line's, and the two speakers' lines do not mix."""
    call.came(Person("ada"))
    call.attach()
    told = await call.lines(1)
    call.words.add_text(", world.")
    told = await call.lines(2)
    call.session.heard("when do")
    told = await call.lines(3)
    call.words.end_text()
    told = await call.lines(4)
    call.session.heard("When do you open?", final=True)
    told = await call.lines(5)
    call.session.heard("thanks")
    call.words.add_text("At five.")
    told = await call.lines(7)
    assert told == [
        ("agent", "Hello", False),
        ("agent", "Hello, world.", False),
        ("caller", "when do", False),
        ("agent", "Hello, world.", True),
        ("caller", "When do you open?", True),
        ("caller", "thanks", False),
        ("agent", "At five.", False),
    ]
    segments = [message["segment"] for _, message in call.room.sent]
    agent, caller = segments[0], segments[2]
    assert segments[:5] == [agent, agent, caller, agent, caller]
    assert len({*segments}) == 4


async def test_nothing_said_is_no_line(call: Words) -> None:
    """An empty text neither opens a line nor empties one: as the final word it says that the line is complete."""
    call.came(Person("ada"))
    call.attach()
    await call.lines(1)
    call.session.heard("")
    call.session.heard("", final=True)
    call.session.heard("yes")
    await call.lines(2)
    call.session.heard("", final=True)
    assert (await call.lines(3))[1:] == [("caller", "yes", False), ("caller", "yes", True)]


async def test_one_who_comes_late_or_again_reads_what_was_said(call: Words, livekit: LocalLiveKit) -> None:
    """Over a real server, under the same identity each time: each reads each line once."""
    name = f"words-{uuid.uuid4().hex[:8]}"
    key = ApiKey(livekit.api_key, livekit.api_secret)
    token = caller_token(key, room=name, identity="ada", attributes={TRANSPORT: WHIP})
    async with agent_room(livekit, name) as room:
        words = PacketWords(room, call._start)  # pyright: ignore[reportPrivateUsage]  # the fixture ends the tasks
        room.on("participant_connected", words.joined)
        words.attach(cast("AgentSession[Any]", call.session), call.session)
        words.packets.begin()
        for times in (1, 2):
            async with Caller(livekit.url, token, name="ada", connect_timeout_s=30) as caller:
                await active(room)
                words.end_text()
                await caller.room.local_participant.publish_data(b"{}")
                await caller.packet(lambda data: b'"final": true' in data.data, timeout_s=20)
            assert [json.loads(data.data)["text"] for data in caller.data] == ["Hello"], times
            async with asyncio.timeout(20):
                while room.remote_participants:
                    await asyncio.sleep(0.01)
