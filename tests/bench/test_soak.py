"""One short real soak, and what its report says of lost calls and leaks."""

from __future__ import annotations

import functools
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from rich.console import Console

from bench import soak
from bench.measure import TURNS
from bench.soak import SoakReport, run_soak
from bench.soak_report import print_soak, write_soak
from sim.publisher import measure_downlink_ms

if TYPE_CHECKING:
    from pathlib import Path


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def report() -> SoakReport:
    """One call of one turn against a real worker, and one without before it that does not count.

    With a short greeting, and a way through the server that is measured by fewer bursts than a figure needs.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREETING", "Hello there.")
        patch.setattr(soak, "measure_downlink_ms", functools.partial(measure_downlink_ms, bursts=3))
        patch.setattr(soak, "TURNS", ((), TURNS[1]))
        return await run_soak(calls=1, turns=1, latency="fixed", seed=1)


def printed(report: SoakReport) -> str:
    out = io.StringIO()
    print_soak(report, Console(file=out, width=200))
    return out.getvalue()


async def test_a_call_is_completed_and_its_timeline_read(report: SoakReport) -> None:
    """The worker's own figures come through the room for the first word and for the turn."""
    (call,) = report.calls
    assert call.failed is None
    assert call.residuals.first_word_ms is not None
    assert len(call.gaps_ms) == len(call.residuals.turns_ms) == 1


async def test_nothing_of_a_call_is_left(report: SoakReport) -> None:
    """After its end LiveKit has no room, the worker no child process and the providers no open stream."""
    (call,) = report.calls
    held = call.resources
    assert (held.rooms, held.children, held.provider_streams) == (0, 0, 0)
    assert held.tasks > 0


async def test_a_lost_call_and_a_leak_are_failures(report: SoakReport) -> None:
    """Both are told in words, and both are shown."""
    (call,) = report.calls
    calls = [replace(call, resources=replace(call.resources, tasks=call.resources.tasks + n)) for n in range(6)]
    calls[2] = replace(calls[2], failed="nobody answered")
    leaking = replace(report, calls=tuple(calls))
    assert leaking.failures[0] == "nobody answered"
    assert any(failure.startswith("tasks grew by ") for failure in leaking.failures)
    assert "5 of 6 completed" in printed(leaking)


async def test_a_soak_is_written_down(report: SoakReport, tmp_path: Path) -> None:
    """The file holds the version and every call."""
    write_soak(report, tmp_path / "soak.json")
    content = json.loads((tmp_path / "soak.json").read_text(encoding="utf-8"))
    assert content["version"] == 1
    assert [call["failed"] for call in content["calls"]] == [None]
