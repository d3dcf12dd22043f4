"""`uv run -m examples.tools_and_handoff.bench`: silences around a slow tool and a handoff, the naive and this way."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from livekit import api
from rich.console import Console

from bench.aside import progress, tell
from bench.grid import NONE, Grid, markdown_table, terminal_table
from bench.machine import Machine, this_machine
from bench.output_file import output_option
from bench.report_file import write_report
from bench.stats import quantiles
from config import Settings
from examples.tools_and_handoff.bench_calls import Desks, Question, Sample, Side
from sim.ears.phrasebook import Phrasebook
from sim.latency import profile_by_name
from sim.livekit_binary import default_cache_dir, find_livekit_server
from sim.livekit_server import LocalLiveKit
from sim.providers import SimulatedProviders
from sim.speech.library import load_speech

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.stats import Quantiles

JSON_VERSION = 1
KEY = "sim"
SIDES: tuple[Side, ...] = ("naive", "example")
QUESTIONS: tuple[Question, ...] = ("tool", "handoff")
HEADINGS = ("ms", "naive p50/p90/p99", "example p50/p90/p99", "ratio p50", "n")
CAVEAT = (
    "Loopback network, simulated providers with fixed delays, everything in one process: what the two ways differ by, "
    "not what a caller far away would hear."
)


@dataclass
class Report:
    """`tool_s`: how long the tool takes."""

    tool_s: float
    machine: Machine
    samples: list[Sample] = field(default_factory=list[Sample])

    @property
    def failed(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.failed]

    def grid(self) -> Grid:
        lines = (
            self._line("tool: last word to the first sound", "tool", lambda sample: sample.first_ms),
            self._line(f"tool of {self.tool_s:g} s: longest silence", "tool", lambda sample: sample.silent_ms),
            self._line("handoff: one's last sound to the other's first", "handoff", lambda sample: sample.silent_ms),
        )
        return Grid(HEADINGS, lines, frozenset({"ms"}), "Nothing was measured.")

    def notes(self) -> list[str]:
        done = ", ".join(
            f"{side} {self._done(side)} of {sum(each.side == side for each in self.samples)}" for side in SIDES
        )
        return [f"Completed calls: {done}.", f"Machine: {self.machine.one_line()}.", CAVEAT]

    def _line(self, name: str, question: Question, value: Callable[[Sample], float | None]) -> tuple[str, ...]:
        naive, example = (
            quantiles(
                [
                    ms
                    for sample in self.samples
                    if (sample.side, sample.question) == (side, question) and (ms := value(sample)) is not None
                ]
            )
            for side in SIDES
        )
        ratio = f"{naive.p50_ms / example.p50_ms:.1f}x" if naive and example and example.p50_ms > 0 else NONE
        return name, _times(naive), _times(example), ratio, f"{naive.n if naive else 0} / {example.n if example else 0}"

    def _done(self, side: Side) -> int:
        return sum(each.side == side and not each.failed for each in self.samples)


def main(
    calls: Annotated[int, typer.Option(help="Calls of each side and question, in turns.", min=1, max=200)] = 5,
    tool_s: Annotated[float, typer.Option("--tool", help="How long the tool takes, s.", min=0, max=20)] = 3.0,
    json: Annotated[Path | None, typer.Option(help="Write every sample to this file.", callback=output_option)] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a table for a README.")] = False,
) -> None:
    """Exit code 1 if a call failed."""
    report = asyncio.run(run_bench(calls, tool_s))
    console = Console(highlight=False)
    if markdown:
        console.print(markdown_table(report.grid()), markup=False, soft_wrap=True)
    else:
        console.print(terminal_table(report.grid()))
    for line in report.notes():
        console.print(line, markup=False, soft_wrap=True)
    for sample in report.failed:
        console.print(f"failed: {sample.side}, {sample.question}: {sample.failed}", markup=False)
    if json is not None:
        write_report(report, json, version=JSON_VERSION)
    raise typer.Exit(1 if report.failed else 0)


async def run_bench(calls: int, tool_s: float) -> Report:
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    report = Report(tool_s, this_machine(binary))
    async with AsyncExitStack() as stack:
        livekit = await stack.enter_async_context(LocalLiveKit(binary=binary))
        ears = Phrasebook(load_speech().values()).ears
        simulators = SimulatedProviders(profile=profile_by_name("fixed", 1), ears=ears, api_key=KEY)
        simulated = await stack.enter_async_context(simulators)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        lk = await stack.enter_async_context(api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret))
        desks = Desks(_settings(livekit, simulated, folder), livekit, tool_s=tool_s)
        for side, question in desks.agents():
            await stack.enter_async_context(desks.worker(side, question))
        with progress() as shown:
            task = shown.add_task("calls", total=calls * len(SIDES) * len(QUESTIONS))
            for number in range(calls):
                for question in QUESTIONS:
                    for side in SIDES if number % 2 == 0 else reversed(SIDES):
                        report.samples.append(await desks.call(lk, side, question))
                        shown.advance(task)
    return report


def _settings(livekit: LocalLiveKit, simulated: SimulatedProviders, folder: str) -> Settings:
    fields: dict[str, Any] = {
        "livekit_url": livekit.url,
        "livekit_api_key": livekit.api_key,
        "livekit_api_secret": livekit.api_secret,
        "openai_api_key": KEY,
        "soniox_api_key": KEY,
        "eleven_api_key": KEY,
        "openai_base_url": simulated.openai_base_url,
        "soniox_base_url": simulated.soniox_base_url,
        "elevenlabs_base_url": simulated.elevenlabs_base_url,
        "greeting_cache_dir": Path(folder),
        "health_port": 0,
        "pool_size": 1,
    }
    return Settings(**fields)


def _times(times: Quantiles | None) -> str:
    return NONE if times is None else f"{times.p50_ms:.0f} / {times.p90_ms:.0f} / {times.p99_ms:.0f}"


if __name__ == "__main__":
    typer.run(main)
