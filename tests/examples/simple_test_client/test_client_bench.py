"""The bench's figures from known times, and a short run of it."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import pytest
from livekit import rtc

from examples.simple_test_client.allocations import naive_allocations, reused_allocations
from examples.simple_test_client.bench import run_bench
from examples.simple_test_client.bench_results import late, notes, table, torn_ms
from examples.simple_test_client.naive import convert_whole, new_frame, read_whole

if TYPE_CHECKING:
    from pathlib import Path

    from client_sounds import MakeSound

pytestmark = pytest.mark.alone


def test_late_is_told_against_the_most_punctual_frame() -> None:
    """A sleep of a frame's length and 1 ms of work add up; one late frame does not, be it the first."""
    assert late(array("d", [5.0, 5.021, 5.042, 5.063])) == pytest.approx([0, 1, 2, 3])
    assert late(array("d", [5.0, 5.120, 5.120, 5.060])) == pytest.approx([0, 100, 80, 0])
    assert late(array("d", [5.030, 5.020, 5.041])) == pytest.approx([30, 0, 1])


def test_silence_is_what_the_cushion_does_not_cover() -> None:
    """Without a cushion each late frame tears; with one only the rest of a long wait does, and once."""
    drifting = array("d", [5.0, 5.021, 5.042, 5.063])
    assert torn_ms(drifting, 0) == pytest.approx(3)
    assert torn_ms(drifting, 60) == 0
    held = array("d", [5.0, 5.120, 5.120, 5.120, 5.120, 5.120, 5.120])
    assert torn_ms(held, 60) == pytest.approx(40)


async def test_both_ways_say_what_they_cost(make_sound: MakeSound, tmp_path: Path) -> None:
    """A new frame holds objects and the reused one none; the whole file in memory grows with it, blocks do not."""
    file = make_sound("a.flac", "flac", 8.0)
    source = rtc.AudioSource(48_000, 1)
    naive, ours = await naive_allocations(source, file, tmp_path), await reused_allocations(source, file)
    await source.aclose()
    assert naive.objects >= 3
    assert ours.objects == 0
    assert ours.bytes_made < naive.bytes_made
    assert ours.bytes_with_sdk < naive.bytes_with_sdk
    assert naive.file_bytes > 8 * 48_000 * 2 > 2 * ours.file_bytes


def test_the_naive_way_plays_all_of_it(make_sound: MakeSound, tmp_path: Path) -> None:
    """What is compared with is right, only slow: the same samples, the last frame filled up."""
    convert_whole(make_sound("a.flac", "flac", 0.49), tmp_path / "whole.wav", 48_000)
    data = read_whole(tmp_path / "whole.wav")
    assert len(data) == 2 * round(0.49 * 48_000)
    last = new_frame(data, 24, 48_000)
    assert last.samples_per_channel == 960
    assert bytes(last.data) == data[24 * 1920 :].ljust(1920, b"\0")


async def test_a_short_run() -> None:
    """Both sides play all of it, and every figure is told with its machine and n."""
    report = await run_bench(1.0, 1)
    assert [run.side for run in report.runs] == ["naive", "example"]
    assert {run.late.n for run in report.runs} <= {50, 51, 52, 53}
    naive, ours = report.runs
    assert naive.late_last_ms > ours.late.p50_ms or ours.torn_ms > 0
    assert table(report).row_count == 12
    told = "\n".join(notes(report))
    assert "frames a run, 1 runs a side" in told
    assert f"{report.machine.cores} cores" in told
    assert ("NOT reached" in told) is not report.reached
