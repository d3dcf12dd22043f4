"""A caller in a LiveKit room: plays files as its microphone, hears the other side, and dates both."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Self, TypeVar

from livekit import rtc
from livekit.rtc.participant import PublishTrackError

from examples.simple_test_client.audio_utils import Played, play_wav
from examples.simple_test_client.transcript import Transcript
from sim.received_audio import ReceivedAudio

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

T = TypeVar("T")

MICROPHONE_HZ = 48_000
LISTENING_HZ = 24_000
QUEUE_MS = 200
JOIN_LIMIT_S = 10.0
LEAVE_LIMIT_S = 5.0
LOOK_AGAIN_S = 0.05
PAUSE_S = 0.2
"""Sound after less silence than this is the same speech going on."""


class ClientError(RuntimeError):
    """The call could not go on: the message says what was waited for, or why the room was not joined."""


class Client:
    """`async with Client(url, token) as client:` joins with a silent microphone, and hangs up at the end.

    Times are seconds of `time.perf_counter()`.
    """

    def __init__(self, url: str, token: str) -> None:
        self.room = rtc.Room()
        self.called_at = 0.0
        self.joined_at = 0.0
        self.heard: list[ReceivedAudio] = []
        self._url = url
        self._token = token
        self._source = rtc.AudioSource(MICROPHONE_HZ, 1, queue_size_ms=QUEUE_MS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._news = asyncio.Event()
        self._gone: str | None = None
        self.transcript = Transcript(self.room, self._start)
        self.room.on("track_subscribed", self._on_track)
        self.room.on("track_unsubscribed", self._on_track_gone)
        self.room.on("disconnected", self._on_disconnected)

    async def __aenter__(self) -> Self:
        try:
            await self._join()
        except BaseException:
            await self.hang_up()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hang_up()

    async def first_word(self, timeout_s: float) -> float | None:
        """When the first audible sample came; None if there was none in time."""
        return await self._until(lambda: self._onset(self.called_at, 0.0), timeout_s)

    async def play(self, file: Path) -> Played:
        """Say what is in the file. Raises AudioFileError."""
        return await play_wav(self._source, file)

    async def reply(self, to: Played, timeout_s: float) -> float | None:
        """When the answer began; None if none came in time. A file that is silent gets none.

        It is the first sound behind the last audible sample, or the one that goes on over it: then the caller was
        cut off, and the gap is negative.
        """
        if to.first_audible_at is None or to.last_audible_at is None:
            return None
        begun_at, spoken_at = to.first_audible_at, to.last_audible_at

        def found() -> float | None:
            over = self._sounding_at(spoken_at, since=begun_at)
            return self._onset(spoken_at, PAUSE_S) if over is None else over

        return await self._until(found, timeout_s)

    async def quiet(self, quiet_s: float, timeout_s: float) -> bool:
        """Wait until nothing has been audible for so long; False if it does not come to that."""

        def rested() -> bool | None:
            if any(track.sounding for track in self.heard):
                return None
            last = max((track.last_audible_at or 0.0 for track in self.heard), default=0.0)
            # Judged by what has come in: sound that is late is not silence.
            until = min(
                (track.heard_until or 0.0 for track in self.heard if not track.finished), default=last + quiet_s
            )
            return True if until - last >= quiet_s else None

        return bool(await self._until(rested, timeout_s))

    async def hang_up(self) -> None:
        """Leave and end every task. Any number of times."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_LIMIT_S):
                await self.room.disconnect()
        await self._source.aclose()

    async def _join(self) -> None:
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        self.called_at = time.perf_counter()
        try:
            async with asyncio.timeout(JOIN_LIMIT_S):
                await self.room.connect(self._url, self._token)
                self.joined_at = time.perf_counter()
                await self.room.local_participant.publish_track(track, options)
        except (rtc.ConnectError, PublishTrackError) as error:
            # A server that refuses quotes the token; so does the cause.
            reason = str(error).replace(self._token, "<token>")
            raise ClientError(f"cannot join at {self._url}: {reason}") from None
        except TimeoutError:
            raise ClientError(f"cannot join at {self._url}: no answer in {JOIN_LIMIT_S:g} s") from None

    async def _until(self, found: Callable[[], T | None], timeout_s: float) -> T | None:
        deadline = time.perf_counter() + timeout_s
        while True:
            value = found()
            if value is not None:
                return value
            if self._gone is not None:
                raise ClientError(f"the call ended: {self._gone}")
            if time.perf_counter() >= deadline:
                return None
            # Silence gives no news, so it is looked at again without any.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await self._news.wait()
            self._news.clear()

    def _onset(self, since: float, pause_s: float) -> float | None:
        onsets = [
            onset
            for track in self.heard
            if (onset := track.onset(since, pause_s)) is not None and track.is_settled(onset)
        ]
        return min(onsets, default=None)

    def _sounding_at(self, at: float, *, since: float) -> float | None:
        """When the sound that is heard at this moment began, if it was not before `since`."""
        for track in self.heard:
            for begin, end in track.spans():
                if since <= begin < at and (end is None or end > at) and track.is_settled(begin):
                    return begin
        return None

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name="part of a call")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _on_track(self, track: rtc.Track, _: object, participant: rtc.RemoteParticipant) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            received = ReceivedAudio(participant.identity, LISTENING_HZ)
            self.heard.append(received)
            self._readers[track.sid] = self._start(received.read(track, self._news.set))

    def _on_track_gone(self, track: rtc.Track, *_: object) -> None:
        if (reader := self._readers.pop(track.sid, None)) is not None:
            reader.cancel()

    def _on_disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self._gone = rtc.DisconnectReason.Name(reason)
        self._news.set()
