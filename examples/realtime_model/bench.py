"""What the template adds to a speech-to-speech model: `python -m examples.realtime_model.bench`.

Three agents answer in turns in one run, on the same livekit-server and the same simulated providers: this example, the
naive one (`plain.py`), and the template's own front desk with STT, LLM and TTS.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from bench.aside import progress, tell
from bench.machine import Machine, this_machine
from bench.measure import TURNS, CallSample, measure_call
from bench.stats import Comparison, compare
from bench.workers import Announced, BenchError, Surroundings, Worker
from examples.realtime_model.plain import READY_LINE
from rooms.tokens import new_name
from sim.livekit_binary import LiveKitServerMissing, default_cache_dir, find_livekit_server
from sim.livekit_server import LiveKitStartError, LocalLiveKit

if TYPE_CHECKING:
    from collections.abc import Sequence

Way = Literal["plain", "example", "pipeline"]

WAYS: tuple[Way, ...] = ("plain", "example", "pipeline")
START = ("start", "--announce", "--readable")
WIDTH = 120
CAVEAT = (
    "Simulated providers on loopback: the waits are those of sim/latency.py, so the gaps compare the two paths with "
    "those waits, and not one vendor's model with another's. All processes share the machine's cores."
)


@dataclass
class Samples:
    """All calls of each way, in order."""

    calls: dict[Way, list[CallSample]] = field(default_factory=lambda: {way: [] for way in WAYS})

    def first_words_ms(self, way: Way) -> list[float]:
        return [call.ttfw_ms for call in self._done(way) if call.ttfw_ms is not None]

    def gaps_ms(self, way: Way) -> list[float]:
        return [gap_ms for call in self._done(way) for gap_ms in call.gaps_ms]

    def failed(self) -> list[str]:
        return [f"{way}: {call.failed}" for way in WAYS for call in self.calls[way] if call.failed is not None]

    def _done(self, way: Way) -> list[CallSample]:
        return [call for call in self.calls[way] if call.failed is None]

    def comparisons(self) -> list[Comparison]:
        """In each the first figures are the other way's, and the second ones the example's."""
        example: Way = "example"
        return [
            compare(
                "first word: the model's own | from memory",
                self.first_words_ms("plain"),
                self.first_words_ms(example),
                (),
            ),
            compare("response gap: STT-LLM-TTS | realtime", self.gaps_ms("pipeline"), self.gaps_ms(example), ()),
        ]


def order(number: int) -> Sequence[Way]:
    """Who begins changes from round to round."""
    return WAYS[number % len(WAYS) :] + WAYS[: number % len(WAYS)]


async def run(calls: int, turns: int, latency: str, seed: int) -> tuple[Samples, Machine]:
    """Raises `BenchError`, and what a livekit-server that does not start raises."""
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    machine, samples = this_machine(binary), Samples()
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(Surroundings(latency, seed, LocalLiveKit(binary=binary)))
        example = Worker(place, "firstword", arguments=("-m", "examples.realtime_model", *START))
        pipeline = Worker(place, "firstword")
        plain_name = new_name("bench-plain")
        env = place.environment(agent_name=plain_name, log_level="WARNING")
        plain = Announced("plain", READY_LINE, ("-m", "examples.realtime_model.plain"), env)
        processes: dict[Way, Announced] = {"plain": plain, "example": example, "pipeline": pipeline}
        names: dict[Way, str] = {"plain": plain_name, "example": example.agent_name, "pipeline": pipeline.agent_name}
        for process in processes.values():
            await stack.enter_async_context(process)
        with progress() as shown:
            task = shown.add_task("calls", total=(calls + 1) * len(WAYS))
            # Round 0 is not counted: what only the first call of a worker pays.
            for number in range(calls + 1):
                said = TURNS[(seed + number) % len(TURNS)][:turns]
                for way in order(number):
                    await asyncio.gather(*(process.quiet() for process in processes.values()))
                    processes[way].check()
                    call = await measure_call(place, names[way], "join", () if way == "plain" else said)
                    if number:
                        samples.calls[way].append(call)
                    shown.advance(task)
    return samples, machine


def table(comparisons: Sequence[Comparison]) -> Table:
    lines = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("ms", "n", "p50 / p90", "n", "p50 / p90", "ratio p50, p90"):
        lines.add_column(heading, justify="left" if heading == "ms" else "right")
    for each in comparisons:
        cells = [each.measure]
        for side in (each.starter, each.firstword):
            cells += ["0", "-"] if side is None else [str(side.n), f"{side.p50_ms:.0f} / {side.p90_ms:.0f}"]
        cells.append("-" if each.ratios is None else f"{each.ratios.p50:.2f}x, {each.ratios.p90:.2f}x")
        lines.add_row(*cells)
    return lines


def main(
    calls: Annotated[int, typer.Option(help="Calls of each way.", min=1, max=200)] = 6,
    turns: Annotated[int, typer.Option(help="Questions in a call.", min=0, max=3)] = 2,
    latency: Annotated[Literal["published", "fixed"], typer.Option(help="Delays of the providers.")] = "published",
    seed: Annotated[int, typer.Option(help="Of the published delays.", min=0)] = 1,
) -> None:
    """First word and response gap: this example, the naive way, and the pipeline, in turns in one run."""
    try:
        samples, machine = asyncio.run(run(calls, turns, latency, seed))
    except (BenchError, LiveKitServerMissing, LiveKitStartError) as error:
        tell(str(error))
        raise typer.Exit(1) from None
    console = Console(highlight=False, width=WIDTH)
    console.print(table(samples.comparisons()))
    for line in (f"Machine: {machine.one_line()}.", f"Delays: {latency}, seed {seed}.", CAVEAT, *samples.failed()):
        console.print(line, markup=False)


if __name__ == "__main__":
    typer.run(main)
