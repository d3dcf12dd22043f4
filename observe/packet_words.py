"""The words of a call for callers without the SDK, in the lines in which others read them on `lk.transcription`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from livekit.agents.utils import shortuuid

from observe.data_packets import DataPackets

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from livekit import rtc
    from livekit.agents import AgentSession, UserInputTranscribedEvent

TOPIC = "lk.transcription"


class Shown(Protocol):
    """Where the agent's words pass on their way to the screen."""

    def tell(self, listener: PacketWords) -> None:
        """Tell `listener` each part of a segment, and its end; of one that is under way all of it."""
        ...


class PacketWords:
    """Sends who said what, as far as it is known; in a call without such a caller it listens to nothing.

    A packet is `{"topic": "lk.transcription", "segment", "who": "caller" | "agent", "text", "final"}` with all of the
    segment's text so far. `packets` takes other messages to the same callers.
    """

    def __init__(self, room: rtc.Room, start: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        self.packets = DataPackets(room, start)
        self._sources: tuple[AgentSession[Any], Shown] | None = None
        self._caller = _Line("caller", self.packets)
        self._agent = _Line("agent", self.packets)

    def attach(self, session: AgentSession[Any], shown: Shown) -> None:
        """Say where the words come from; once, before the first of them."""
        self._sources = session, shown
        self._listen()

    def joined(self, participant: rtc.RemoteParticipant) -> None:
        """Called for everybody who is in the room or comes."""
        self.packets.joined(participant)
        self._listen()

    def add_text(self, text: str) -> None:
        """The agent says this next."""
        self._agent.show(self._agent.text + text)

    def end_text(self) -> None:
        """The agent's line is complete."""
        self._agent.end()

    def _listen(self) -> None:
        if self._sources is not None and self.packets.wanted:
            (session, shown), self._sources = self._sources, None
            session.on("user_input_transcribed", self._on_caller)
            shown.tell(self)

    def _on_caller(self, event: UserInputTranscribedEvent) -> None:
        self._caller.show(event.transcript)
        if event.is_final:
            self._caller.end()


class _Line:
    """What one of the two says, a segment at a time."""

    def __init__(self, who: Literal["caller", "agent"], packets: DataPackets) -> None:
        self._who = who
        self._packets = packets
        self._segment = ""
        self.text = ""

    def show(self, text: str) -> None:
        """All of the segment's text so far; an empty one says nothing new."""
        if text:
            self._segment = self._segment or shortuuid("SG_")
            self.text = text
            self._put(final=False)

    def end(self) -> None:
        if self._segment:
            self._put(final=True)
        self._segment = self.text = ""

    def _put(self, *, final: bool) -> None:
        line = {"topic": TOPIC, "segment": self._segment, "who": self._who, "text": self.text, "final": final}
        self._packets.put(self._segment, line)
