"""The figures of the bench, from the times at which the SDK had the frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from rich.table import Table

from bench.machine import Machine  # noqa: TC001  # pydantic reads it back by its type
from bench.stats import Quantiles  # noqa: TC001  # the same
from examples.simple_test_client.allocations import Allocations
from examples.simple_test_client.naive import FRAME_S

if TYPE_CHECKING:
    from array import array

Side = Literal["naive", "example"]
SIDES: tuple[Side, Side] = ("naive", "example")

BLOCK_LIMIT_MS = 20.0
LATE_LIMIT_MS = 2.0


@dataclass(frozen=True)
class Run:
    """One side playing the file once. `late`: of a frame against the most punctual one and their numbers.

    `start_ms`: from the call until the SDK has the first frame. `torn_ms`: silence inside the sound. `worst_cpu_ms`:
    the longest that the loop's own code ran. `busy`: the share of all cores that was taken by everything.
    """

    side: Side
    start_ms: float
    late: Quantiles
    late_last_ms: float
    torn_ms: float
    worst_block_ms: float
    blocks: int
    worst_cpu_ms: float
    busy: float


@dataclass
class Report:
    seconds: float
    machine: Machine
    runs: list[Run] = field(default_factory=list[Run])
    allocations: dict[Side, Allocations] = field(default_factory=dict["Side", Allocations])

    def of(self, side: Side) -> list[Run]:
        return [run for run in self.runs if run.side == side]

    @property
    def verdicts(self) -> list[tuple[str, float, float]]:
        """What is promised of this example: what, the limit, and the worst run."""
        ours = self.of("example")
        return [
            ("longest block of the loop, ms", BLOCK_LIMIT_MS, max(run.worst_block_ms for run in ours)),
            ("frames late, p99, ms", LATE_LIMIT_MS, max(run.late.p99_ms for run in ours)),
        ]

    @property
    def reached(self) -> bool:
        return all(got <= limit for _, limit, got in self.verdicts)


def late(left_at: array[float]) -> list[float]:
    """How late each frame was, in ms: its time less its number, against the frame that was the most punctual one."""
    starts = [at - number * FRAME_S for number, at in enumerate(left_at)]
    begin = min(starts)
    return [(start - begin) * 1000 for start in starts]


def torn_ms(left_at: array[float], cushion_ms: float) -> float:
    """Silence between two frames, because the second one came when the first had been sent already."""
    torn_s, sent_at = 0.0, left_at[0] + cushion_ms / 1000
    for at in left_at:
        torn_s += max(at - sent_at, 0.0)
        sent_at = max(at, sent_at) + FRAME_S
    return torn_s * 1000


def table(report: Report) -> Table:
    """A line a figure; of several runs all of them."""
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    shown.add_column("", no_wrap=True)
    for side in SIDES:
        shown.add_column(side, justify="right")
    rows = {side: _rows(report.of(side), report.allocations[side]) for side in SIDES}
    for naive, ours in zip(*rows.values(), strict=True):
        shown.add_row(*naive, ours[1])
    return shown


def _rows(runs: list[Run], memory: Allocations) -> list[tuple[str, str]]:
    def each(figures: list[str]) -> str:
        return "; ".join(figures)

    late = [f"{run.late.p50_ms:.1f} / {run.late.p90_ms:.1f} / {run.late.p99_ms:.1f}" for run in runs]
    return [
        ("frames late, ms p50 / p90 / p99", each(late)),
        ("the last frame late, ms", each([f"{run.late_last_ms:.1f}" for run in runs])),
        ("silence in the sound, ms", each([f"{run.torn_ms:.0f}" for run in runs])),
        ("first frame after, ms", each([f"{run.start_ms:.0f}" for run in runs])),
        ("longest block of the loop, ms", each([f"{run.worst_block_ms:.1f}" for run in runs])),
        ("blocks over 20 ms", each([f"{run.blocks}" for run in runs])),
        ("of the loop's own code, ms", each([f"{run.worst_cpu_ms:.1f}" for run in runs])),
        ("cores taken by everything, %", each([f"{run.busy * 100:.0f}" for run in runs])),
        ("objects that a frame holds", f"{memory.objects:g}"),
        ("bytes that a frame takes", f"{memory.bytes_made:.0f}"),
        ("the same with capture_frame", f"{memory.bytes_with_sdk:.0f}"),
        ("Python's memory for the file, kB", f"{memory.file_bytes / 1000:.0f}"),
    ]


def notes(report: Report) -> list[str]:
    frames = report.runs[0].late.n
    lines = [
        f"{'reached' if got <= limit else 'NOT reached'}: {what} {got:.1f}, at most {limit:g}"
        for what, limit, got in report.verdicts
    ]
    return [
        *lines,
        f"n = {frames} frames a run, {len(report.of('example'))} runs a side in turns; an MP3 of {report.seconds:g} s.",
        f"Machine: {report.machine.one_line()}.",
    ]
