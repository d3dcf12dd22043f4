"""Calls while something is wrong with the store: each caller is greeted, and by whom they called if that can be."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from accounts.refresh import LOOK_INTERVAL_S
from bench.accounts.asked import OPENER, read_asked
from bench.accounts.faulty_store import Faults, show
from bench.accounts.house import changed
from bench.accounts.plan import AT_ONCE
from bench.accounts.results import Fault
from bench.accounts.scene import OWN, Call, known
from bench.accounts.visit import FAILURES, QUESTIONS, told, visit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

    from accounts.record import Account
    from bench.accounts.plan import FaultName
    from bench.accounts.scene import Scene
    from bench.accounts.visit import Visit

SLOW_MS = 2000.0
CHANGE_LIMIT_S = 60.0
BACK_S = LOOK_INTERVAL_S + 1.0
BROKEN = {"name": 7}
"""What a program wrote that knows nothing of records."""


@dataclass
class _Watch:
    """What is noted while a fault is shown."""

    own: int = 0
    default: int = 0
    wrong: list[str] = field(default_factory=list[str])
    expected: dict[str, int] = field(default_factory=dict[str, int])
    events: int = 0


async def measure_faults(scene: Scene, names: Iterable[FaultName], calls: int) -> AsyncIterator[Fault]:
    """One fault after the other, `calls` of each. Raises `BenchError` when the worker has ended."""
    faults: dict[FaultName, tuple[str, Callable[[Scene, int, _Watch], Awaitable[None]]]] = {
        "slow": (f"the store answers after {SLOW_MS / 1000:g} s", _slow),
        "down": ("the store does not answer", _down),
        "broken": ("rows are broken", _broken),
        "changed": ("accounts are changed during their calls", _changed),
        "deleted": ("accounts are deleted during their calls", _deleted),
    }
    for name in names:
        title, run = faults[name]
        before, lines = await scene.worker.told(), len(scene.worker.lines)
        watch = _Watch()
        try:
            await run(scene, calls, watch)
        finally:
            show(scene.files.faults, Faults())
        after = await scene.worker.told()
        grown = {reason: count - before.counts[reason] for reason, count in after.counts.items()}
        counts = {reason: by for reason, by in grown.items() if by}
        told_lines = scene.worker.lines[lines:]
        yield Fault(
            *(name, title, watch.own, watch.default, tuple(watch.wrong)),
            *(counts, watch.expected, len(told_lines), watch.events),
        )


async def _slow(scene: Scene, calls: int, watch: _Watch) -> None:
    show(scene.files.faults, Faults(delay_ms=SLOW_MS))
    strangers = await _half_and_half(scene, calls, watch)
    watch.expected["store_slow"] = watch.events = len(strangers)
    # Their reads are under way, and must not end in the next fault.
    await asyncio.sleep(SLOW_MS / 1000)


async def _down(scene: Scene, calls: int, watch: _Watch) -> None:
    show(scene.files.faults, Faults(down=True))
    strangers = await _half_and_half(scene, calls, watch)
    await asyncio.sleep(LOOK_INTERVAL_S)
    watch.expected["store_failed"] = len(strangers)
    watch.events = len(strangers) + 1  # the store itself is told once
    show(scene.files.faults, Faults())
    await asyncio.sleep(BACK_S)
    # When it is back, so are they.
    again = [Call(each.account_id, scene.accounts[_number(each.account_id)]) for each in strangers[:1]]
    watch.own += len(again)
    watch.expected["loaded"] = len(again)
    watch.wrong += await scene.hear(again)


async def _broken(scene: Scene, calls: int, watch: _Watch) -> None:
    strangers = [scene.stranger() for _ in range(_half(calls))]
    familiar = [scene.accounts[number] for number in range(calls - len(strangers))]
    before = await scene.worker.told()
    await _break(scene, [*strangers, *familiar])

    def refused(counts: dict[str, int]) -> bool:
        return counts["refresh_failed"] >= before.counts["refresh_failed"] + len(familiar)

    await scene.worker.until("broken rows were read", refused, CHANGE_LIMIT_S)
    planned = [*(Call(each.id, None) for each in strangers), *(Call(each.id, each) for each in familiar)]
    watch.default, watch.own = len(strangers), len(familiar)
    watch.wrong += await _in_groups(scene, planned)
    watch.expected |= {"broken": len(strangers), "refresh_failed": len(familiar), "stale": len(familiar)}
    watch.events = len(planned)
    await scene.store.put([*strangers, *familiar])
    # Read before the next fault, in which this must not be taken for another change.
    await scene.worker.until(
        "mended rows were read",
        lambda counts: counts["refreshed"] >= before.counts["refreshed"] + len(familiar),
        CHANGE_LIMIT_S,
    )


async def _changed(scene: Scene, calls: int, watch: _Watch) -> None:
    """The next call has the new words in the new voice; the one that is on keeps its own to the end."""

    async def change(account: Account) -> Call:
        new = changed(account)
        scene.versions.append(new)
        await scene.store.put([new])
        return Call(account.id, new)

    await _during_calls(scene, calls, watch, change)
    watch.expected["prepared"] = watch.expected["refreshed"]


async def _deleted(scene: Scene, calls: int, watch: _Watch) -> None:
    """The next call is answered by the service; the one that is on goes on."""

    async def delete(account: Account) -> Call:
        await scene.store.delete(account.id)
        return Call(account.id, None)

    await _during_calls(scene, calls, watch, delete)
    watch.expected["unknown"] = watch.events = watch.default


async def _during_calls(scene: Scene, calls: int, watch: _Watch, change: Callable[[Account], Awaitable[Call]]) -> None:
    """In each pair of calls one is on while its account is changed, and the other comes behind the change."""
    for _ in range(_half(calls)):
        account = scene.stranger()
        watch.expected["refreshed"] = watch.expected.get("refreshed", 0) + 1
        watch.own += 1
        try:
            async with visit(scene.place, scene.worker.agent_name, account.id) as running:
                problem = await scene.problem(await running.greeted(), Call(account.id, account))
                before = await scene.worker.told()
                after = await change(account)
                await _noticed(scene, before.counts, prepared=after.expected is not None)
                watch.own += after.expected is not None
                watch.default += after.expected is None
                watch.wrong += await scene.hear([after])
                problem = problem or await _still(scene, running, account)
        except FAILURES as error:
            problem = f"{account.id}: {told(error)}"
        scene.told()
        watch.wrong += [problem] if problem else []


async def _noticed(scene: Scene, before: dict[str, int], *, prepared: bool) -> None:
    """Wait until the worker has read the change and, with `prepared`, spoken what is new."""

    def holds(counts: dict[str, int]) -> bool:
        done = counts["refreshed"] > before["refreshed"]
        return done and (not prepared or counts["prepared"] > before["prepared"])

    await scene.worker.until("a change was read", holds, CHANGE_LIMIT_S)


async def _still(scene: Scene, running: Visit, account: Account) -> str | None:
    """Whether a call that is on is still that of the account as it was: its instructions, and its voice."""
    number, answer = await running.ask(QUESTIONS[0])
    request = next(each for each in read_asked(scene.files.asked) if each.number == number)
    if account.instructions not in request.instructions:
        return f"{account.id}: a call that was on got the new instructions"
    new = changed(account).voice or ""
    line = await scene.whose(answer, OPENER, {OWN: account.voice or "", "the new one": new})
    return line and f"{account.id}: {line}"


async def _half_and_half(scene: Scene, calls: int, watch: _Watch) -> list[Call]:
    """Callers of accounts in memory, who hear them, and of strangers, who hear the service: the latter are returned."""
    strangers = [Call(scene.stranger().id, None) for _ in range(_half(calls))]
    familiar = known(scene, range(calls - len(strangers)))
    watch.own, watch.default = len(familiar), len(strangers)
    mixed = [call for pair in itertools.zip_longest(familiar, strangers) for call in pair if call is not None]
    watch.wrong += await _in_groups(scene, mixed)
    return strangers


async def _in_groups(scene: Scene, calls: Sequence[Call]) -> list[str]:
    wrong: list[str] = []
    for begin in range(0, len(calls), AT_ONCE):
        wrong += await scene.hear(calls[begin : begin + AT_ONCE])
    return wrong


async def _break(scene: Scene, accounts: Sequence[Account]) -> None:
    """As another program would: past all checks. The change is told to the workers."""
    from sqlalchemy import select, update

    from accounts.sql import tables

    async with scene.store.writing() as connection:
        version = (await connection.execute(select(tables.counter.c.version))).scalar_one()
        for account in accounts:
            version += 1
            row = update(tables.accounts).where(tables.accounts.c.id == account.id)
            await connection.execute(row.values(content=BROKEN, version=version))
        await connection.execute(update(tables.counter).values(version=version))


def _half(calls: int) -> int:
    return max(calls // 2, 1)


def _number(account_id: str) -> int:
    return int(account_id.rpartition("-")[2])
