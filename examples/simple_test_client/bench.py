"""`uv run -m examples.simple_test_client.bench`: a 60 s MP3 played into a room, the first-try way and this one."""

from __future__ import annotations

import asyncio
import tempfile
import time
from array import array
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import psutil
import typer
from livekit import rtc
from rich.console import Console

from bench.aside import tell
from bench.busy import busy_share
from bench.loop_monitor import LoopMonitor
from bench.machine import this_machine
from bench.output_file import output_option
from bench.report_file import write_report
from bench.stats import quantiles
from examples.simple_test_client.allocations import naive_allocations, reused_allocations
from examples.simple_test_client.audio_utils import CUSHION_MS, play_wav
from examples.simple_test_client.bench_results import (
    BLOCK_LIMIT_MS,
    SIDES,
    Report,
    Run,
    Side,
    late,
    notes,
    table,
    torn_ms,
)
from examples.simple_test_client.naive import play_naive
from sim.audio_format import AudioFormat, encode
from sim.caller import mint_caller_token
from sim.livekit_binary import default_cache_dir, find_livekit_server
from sim.livekit_server import LocalLiveKit
from sim.microphone import resample
from sim.speech.library import RATE_HZ, load_speech

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

JSON_VERSION = 1
MICROPHONE_HZ = 48_000
MP3_HZ = 44_100


def main(
    seconds: Annotated[float, typer.Option(help="Length of the MP3, s.", min=1, max=600)] = 60.0,
    rounds: Annotated[int, typer.Option(help="How often each side plays it, in turns.", min=1, max=100)] = 2,
    json: Annotated[Path | None, typer.Option(help="Write every figure to this file.", callback=output_option)] = None,
) -> None:
    """Exit code 0: no block over 20 ms and frames within 2 ms (p99) in every run of the example; 1: not so."""
    report = asyncio.run(run_bench(seconds, rounds))
    console = Console(highlight=False)
    console.print(table(report))
    for line in notes(report):
        console.print(line, markup=False, soft_wrap=True)
    if json is not None:
        write_report(report, json, version=JSON_VERSION)
    raise typer.Exit(0 if report.reached else 1)


async def run_bench(seconds: float, rounds: int) -> Report:
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    report = Report(seconds, this_machine(binary))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "speech.mp3"
        file.write_bytes(speech_mp3(seconds))  # before anything is measured
        async with LocalLiveKit(binary=binary) as livekit:
            for number in range(rounds):
                order = SIDES if number % 2 == 0 else SIDES[::-1]
                for side in order:
                    async with _published(livekit) as source:
                        tell(f"round {number + 1} of {rounds}: {side}, {seconds:g} s")
                        report.runs.append(await _run(side, source, file, folder))
        source = rtc.AudioSource(MICROPHONE_HZ, 1)
        report.allocations["naive"] = await naive_allocations(source, file, folder)
        report.allocations["example"] = await reused_allocations(source, file)
        await source.aclose()
    return report


def speech_mp3(seconds: float) -> bytes:
    """The recorded callers of `sim/speech`, one after the other and again."""
    said = np.concatenate([each.pcm for each in load_speech().values() if each.text])
    pcm = np.resize(said, round(seconds * RATE_HZ))
    return encode(resample(pcm, RATE_HZ, MP3_HZ), AudioFormat("mp3", MP3_HZ))


@asynccontextmanager
async def _published(livekit: LocalLiveKit) -> AsyncGenerator[rtc.AudioSource]:
    """A microphone in a room of its own, so that what is played is encoded and sent."""
    room, source = rtc.Room(), rtc.AudioSource(MICROPHONE_HZ, 1)
    await room.connect(livekit.url, mint_caller_token(livekit.api_key, livekit.api_secret, "bench", "player"))
    try:
        await room.local_participant.publish_track(rtc.LocalAudioTrack.create_audio_track("microphone", source))
        yield source
    finally:
        await room.disconnect()
        await source.aclose()


async def _run(side: Side, source: rtc.AudioSource, file: Path, folder: Path) -> Run:
    left_at = array("d")

    def note(_: int) -> None:
        left_at.append(time.perf_counter())

    before, begun_at = psutil.cpu_times(), time.perf_counter()
    async with LoopMonitor() as monitor:
        if side == "naive":
            await play_naive(source, file, folder, note)
        else:
            await play_wav(source, file, on_frame=note)
    late_ms = late(left_at)
    counted = quantiles(late_ms)
    assert counted is not None
    return Run(
        side,
        start_ms=(left_at[0] - begun_at) * 1000,
        late=counted,
        late_last_ms=late_ms[-1],
        torn_ms=torn_ms(left_at, CUSHION_MS if side == "example" else 0.0),
        worst_block_ms=monitor.worst_ms,
        blocks=len(monitor.blocks(BLOCK_LIMIT_MS)),
        worst_cpu_ms=monitor.worst_cpu_ms,
        busy=busy_share(before, psutil.cpu_times()),
    )


if __name__ == "__main__":
    typer.run(main)
