"""An agent for the page to talk with: it publishes audio, says two things, and tells its timelines."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from livekit.protocol.agent import JobAssignment

RATE_HZ = 48_000
START = {
    "v": 1,
    "kind": "start",
    "t0": "dispatch",
    "spans": [
        {"name": "room", "begin_ms": 0.0, "end_ms": 48.2, "failed": None},
        {"name": "account", "begin_ms": 0.4, "end_ms": 12.9, "failed": "no account for this caller: the default one"},
        {"name": "components", "begin_ms": 0.5, "end_ms": 3.1, "failed": None},
        {"name": "greeting", "begin_ms": 0.6, "end_ms": 6.8, "failed": None},
        {"name": "session_start", "begin_ms": 49.0, "end_ms": 63.5, "failed": None},
    ],
    "marks": [{"name": "caller_subscribed", "at_ms": 101.3}, {"name": "first_audible_sample", "at_ms": 120.4}],
}


def turn(n: int, gap_ms: float) -> dict[str, object]:
    """The timeline of a turn whose reply came after gap_ms."""
    return {
        "v": 1,
        "kind": "turn",
        "n": n,
        "spans": [
            {"name": "end_of_turn", "begin_ms": 0.0, "end_ms": 212.0, "failed": None},
            {"name": "llm_first_token", "begin_ms": 180.0, "end_ms": gap_ms - 190, "failed": None},
            {"name": "tts_first_byte", "begin_ms": gap_ms - 185, "end_ms": gap_ms - 20, "failed": None},
        ],
        "marks": [{"name": "first_sample_out", "at_ms": gap_ms}],
        "gap_ms": gap_ms,
    }


def talking_agent(url: str) -> Callable[[JobAssignment], Awaitable[None]]:
    """What a worker does with a job: join, greet the caller once they listen, and have one turn with them."""

    async def call(assignment: JobAssignment) -> None:
        room = rtc.Room()
        connected = asyncio.ensure_future(room.connect(url, assignment.token))
        try:
            await asyncio.shield(connected)
            await _talk(room)
        finally:
            # A connect that is cancelled half-way leaves a room behind in the media library.
            await asyncio.gather(connected, return_exceptions=True)
            await room.disconnect()

    return call


async def _talk(room: rtc.Room) -> None:
    gone = asyncio.Event()
    subscribed = asyncio.Event()
    came = asyncio.Event()
    room.on("participant_connected", lambda _: came.set())  # pyright: ignore[reportUnknownLambdaType] - untyped emitter
    room.on("participant_disconnected", lambda _: gone.set())  # pyright: ignore[reportUnknownLambdaType] - untyped emitter
    room.on("local_track_subscribed", lambda _: subscribed.set())  # pyright: ignore[reportUnknownLambdaType] - as above
    source = rtc.AudioSource(RATE_HZ, 1)
    track = rtc.LocalAudioTrack.create_audio_track("agent", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(track, options)
    # Either may be told first.
    await subscribed.wait()
    if not room.remote_participants:
        await came.wait()
    caller = next(iter(room.remote_participants))
    await _say(source, 0.6)
    await _agent_line(room, "SG_greeting", ["Hello, ", "this is the agent. ", "What can I do for you?"])
    await _send(room, START)
    for text, final in (("When do", False), ("When do you open", False), ("When do you open on Friday?", True)):
        await _caller_line(room, caller, "SG_question", text, final=final)
    await _say(source, 0.6)
    await _agent_line(room, "SG_answer", ["We open at nine ", "on Friday ", "and close at six."])
    await _send(room, turn(1, 812.3))
    await _caller_line(room, caller, "SG_arabic", "شكرا جزيلا", final=True)
    await _agent_line(room, "SG_bye", ["With pleasure. ", "Anything else?"])
    await _send(room, turn(2, 704.9))
    await gone.wait()


async def _say(source: rtc.AudioSource, seconds: float) -> None:
    times = np.arange(int(RATE_HZ * seconds)) / RATE_HZ
    tone = np.sin(2 * np.pi * 220 * times) * (0.3 + 0.2 * np.sin(2 * np.pi * 4 * times))
    samples = (tone * 32767).astype(np.int16)
    step = RATE_HZ // 100
    for begin in range(0, len(samples), step):
        part = samples[begin : begin + step]
        await source.capture_frame(rtc.AudioFrame(part.tobytes(), RATE_HZ, 1, len(part)))


async def _agent_line(room: rtc.Room, segment: str, parts: list[str]) -> None:
    attributes = {"lk.segment_id": segment, "lk.transcription_final": "false"}
    writer = await room.local_participant.stream_text(topic="lk.transcription", attributes=attributes)
    for part in parts:
        await writer.write(part)
    await writer.aclose(attributes={"lk.segment_id": segment, "lk.transcription_final": "true"})


async def _caller_line(room: rtc.Room, caller: str, segment: str, text: str, *, final: bool) -> None:
    writer = await room.local_participant.stream_text(
        topic="lk.transcription",
        sender_identity=caller,
        attributes={"lk.segment_id": segment, "lk.transcription_final": str(final).lower()},
    )
    await writer.write(text)
    await writer.aclose()


async def _send(room: rtc.Room, timeline: Mapping[str, object]) -> None:
    await room.local_participant.send_text(json.dumps(timeline), topic="firstword.timeline")
