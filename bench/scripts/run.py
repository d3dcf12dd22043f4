"""One run of `bench scripts`: random callers, some at once, and what became of each."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from livekit import api

from bench.aside import progress, tell
from bench.machine import Machine, this_machine
from bench.measure import CallFailed
from bench.scripts.asked import Asked
from bench.scripts.call import Held, Torn, hold_script
from bench.scripts.judge import Judgement, Violation, judge_call
from bench.scripts.plan import Script, script
from bench.scripts.record import CallRecord  # noqa: TC001  # report_file reads the fields' types
from bench.scripts.speech import spoken
from bench.workers import BenchError, Surroundings, Worker
from config import load_settings
from sim.caller import CallerError
from sim.livekit_binary import default_cache_dir, find_livekit_server
from sim.livekit_server import LocalLiveKit
from turns.profiles import turn_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from config import Profile
    from turns.profiles import TurnProfile

TRIES = 3
MAX_CALLS = 25
GIVE_UP_AFTER = 8
"""Failed calls without one that was held: what is wrong is not the caller's script."""
SCRIPT_S, START_S = 24.0, 20.0
"""For the estimate only."""


@dataclass(frozen=True)
class Options:
    """`only`: the number of one script of the run with `seed`, instead of the first `scripts`."""

    scripts: int = 500
    seed: int = 1
    at_once: int = 4
    profile: Profile = "production"
    latency: str = "published"
    only: int | None = None

    @property
    def command(self) -> str:
        """The command that says the same again."""
        how_many = f"--scripts {self.scripts}" if self.only is None else f"--only {self.only}"
        return (
            f"agent.py bench scripts {how_many} --seed {self.seed} --at-once {self.at_once} --profile {self.profile} "
            f"--latency {self.latency}"
        )


@dataclass(frozen=True)
class Judged:
    record: CallRecord
    judgement: Judgement


@dataclass
class ScriptsReport:
    """`failed`: calls that say nothing of the agent's turns, a line each. `torn`: scripts that were said again."""

    command: str
    machine: Machine
    profile: str
    calls: list[Judged] = field(default_factory=list[Judged])
    failed: list[str] = field(default_factory=list[str])
    torn: int = 0
    worker_lines: list[str] = field(default_factory=list[str])
    """What the agent's process warned of, the newest lines."""

    @property
    def violations(self) -> list[Violation]:
        return [each for call in self.calls for each in call.judgement.violations]

    @property
    def passed(self) -> bool:
        return bool(self.calls) and not self.violations and not self.failed


class ScriptSurroundings(Surroundings):
    """With simulated providers that understand any pause, and write what the LLM is asked to `asked`."""

    def __init__(self, options: Options, livekit: LocalLiveKit, asked: Path) -> None:
        super().__init__(options.latency, options.seed, livekit)
        self._asked = asked

    def _simulator_arguments(self) -> list[str]:
        choices = {"--latency": self.latency, "--seed": str(self.seed), "--asked": str(self._asked)}
        return ["-m", "bench.scripts.simulators", *(word for choice in choices.items() for word in choice)]


def estimate_s(options: Options) -> float:
    """About how long a run takes on a quiet machine."""
    return START_S + len(_scripts(options)) * SCRIPT_S / options.at_once


async def run_scripts(options: Options) -> ScriptsReport:
    """Raises `BenchError` if a process does not start or no call is held at all. What else fails is in the report."""
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    report = ScriptsReport(options.command, this_machine(binary), options.profile)
    scripts = _scripts(options)
    for each in scripts:
        for turn in each.turns:
            spoken(turn.line)  # now, and not while somebody speaks
    tell(f"About {estimate_s(options) / 60:.0f} minutes on a quiet machine.")
    with tempfile.TemporaryDirectory() as folder, progress() as shown:
        asked = Path(folder, "asked.jsonl")
        task = shown.add_task("scripts", total=len(scripts))
        async with ScriptSurroundings(options, LocalLiveKit(binary=binary), asked) as place:
            worker = _worker(place, options)
            async with worker:
                stage = _Stage(place, worker, report)
                waiting = iter(scripts)
                await asyncio.gather(
                    *(_say_in_turn(stage, waiting, lambda: shown.advance(task)) for _ in range(options.at_once))
                )
            report.worker_lines += [line for line in worker.process.last_lines if "warning" in line.lower()]
        # Not before all is said: it takes the time that this process needs to speak without a gap.
        report.calls += _judged(stage.held, Asked(asked), _profile(options))
    return report


@dataclass(frozen=True)
class _Stage:
    place: Surroundings
    worker: Worker
    report: ScriptsReport
    held: list[Held] = field(default_factory=list[Held])


def _judged(held: Sequence[Held], asked: Asked, profile: TurnProfile) -> Iterator[Judged]:
    for call in sorted(held, key=lambda each: each.record.script):
        record = replace(call.record, requests=asked.of(call.room, call.zero_s))
        yield Judged(record, judge_call(record, profile))


def _profile(options: Options) -> TurnProfile:
    """The worker's: what is set for turns in this environment counts there too."""
    return turn_profile(load_settings().model_copy(update={"profile": options.profile}))


def _worker(place: Surroundings, options: Options) -> Worker:
    changes: dict[str, object] = {"profile": options.profile, "max_calls": max(MAX_CALLS, options.at_once)}
    return Worker(place, "firstword", arguments=("-m", "bench.scripts.program"), changes=changes)


def _scripts(options: Options) -> list[Script]:
    """All of the run; `only` need not be among the first."""
    numbers = range(options.scripts) if options.only is None else (options.only,)
    return [script(options.seed, number) for number in numbers]


async def _say_in_turn(stage: _Stage, waiting: Iterator[Script], told: Callable[[], None]) -> None:
    """One caller after the other, while there are scripts that nobody has said."""
    for each in waiting:
        stage.worker.check()
        await _say(stage, each)
        told()
        if not stage.held and len(stage.report.failed) >= GIVE_UP_AFTER:
            raise BenchError(f"{GIVE_UP_AFTER} calls failed and none was held, the last one: {stage.report.failed[-1]}")


async def _say(stage: _Stage, each: Script) -> None:
    report, why = stage.report, ""
    for _ in range(TRIES):
        try:
            stage.held.append(await hold_script(stage.place, stage.worker, each))
        except Torn as error:
            report.torn += 1
            why = str(error)
        except (CallFailed, CallerError, TimeoutError, aiohttp.ClientError, api.ServerError) as error:
            why = str(error) or type(error).__name__
            break
        else:
            return
    report.failed.append(f"script {each.number}, seed {each.seed}: {why}")
