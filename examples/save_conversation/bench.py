"""What saving costs the loop: written and synced on it, and handed to the writer's thread, in turns in one run.

uv run -m examples.save_conversation.bench
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.table import Table

from bench.machine import this_machine
from bench.stats import quantiles
from examples.save_conversation.entries import Began, Ended, told_time
from examples.save_conversation.redaction import Redaction
from examples.save_conversation.words import Words
from examples.save_conversation.writer import Writer

if TYPE_CHECKING:
    from io import TextIOWrapper

    from examples.save_conversation.backlog import Backlog

CALLS = 20
ROUNDS = 4
ROUND_S = 5.0
BETWEEN_S = 0.25
"""Between two utterances of one call: ten times what people do, for as many samples."""
TICK_S = 0.005
WORDS = [
    "a",
    "table",
    "for",
    "two",
    "tomorrow",
    "at",
    "seven",
    "please",
    "my",
    "number",
    "is",
    "030",
    "123",
    "45",
    "67",
]


class Side(Protocol):
    """One way to save; `say` is called on the loop."""

    def begin(self, call: str) -> None: ...

    def say(self, call: str, text: str) -> None: ...

    async def end(self) -> None: ...


class OnTheLoop:
    """As one writes it first: redact, append, flush, fsync, in the handler of the event."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, TextIOWrapper] = {}
        self._redaction = Redaction()

    def begin(self, call: str) -> None:
        self._files[call] = (self._folder / f"{call}-{time.time_ns()}.jsonl").open("a", encoding="utf-8")

    def say(self, call: str, text: str) -> None:
        file = self._files[call]
        line = {"at": told_time(time.time()), "who": "caller", "text": self._redaction.text(text)}
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())

    async def end(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()


class OffTheLoop:
    """The example."""

    def __init__(self, folder: Path) -> None:
        redaction = Redaction()
        self._writer = Writer(folder)

        def redact(text: str, settled: bool) -> str:
            return redaction.text(text) if settled else redaction.draft(text)

        self._redact = redact
        self._words: dict[str, tuple[Words, Backlog]] = {}

    def begin(self, call: str) -> None:
        backlog = self._writer.open(Began(time.time(), f"{call}-{time.time_ns()}", call), self._redact)
        self._words[call] = Words(backlog.put), backlog

    def say(self, call: str, text: str) -> None:
        words, _ = self._words[call]
        words.hear(text[: len(text) // 2], final=False)
        words.tell()
        words.settle("caller", text)

    async def end(self) -> None:
        for _, backlog in self._words.values():
            backlog.put(Ended(time.time(), "caller"))
        await asyncio.gather(*(asyncio.wrap_future(backlog.saved) for _, backlog in self._words.values()))
        self._words.clear()


@dataclass
class Samples:
    """In ms: of each utterance, and of each tick how much later than asked it came."""

    utterance_ms: list[float] = field(default_factory=list[float])
    late_ms: list[float] = field(default_factory=list[float])


async def one_round(side: Side, samples: Samples, calls: int, round_s: float, seed: int) -> None:
    until_s = time.monotonic() + round_s

    async def talk(number: int) -> None:
        random = Random(seed * 1000 + number)
        await asyncio.sleep(random.random() * BETWEEN_S)
        while time.monotonic() < until_s:
            text = " ".join(random.choices(WORDS, k=random.randint(3, 30)))
            begun_s = time.perf_counter()
            side.say(f"call-{number}", text)
            samples.utterance_ms.append((time.perf_counter() - begun_s) * 1000)
            await asyncio.sleep(BETWEEN_S)

    async def tick() -> None:
        while time.monotonic() < until_s:
            begun_s = time.perf_counter()
            await asyncio.sleep(TICK_S)
            samples.late_ms.append((time.perf_counter() - begun_s - TICK_S) * 1000)

    for number in range(calls):
        side.begin(f"call-{number}")
    await asyncio.gather(tick(), *(talk(number) for number in range(calls)))
    await side.end()


async def measure(folder: Path, calls: int, rounds: int, round_s: float) -> tuple[Samples, Samples]:
    """The naive way's samples and the example's; who is first changes from round to round."""
    naive, example = (OnTheLoop(folder), Samples()), (OffTheLoop(folder / "saved"), Samples())
    for number in range(rounds):
        for side, samples in (naive, example) if number % 2 == 0 else (example, naive):
            await one_round(side, samples, calls, round_s, number)
    return naive[1], example[1]


def table(naive: Samples, example: Samples) -> Table:
    made = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    made.add_column("ms, p50 / p90 / p99 / most")
    for heading in ("write and fsync on the loop", "example", "ratio p50, p99", "n"):
        made.add_column(heading, justify="right")
    for name, before_ms, after_ms in (
        ("the loop, for one utterance", naive.utterance_ms, example.utterance_ms),
        (f"a tick of {TICK_S * 1000:g} ms is late by", naive.late_ms, example.late_ms),
    ):
        before, after = quantiles(before_ms), quantiles(after_ms)
        if before is not None and after is not None:
            ratio = f"{before.p50_ms / after.p50_ms:.1f}x, {before.p99_ms / after.p99_ms:.1f}x"
            made.add_row(name, _told(before_ms), _told(after_ms), ratio, f"{before.n} / {after.n}")
    return made


def _told(samples_ms: list[float]) -> str:
    found = quantiles(samples_ms)
    assert found is not None
    return f"{found.p50_ms:.3f} / {found.p90_ms:.3f} / {found.p99_ms:.3f} / {max(samples_ms):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="examples.save_conversation.bench", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--round-s", type=float, default=ROUND_S)
    options = parser.parse_args()
    machine = replace(this_machine(Path("none")), livekit_server="not used")
    # In the working directory: what is below /tmp is memory on many machines.
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        naive, example = asyncio.run(measure(Path(folder), options.calls, options.rounds, options.round_s))
    console = Console(highlight=False, soft_wrap=True, width=150)
    console.print(table(naive, example))
    console.print(
        f"{options.calls} calls at once, an utterance each {BETWEEN_S:g} s in each. Machine: {machine.one_line()}."
    )


if __name__ == "__main__":
    main()
