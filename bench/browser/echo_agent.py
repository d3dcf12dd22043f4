"""An agent without AI: a tone, then what the caller says goes back at once: `python -m bench.browser.echo_agent`.

It is served as the template's own agent is, on the shared loop; what is measured with it is the way there and back.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import sys
from typing import TYPE_CHECKING

from livekit import rtc
from livekit.agents import AutoSubscribe

from bench.workers import Announced
from config import load_settings
from rooms.tokens import new_name
from runtime.server import build_server
from runtime.worker import run_worker
from sim.publisher import tone
from utils.logging_config import configure_logging

if TYPE_CHECKING:
    from livekit.agents import JobContext, JobProcess

    from bench.workers import Surroundings

READY_LINE = "echo.ready"
RATE_HZ = 48_000
HELLO_MS = 200
FRAME_MS = 10
"""The shortest that LiveKit gives, and what its source takes without a queue."""
TRACK = "roomio_audio"
"""As the template's own agent names its voice."""


class EchoAgent(Announced):
    """The worker's process; inside the block it is registered as `agent_name`.

    `queue_ms`: of the source that sends; 0 is none.
    """

    def __init__(self, place: Surroundings, *, queue_ms: int = 0, max_calls: int = 100) -> None:
        self.agent_name = new_name("bench-echo")
        env = place.environment(agent_name=self.agent_name, log_level="WARNING", max_calls=max_calls)
        arguments = ["-m", "bench.browser.echo_agent", "--queue-ms", str(queue_ms)]
        super().__init__("echo agent", READY_LINE, arguments, env)


async def echo(queue_ms: int, context: JobContext) -> None:
    """One call: until the caller is gone."""
    over = asyncio.Event()
    listened_to = asyncio.Event()
    sending: set[asyncio.Task[None]] = set()
    source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=queue_ms)

    def heard(track: rtc.Track, *_: object) -> None:
        task = asyncio.create_task(_send_back(track, source, listened_to))
        sending.add(task)
        task.add_done_callback(sending.discard)

    def left(caller: rtc.RemoteParticipant) -> None:
        # One whose connection was lost may come back.
        if caller.disconnect_reason == rtc.DisconnectReason.CLIENT_INITIATED:
            over.set()

    context.room.on("track_subscribed", heard)
    context.room.on("participant_disconnected", left)
    context.room.on("local_track_subscribed", lambda _: listened_to.set())  # pyright: ignore[reportUnknownLambdaType] - untyped emitter
    context.room.on("disconnected", lambda *_: over.set())  # pyright: ignore[reportUnknownLambdaType] - untyped emitter
    await context.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
    voice = rtc.LocalAudioTrack.create_audio_track(TRACK, source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    published = await context.room.local_participant.publish_track(voice, options)
    try:
        await over.wait()
    finally:
        for task in tuple(sending):
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        if context.room.isconnected():
            # A room that is closed under a track leaves a native thread.
            await context.room.local_participant.unpublish_track(published.sid)
            await context.delete_room()
        await source.aclose()
        context.shutdown()


async def _send_back(track: rtc.Track, source: rtc.AudioSource, listened_to: asyncio.Event) -> None:
    await listened_to.wait()
    await _say_hello(source)
    stream = rtc.AudioStream.from_track(track=track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=FRAME_MS)
    try:
        async for event in stream:
            await source.capture_frame(event.frame)
    finally:
        await stream.aclose()


async def _say_hello(source: rtc.AudioSource) -> None:
    """So that a caller hears that somebody is there."""
    pcm = tone(HELLO_MS, RATE_HZ)
    step = RATE_HZ * FRAME_MS // 1000
    for begin in range(0, len(pcm), step):
        await source.capture_frame(rtc.AudioFrame(pcm[begin : begin + step].tobytes(), RATE_HZ, 1, step))
        await asyncio.sleep(FRAME_MS / 1000)


def nothing_to_prepare(_: JobProcess) -> None:
    return


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.browser.echo_agent", description="An agent that echoes.")
    parser.add_argument("--queue-ms", type=int, default=0, help="Queue of the source that sends.")
    options = parser.parse_args(argv)
    settings = load_settings()
    configure_logging(settings.log_level, json=False)
    server = build_server(settings, entrypoint=functools.partial(echo, options.queue_ms), setup=nothing_to_prepare)
    ready = functools.partial(print, READY_LINE, flush=True)
    asyncio.run(run_worker(server, drain_timeout_s=0.0, on_ready=ready))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
