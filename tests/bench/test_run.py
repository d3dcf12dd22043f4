"""The plan of a run, and one short real run: calls are completed and all is told, whatever the times are."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from agent import service
from bench import run, workers
from bench.measure import TURNS
from bench.report import as_markdown
from bench.run import BenchReport, Options, parse_modes, plan, provider_times_ms, run_bench
from cli.app import build_app
from sim.latency import fixed_profile
from sim.speech.library import load_speech

if TYPE_CHECKING:
    from pathlib import Path

SHORT = Options(calls=1, turns=1, latency="fixed", seed=1, modes=("join", "early", "gap"), turn_detection="vad")
COMMAND = ("bench", "--calls", "1", "--turns", "1")


@dataclass(frozen=True)
class Ran:
    """`agent.py bench`: what it measured, printed and wrote."""

    report: BenchReport
    code: int
    output: str
    file: Path


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The command itself, one call a side and measure, against real processes.

    With a short greeting, calls without a turn before what counts, and a starter that is not waited for at the end.
    """
    file = tmp_path_factory.mktemp("bench") / "run.json"
    measured: list[BenchReport] = []

    async def kept(options: Options) -> BenchReport:
        measured.append(await run_bench(options))
        return measured[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREETING", "Hello there.")
        patch.setattr(run, "TURNS", ((), TURNS[SHORT.seed]))
        patch.setattr(workers, "STOP_GRACE_S", 0.5)
        patch.setattr(run, "run_bench", kept)
        # It runs a loop of its own, which needs a thread of its own.
        done = await asyncio.to_thread(CliRunner().invoke, build_app(service), [*COMMAND, "--json", str(file)])
    assert measured, done.output
    return Ran(measured[0], done.exit_code, done.output, file)


@pytest.fixture
def report(ran: Ran) -> BenchReport:
    return ran.report


def test_modes_are_a_list_with_commas() -> None:
    """Blanks and repetitions do not matter; the order is kept."""
    assert parse_modes("gap, join,gap") == ("gap", "join")


@pytest.mark.parametrize(("text", "named"), [("join,fast", "got fast"), (" , ", "got nothing")])
def test_an_unknown_mode_is_named(text: str, named: str) -> None:
    """The message says what was found and what is allowed."""
    with pytest.raises(ValueError, match=f"{named}, allowed: join, early, gap"):
        parse_modes(text)


def test_the_sides_take_turns_and_so_does_the_first_call() -> None:
    """A B B A: neither side always follows the other one, and both say the same in a round."""
    calls = plan(Options(2, 3, "fixed", 1, ("gap",), "vad"))
    assert [call.side for call in calls] == ["starter", "firstword", "firstword", "starter"]
    assert calls[0].recordings == calls[1].recordings != calls[2].recordings
    assert all(name in load_speech() for call in calls for name in call.recordings)


def test_without_the_gap_nobody_speaks() -> None:
    """A run of first words alone has calls without turns, one for each measure."""
    calls = plan(Options(1, 3, "fixed", 1, ("join", "early"), "vad"))
    assert [(call.arrival, call.recordings) for call in calls] == [("join", ())] * 2 + [("early", ())] * 2


def test_the_providers_own_time_is_llm_and_tts() -> None:
    """With fixed delays it is their sum: 500 and 200 ms."""
    assert set(provider_times_ms(fixed_profile(), draws=3)) == {700.0}


async def test_every_call_of_a_real_run_is_completed(report: BenchReport) -> None:
    """Both sides answer both ways of arriving."""
    assert [sample.call.failed for sample in report.samples] == [None] * 4
    assert (report.completed("starter"), report.completed("firstword")) == ((2, 2), (2, 2))


async def test_a_real_run_measures_each_side(report: BenchReport) -> None:
    """Each measure has one sample a side, and a floor."""
    for compared in report.comparisons():
        assert compared.starter is not None
        assert compared.firstword is not None
        assert (compared.starter.n, compared.firstword.n) == (1, 1)
        assert compared.floor is not None


async def test_no_agent_is_faster_than_its_providers(report: BenchReport) -> None:
    """A gap below LLM + TTS would be a measuring error, and so would be a word before the connect call."""
    for side in ("starter", "firstword"):
        assert min(report.times_ms(side, "gap")) > 700.0
    assert all((sample.call.ttfw_ms or 0.0) > 0.0 for sample in report.samples)


async def test_an_early_dispatch_is_early(report: BenchReport) -> None:
    """The agent was sent for at least half a second before the caller's connect call."""
    leads = [sample.call.lead_ms for sample in report.samples if sample.call.arrival == "early"]
    assert all(lead is not None and lead >= 450.0 for lead in leads)


async def test_a_real_run_is_told_and_written_down(ran: Ran) -> None:
    """By the command as it is called: a line a measure, exit code 0; the file has version, machine and every sample."""
    assert (ran.code, ran.report.options) == (0, SHORT), ran.output
    assert "Completed calls: starter 2 of 2, firstword 2 of 2." in " ".join(ran.output.split())
    content = json.loads(ran.file.read_text(encoding="utf-8"))
    assert content["version"] == 1
    assert content["machine"]["livekit_agents"]
    assert [sample["side"] for sample in content["samples"]] == [sample.side for sample in ran.report.samples]
    assert as_markdown(ran.report).count("\n| ") == 4
