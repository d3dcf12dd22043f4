"""The first call after `agent.py dev` says its address, beside later calls of the same run."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from bench.first_word.calls import Heard, hear_one
from bench.first_word.doors import by_page
from bench.first_word.results import Row
from bench.first_word.targets import DEV_FIRST, DEV_WARM
from bench.workers import PROJECT, Announced
from cli.child_settings import child_environment
from config import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

READY_PREFIX = "  Ready after "
ADDRESS_AFTER = "Talk to it:"
CALLS_A_START = 5
WARM_FROM = 2  # the third call is warm
CALLS_PER_START = 6  # of --calls
FEWEST_STARTS = 3


class DevProcess(Announced):
    """`agent.py dev` as a user without keys runs it; entering it returns what it says when it is ready."""

    def __init__(self, folder: Path) -> None:
        arguments = [str(PROJECT / "agent.py"), "dev", "--latency", "fixed"]
        # A folder without .env and an environment without settings: whatever is set here, all is simulated.
        env = {name: value for name, value in child_environment().items() if name.lower() not in Settings.model_fields}
        super().__init__("dev", READY_PREFIX, arguments, env, folder=folder)


def address_in(said: str) -> str:
    """The page's address in the line that `dev` prints. ValueError if it is not there."""
    _, _, rest = said.partition(ADDRESS_AFTER)
    if not rest.split() or not rest.split()[0].startswith("http://"):
        raise ValueError(f"dev: got {said!r}, allowed: a line with '{ADDRESS_AFTER}' and the page's address")
    return rest.split()[0]


def starts(calls: int) -> int:
    """How often `dev` is started for `calls` calls a row: a start costs seconds."""
    return min(calls, max(FEWEST_STARTS, calls // CALLS_PER_START))


async def measure_dev(count: int, told: Callable[[int], None]) -> tuple[Row, Row]:
    """`count` starts of `dev`: the first calls, and the third to fifth ones. Raises `BenchError`."""
    first: list[Heard] = []
    warm: list[Heard] = []
    for _ in range(count):
        calls = await _one_start(told)
        first.append(calls[0])
        warm += calls[WARM_FROM:]
    return (
        _row(DEV_FIRST, "first call after `dev` has printed its address", first),
        _row(DEV_WARM, "third to fifth call of the same `dev`", warm),
    )


async def _one_start(told: Callable[[int], None]) -> list[Heard]:
    """CALLS_A_START calls, one after the other."""
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    with tempfile.TemporaryDirectory(prefix="firstword-dev-") as folder:
        async with aiohttp.ClientSession() as session:
            door, dev = by_page(address, session), DevProcess(Path(folder))
            # The first caller is ready before the address is: what is measured is the agent, not the caller.
            first = asyncio.create_task(hear_one(None, door))
            try:
                async with dev as said:
                    address.set_result(address_in(said))
                    calls = [await first]
                    told(1)
                    while len(calls) < CALLS_A_START:
                        await dev.quiet()
                        calls.append(await hear_one(None, door))
                        told(1)
            finally:
                first.cancel()
                await asyncio.wait([first])
    return calls


def _row(row_id: str, title: str, calls: list[Heard]) -> Row:
    failed = [call.failed for call in calls if call.failed is not None]
    done_ms = [call.ttfw_ms for call in calls if call.failed is None]
    return Row(row_id, title, "token", 1, {"firstword": done_ms}, [], {"firstword": failed} if failed else {})
