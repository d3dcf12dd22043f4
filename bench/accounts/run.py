"""One run of `bench accounts`, from the processes it needs to the report."""

from __future__ import annotations

import json
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accounts.sql.store import SqlStore
from bench.accounts.apart import measure_apart
from bench.accounts.cached_memory import FOUND_PREFIX, CachedMemory
from bench.accounts.experiment import FILE, experiment_turns, find_verdicts
from bench.accounts.faults import measure_faults
from bench.accounts.faulty_store import Faults, show
from bench.accounts.house import account_id, house
from bench.accounts.pairs import failures, pairs, take_turns, waterfalls
from bench.accounts.plan import Turn, count_calls, estimate_s, many_turns, new_turns, strangers, together
from bench.accounts.results import AccountsReport, Audio
from bench.accounts.scene import Scene
from bench.accounts.synthesis import measure_synthesis
from bench.accounts.targets import targets
from bench.accounts.worker import AccountSurroundings, AccountsWorker, Place
from bench.aside import progress, tell
from bench.machine import this_machine
from bench.workers import Announced, BenchError
from config import load_settings
from prewarm.greeting import greetings_kept
from prewarm.greeting_store import MAX_BYTES
from sim.livekit_binary import default_cache_dir, find_livekit_server
from sim.livekit_server import LocalLiveKit
from sim.voice import Voice

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from accounts.record import Account
    from bench.accounts.plan import Options

READY_LIMIT_S = 600.0
STORE_MS = 300.0


@dataclass(frozen=True)
class _Run:
    options: Options
    place: AccountSurroundings
    files: Place
    accounts: tuple[Account, ...]
    told: Callable[[], None]


async def run_accounts(options: Options) -> AccountsReport:
    """Raises `BenchError` if a process does not start. What fails after that is in the report."""
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    report = AccountsReport(
        options.command, this_machine(binary), options.seed, options.accounts, options.called, store_ms=STORE_MS
    )
    tell(f"About {estimate_s(options) / 60:.0f} minutes on a quiet machine.")
    with tempfile.TemporaryDirectory(prefix="firstword-accounts-") as folder, progress() as shown:
        task = shown.add_task("calls", total=count_calls(options))
        files = Place(Path(folder))
        accounts = house(options.accounts)
        await _move_in(files, accounts, options.called)
        async with AccountSurroundings(options.seed, LocalLiveKit(binary=binary), files.asked) as place:
            run = _Run(options, place, files, accounts, lambda: shown.advance(task))
            if "many" in options.parts:
                report = replace(report, memory=await _cached_memory(files, options.accounts))
            if set(options.parts) - {"experiment"}:
                report = await _with_one_worker(run, report)
            if "experiment" in options.parts:
                report = await _experiment(run, report)
    return replace(report, targets=targets(report))


async def _with_one_worker(run: _Run, report: AccountsReport) -> AccountsReport:
    """All but the experiments. What was found before the worker ended is kept."""
    try:
        async with _worker(run) as worker:
            for part, measure in (("many", _many), ("new", _new), ("faults", _faults)):
                if part in run.options.parts:
                    report = await measure(run, worker, report)
    except BenchError as error:
        report = _failed(report, str(error))
    return report


async def _many(run: _Run, worker: AccountsWorker, report: AccountsReport) -> AccountsReport:
    taken = await take_turns(run.place, worker, many_turns(run.options), run.told)
    told = await worker.told()
    audio = Audio(
        told.greetings, greetings_kept(run.options.called), told.greeting_bytes, run.files.greeting_bytes(), MAX_BYTES
    )
    found = tuple(pairs(taken, "one or many accounts", ("any", "one")))
    return _failed(replace(report, many=found, audio=audio), *failures(taken))


async def _new(run: _Run, worker: AccountsWorker, report: AccountsReport) -> AccountsReport:
    first = run.accounts[0]
    synthesis = await measure_synthesis(run.place, first.greeting, first.voice or "")
    show(run.files.faults, Faults(delay_ms=STORE_MS))
    try:
        taken = await take_turns(run.place, worker, new_turns(run.options), run.told)
    finally:
        show(run.files.faults, Faults())
    found = tuple(pairs(taken, "first call of an account", ("new", "warm")))
    drawn = tuple(waterfalls(taken, ("warm", "new")))
    return _failed(replace(report, new=found, synthesis=synthesis, waterfalls=drawn), *failures(taken))


async def _faults(run: _Run, worker: AccountsWorker, report: AccountsReport) -> AccountsReport:
    store, speaker = SqlStore(run.files.url), Voice()
    scene = Scene(
        *(run.place, worker, run.files, store, run.accounts, strangers(run.options)),
        *(load_settings().tts_voice, speaker, run.told),
    )
    try:
        async for fault in measure_faults(scene, run.options.faults, run.options.fault_calls):
            report = replace(report, faults=(*report.faults, fault))
        apart, failed = await measure_apart(scene, together(run.options))
        return _failed(replace(report, apart=apart), *failed)
    except BenchError as error:
        return _failed(report, f"faults: {error}")
    finally:
        await speaker.aclose()
        await store.aclose()


async def _experiment(run: _Run, report: AccountsReport) -> AccountsReport:
    run.files.experiments.write_text(FILE, encoding="utf-8")
    try:
        async with _worker(run) as worker:
            taken = await take_turns(run.place, worker, experiment_turns(run.options), run.told)
    except BenchError as error:
        return _failed(report, f"experiment: {error}")
    # The worker has ended, so all of its calls are in the store.
    return _failed(replace(report, verdicts=tuple(await find_verdicts(run.files))), *failures(taken))


@asynccontextmanager
async def _worker(run: _Run) -> AsyncGenerator[AccountsWorker]:
    """With the greetings of all known accounts spoken, in each variant, and after its first call."""
    options = run.options
    worker = AccountsWorker(run.place, run.files, preload=options.called, cache=options.accounts)
    async with worker:
        await worker.until(
            "the known accounts' greetings are spoken",
            lambda counts: counts["prepared"] + counts["prepare_failed"] >= options.called,
            READY_LIMIT_S,
        )
        await take_turns(run.place, worker, [Turn("one", "join", 0)], lambda: None)
        yield worker


async def _move_in(files: Place, accounts: tuple[Account, ...], known: int) -> None:
    """All accounts into a new database; the first `known` of them were called before, as it says."""
    store = SqlStore(files.url)
    try:
        await store.put(accounts)
        await store.used({account_id(number): known - number for number in range(known)})
    finally:
        await store.aclose()


async def _cached_memory(files: Place, count: int) -> CachedMemory:
    arguments = ["-m", "bench.accounts.cached_memory", files.url, str(count)]
    async with Announced("memory of cached accounts", FOUND_PREFIX, arguments) as found:
        content: dict[str, Any] = json.loads(found)
        return CachedMemory(**content)


def _failed(report: AccountsReport, *lines: str) -> AccountsReport:
    return replace(report, failed=(*report.failed, *lines))
