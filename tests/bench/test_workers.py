"""A process of the benchmark: ready, alive, or an error with its last words."""

from __future__ import annotations

import pytest

from bench.workers import Announced, BenchError

ENDS = "print('ready 7', flush=True); print('no more'); raise SystemExit(5)"


async def test_what_is_announced_is_returned() -> None:
    """The rest of the line after the prefix; a living process passes the check."""
    async with (
        process := Announced("it", "ready ", ["-c", "print('ready 7', flush=True); import time; time.sleep(60)"])
    ) as said:
        assert said == "7"
        process.check()


async def test_a_process_that_ends_during_the_run_is_an_error_with_its_last_words() -> None:
    """Its name, its exit code and what it said."""
    async with (process := Announced("worker", "ready ", ["-c", ENDS])):
        await process.process.wait()
        with pytest.raises(
            BenchError, match=r"worker: ended with exit code 5 during the run; it said:\nready 7\nno more"
        ):
            process.check()


async def test_a_process_that_does_not_become_ready_is_an_error() -> None:
    """It does not wait for the limit when the process has ended."""
    with pytest.raises(BenchError, match=r"it: ended with exit code 4"):
        async with Announced("it", "ready ", ["-c", "raise SystemExit(4)"]):
            pass
