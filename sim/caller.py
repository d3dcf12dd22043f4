"""A simulated caller: joins as a browser would, hears, speaks, and measures both from the waveform.

All times are seconds of `time.perf_counter()`; durations say their unit.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Self, TypeVar

from livekit import api, rtc
from livekit.rtc.participant import PublishTrackError

from sim.echo import Echo, EchoPath
from sim.microphone import Microphone, Spoken
from sim.received_audio import ReceivedAudio
from sim.waveform import Gate, Pcm, response_gap_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

T = TypeVar("T")

TRANSCRIPTION_TOPIC = "lk.transcription"
TOKEN_TTL = timedelta(hours=1)
LEAVE_LIMIT_S = 5.0
LOOK_AGAIN_S = 0.05


class CallerError(RuntimeError):
    """The caller could not do what was asked: the message names the caller and the cause."""


class CallerTimeout(CallerError, TimeoutError):
    """Something did not come in time: the message says what was waited for and what was heard so far."""


@dataclass(frozen=True)
class FirstWord:
    """`ttfw_ms`: the connect call to the first audible sample. `connect_ms`: the connect call to its return."""

    ttfw_ms: float
    connect_ms: float
    first_audible_at: float


@dataclass(frozen=True)
class Reply:
    """`gap_ms`: last spoken sample to first audible one of the reply; negative if the reply cut the caller off.

    `last_audible_at` is how far it had sounded when this was made; `await caller.quiet(...)` gives its end.
    """

    gap_ms: float
    first_audible_at: float
    last_audible_at: float


@dataclass
class ReceivedText:
    """One text stream. A stream grows while its sender writes: `final` is True once it is closed.

    A transcript is final in the sender's sense if `attributes["lk.transcription_final"]` is "true";
    `attributes["lk.segment_id"]` joins the versions of one utterance.
    """

    topic: str
    identity: str
    began_at: float
    attributes: dict[str, str]
    text: str = ""
    final: bool = False


@dataclass(frozen=True)
class ReceivedData:
    topic: str
    identity: str
    arrived_at: float
    data: bytes


@dataclass
class CallerCounts:
    """`events`: every room event by name; `underruns`: times the microphone was not fed in time.

    `echo_missed_ms`: of echo that was not heard in time to be sent.
    """

    events: Counter[str] = field(default_factory=lambda: Counter[str]())
    underruns: int = 0
    echo_missed_ms: float = 0.0


class Caller:
    """`async with Caller(url, token, name="ada") as caller:` joins, and hangs up at the end.

    The microphone (mono, `microphone_rate_hz`) sends silence from the first moment, and `background` instead if
    given; with an `echo` it also picks up what the caller's device plays. Remote audio of every participant that
    `listens_to` accepts (default: all) is kept and searched for speech. Text streams of `text_topics` and all data
    packets are kept too.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        name: str,
        microphone_rate_hz: int = 16_000,
        listening_rate_hz: int = 24_000,
        text_topics: Sequence[str] = (TRANSCRIPTION_TOPIC,),
        background: Pcm | None = None,
        echo: Echo | None = None,
        gate: Gate | None = None,
        listens_to: Callable[[rtc.RemoteParticipant], bool] | None = None,
        connect_timeout_s: float = 10.0,
    ) -> None:
        self.name = name
        self.url = url
        self.room = rtc.Room()
        self.connect_called_at: float | None = None
        self.connected_at: float | None = None
        self.microphone_published_at: float | None = None
        self.disconnect_reason: str | None = None
        self.texts: list[ReceivedText] = []
        self.data: list[ReceivedData] = []
        self._token = token
        self._listening_rate_hz = listening_rate_hz
        self._text_topics = text_topics
        self._gate = gate
        self._listens_to = listens_to
        self._connect_timeout_s = connect_timeout_s
        self._microphone_rate_hz = microphone_rate_hz
        self._background = background
        self._echo = echo
        self._microphone: Microphone | None = None
        self._tracks: list[ReceivedAudio] = []
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._events: Counter[str] = Counter()
        self._news = asyncio.Event()
        self._joining: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._left: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"<Caller {self.name} {'live' if self.room.isconnected() else 'not connected'}>"

    @property
    def counts(self) -> CallerCounts:
        if self._microphone is None:
            return CallerCounts(Counter(self._events))
        missed = sum(echo.missed_samples for echo in self._microphone.echoes)
        missed_ms = missed * 1000 / self._microphone_rate_hz
        return CallerCounts(Counter(self._events), self._microphone.underruns, missed_ms)

    async def __aenter__(self) -> Self:
        try:
            await self.connect()
        except BaseException:
            await self.hang_up()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hang_up()

    async def connect(self) -> None:
        """Joins and publishes the microphone. Raises `CallerError` when the server refuses or is not there."""
        if self.connect_called_at is not None:
            raise CallerError(f"{self.name}: connect was already called; make a new caller for a new call")
        # The source starts the native runtime, so that its start-up is not a part of the time to first word.
        self._microphone = Microphone(
            self._microphone_rate_hz, background=self._background, prompt=self._echo is not None
        )
        self._own(self._microphone.run(), "microphone")
        await self._microphone.steady()
        self._listen_to_room()
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._microphone.source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        self.connect_called_at = time.perf_counter()
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                # Cancelled in the middle, the native side would join all the same and nobody would leave.
                self._joining = asyncio.create_task(self.room.connect(self.url, self._token))
                await asyncio.shield(self._joining)
                self.connected_at = time.perf_counter()
                await self.room.local_participant.publish_track(track, options)
        except (rtc.ConnectError, PublishTrackError) as error:
            # The server's refusal quotes the token; so does the cause, which is left out for it.
            reason = str(error).replace(self._token, "<token>")
            raise CallerError(f"{self.name}: cannot join at {self.url}: {reason}") from None
        except TimeoutError as error:
            raise CallerTimeout(f"{self.name}: not joined at {self.url} after {self._connect_timeout_s:g} s") from error
        self.microphone_published_at = time.perf_counter()

    async def listening(self, timeout_s: float) -> None:
        """Waits until audio of the other side comes in, be it silence: what it says from now on is heard."""
        self._joined()
        await self._until(
            lambda: next((track for track in self._tracks if track.heard_until is not None), None),
            "any audio of the other side",
            timeout_s,
        )

    async def first_word(self, timeout_s: float) -> FirstWord:
        """Waits for the first audible sample since the call to connect."""
        called_at, connected_at = self._joined()
        first = await self._until(lambda: self._onset(called_at, 0.0), "the first word", timeout_s)
        return FirstWord(
            ttfw_ms=(first - called_at) * 1000,
            connect_ms=(connected_at - called_at) * 1000,
            first_audible_at=first,
        )

    async def say(self, pcm: Pcm, sample_rate_hz: int) -> Spoken:
        """Speaks mono int16 audio; returns when its last sample has left. ValueError if it is silent."""
        self._joined()
        assert self._microphone is not None
        return await self._microphone.say(pcm, sample_rate_hz)

    async def reply(
        self, *, after: Spoken, timeout_s: float, since: float | None = None, pause_ms: float = 200.0
    ) -> Reply:
        """Waits for the reply to what was said: the first onset since `since` that follows a pause.

        `since` is the first sample of `after` unless given, so that a reply which cuts the caller off is found
        too. When the caller interrupts, the old speech is still heard for a while: give
        `since=after.last_audible_sample_at` then. An onset within `pause_ms` of earlier sound of the same track
        is taken for the same speech going on.
        """
        begin = after.first_sample_at if since is None else since
        first = await self._until(
            lambda: self._onset(begin, pause_ms / 1000), f"a reply since {self._ago(begin)}", timeout_s
        )
        last = max((at for at in (track.last_audible_at for track in self._tracks) if at), default=first)
        return Reply(
            gap_ms=response_gap_ms(after.last_audible_sample_at, first),
            first_audible_at=first,
            last_audible_at=last,
        )

    async def quiet(self, ms: float, *, timeout_s: float = 60.0) -> float:
        """Waits until nothing has been audible for `ms`; returns when the last sound ended.

        Without any sound yet the time counts from the connect call.
        """
        called_at, _ = self._joined()

        def ended_at() -> float | None:
            if any(track.sounding for track in self._tracks):
                return None
            last = max((at for at in (track.last_audible_at for track in self._tracks) if at), default=called_at)
            # Judged by what has been received: audio that is late is not silence.
            heard = [track.heard_until for track in self._tracks if not track.finished]
            until = min((at for at in heard if at), default=time.perf_counter())
            return last if until - last >= ms / 1000 else None

        return await self._until(ended_at, f"{ms:g} ms of quiet", timeout_s)

    async def text(
        self, matches: Callable[[ReceivedText], bool], *, timeout_s: float, what: str = "a text"
    ) -> ReceivedText:
        """Waits for a text stream that `matches` accepts; streams are looked at again as they grow."""
        return await self._until(lambda: next(filter(matches, self.texts), None), what, timeout_s)

    async def packet(
        self, matches: Callable[[ReceivedData], bool], *, timeout_s: float, what: str = "a data packet"
    ) -> ReceivedData:
        """Waits for a data packet that `matches` accepts."""
        return await self._until(lambda: next(filter(matches, self.data), None), what, timeout_s)

    async def disconnected(self, timeout_s: float) -> str:
        """Waits until the other side ended the call; returns the reason's name."""
        return await self._until(lambda: self.disconnect_reason, "the end of the call", timeout_s)

    def heard(self) -> list[ReceivedAudio]:
        """All received audio, a track each, in order of subscription."""
        return list(self._tracks)

    async def hang_up(self) -> None:
        """Leaves the room and ends every task. Any number of times; raises what a task of the caller died of."""
        if self._left is not None:
            await asyncio.shield(self._left)
            return
        self._left = asyncio.get_running_loop().create_future()
        try:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._joining is not None:
                await asyncio.wait([self._joining], timeout=LEAVE_LIMIT_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_LIMIT_S):
                    await self.room.disconnect()
        finally:
            self._left.set_result(None)
        if self._failure is not None:
            raise CallerError(f"{self.name}: {self._failure!r}") from self._failure

    def _joined(self) -> tuple[float, float]:
        if self.connect_called_at is None or self.connected_at is None:
            raise CallerError(f"{self.name}: not connected")
        return self.connect_called_at, self.connected_at

    def _onset(self, since: float, pause_s: float) -> float | None:
        onsets = [
            onset
            for track in self._tracks
            if (onset := track.onset(since, pause_s)) is not None and track.is_settled(onset)
        ]
        return min(onsets, default=None)

    async def _until(self, found: Callable[[], T | None], what: str, timeout_s: float) -> T:
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    if self._failure is not None:
                        raise CallerError(f"{self.name}: {self._failure!r}") from self._failure
                    value = found()
                    if value is not None:
                        return value
                    # Settling and silence come with time alone, so it is looked at again without news too.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_AGAIN_S):
                            await self._news.wait()
                    self._news.clear()
        except TimeoutError as error:
            raise CallerTimeout(f"{self.name}: waited {timeout_s:g} s for {what}; {self._so_far()}") from error

    def _so_far(self) -> str:
        state = f"disconnected ({self.disconnect_reason})" if self.disconnect_reason else "connected"
        if not self._tracks:
            return f"{state}, no audio track so far"
        tracks: list[str] = []
        for track in self._tracks:
            spans = ", ".join(
                f"{self._since_call(begin)}-{'now' if end is None else self._since_call(end)}"
                for begin, end in track.spans()
            )
            tracks.append(f"heard from {track.identity}: {spans or 'silence'}")
        words = " | ".join(f"{text.identity}: {text.text!r}" for text in self.texts[-3:])
        return f"{state}; {'; '.join(tracks)} (s since connect); last texts: {words or 'none'}"

    def _since_call(self, at: float) -> str:
        return f"{at - (self.connect_called_at or 0.0):.2f}"

    def _ago(self, at: float) -> str:
        return f"{self._since_call(at)} s after connect"

    def _own(self, work: Coroutine[None, None, None], what: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"{self.name}: {what}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None and self._failure is None:
            self._failure = task.exception()
        self._news.set()

    def _echo_path(self) -> EchoPath | None:
        if self._echo is None or self._microphone is None:
            return None
        path = EchoPath(self._echo, self._microphone_rate_hz)
        self._microphone.echoes.append(path)
        return path

    def _listen_to_room(self) -> None:
        room = self.room

        def on_track(track: rtc.Track, _: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
            # Hanging up while still joining, the first tracks come when nobody listens any more.
            wanted = self._left is None and (self._listens_to is None or self._listens_to(participant))
            if track.kind == rtc.TrackKind.KIND_AUDIO and wanted:
                received = ReceivedAudio(participant.identity, self._listening_rate_hz, self._gate, self._echo_path())
                self._tracks.append(received)
                self._readers[track.sid] = self._own(
                    received.read(track, self._news.set), f"audio of {participant.identity}"
                )

        def on_track_gone(track: rtc.Track, *_: object) -> None:
            reader = self._readers.pop(track.sid, None)
            if reader is not None:
                reader.cancel()

        def on_data(packet: rtc.DataPacket) -> None:
            identity = packet.participant.identity if packet.participant else ""
            self.data.append(ReceivedData(packet.topic or "", identity, time.perf_counter(), packet.data))

        def on_disconnected(reason: rtc.DisconnectReason.ValueType) -> None:
            self.disconnect_reason = rtc.DisconnectReason.Name(reason)

        room.on("track_subscribed", on_track)
        room.on("track_unsubscribed", on_track_gone)
        room.on("data_received", on_data)
        room.on("disconnected", on_disconnected)
        for name in COUNTED_EVENTS:
            room.on(name, self._counter(name))
        for topic in self._text_topics:
            room.register_text_stream_handler(topic, lambda reader, identity: self._on_text(reader, identity))

    def _counter(self, name: str) -> Callable[..., None]:
        def count(*_: object) -> None:
            self._events[name] += 1
            self._news.set()

        return count

    def _on_text(self, reader: rtc.TextStreamReader, identity: str) -> None:
        if self._left is not None:
            reader.close()
            return
        info = reader.info
        text = ReceivedText(info.topic, identity, time.perf_counter(), dict(info.attributes or {}))
        self.texts.append(text)
        self._own(self._read_text(reader, text), f"text of {identity}")

    async def _read_text(self, reader: rtc.TextStreamReader, text: ReceivedText) -> None:
        try:
            async for part in reader:
                text.text += part
                self._news.set()
        except rtc.StreamError:
            return  # the sender left in the middle: what came stays, not final
        finally:
            reader.close()
        text.attributes.update(reader.info.attributes or {})
        text.final = True


COUNTED_EVENTS: tuple[rtc.room.EventTypes, ...] = (
    "participant_connected",
    "participant_disconnected",
    "track_published",
    "track_subscribed",
    "track_unsubscribed",
    "data_received",
    "reconnecting",
    "reconnected",
    "disconnected",
)


def mint_caller_token(api_key: str, api_secret: str, room: str, identity: str) -> str:
    """A token that may join `room`, publish, subscribe and send data, for an hour."""
    grants = api.VideoGrants(room_join=True, room=room, can_publish=True, can_subscribe=True, can_publish_data=True)
    token = api.AccessToken(api_key, api_secret).with_identity(identity).with_name(identity)
    return token.with_ttl(TOKEN_TTL).with_grants(grants).to_jwt()
