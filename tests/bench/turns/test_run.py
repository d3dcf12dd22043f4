"""One short real run, and what a run says about itself before it begins."""

from __future__ import annotations

from dataclasses import replace

import pytest
import pytest_asyncio

from bench.turns import run
from bench.turns.results import PARTS, TurnsReport
from bench.turns.run import Options, count_calls, run_estimate_s, run_turns
from bench.turns.sides import parse_sides

SHORT = Options(turns=1, parts=("gap",), sides=parse_sides("fast"), latency="fixed", seed=1)
FULL = Options(turns=60, parts=PARTS, sides=parse_sides("all"), latency="fixed", seed=4)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def report() -> TurnsReport:
    """One side, one question, real processes; the call before it, which does not count, has none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "WARM_TURNS", 0)
        return await run_turns(SHORT)


async def test_a_question_of_a_real_run_is_answered(report: TurnsReport) -> None:
    """With a gap of the caller's, and the agent's words by its transcript."""
    assert report.failures == []
    (side,) = report.sides
    (turn,) = side.turns
    assert (turn.part, turn.outcome, turn.pause_ms, turn.to_a_part) == ("gap", "answered", None, False)
    assert turn.gap_ms is not None
    assert turn.gap_ms > 0.5 * report.providers_ms
    assert len(turn.replies) == 1
    assert turn.opener is not None


async def test_what_a_call_took_is_counted(report: TurnsReport) -> None:
    """At least one LLM request for the question, its tokens, what was spoken, and the lines of the worker's log."""
    (side,) = report.sides
    (cost,) = side.costs
    assert (cost.part, cost.sentences) == ("gap", 1 + side.torn)
    assert cost.llm_calls >= 1
    assert min(cost.llm_tokens, cost.tts_characters, side.log_lines) > 0
    assert side.call_s > cost.duration_s > 1


async def test_the_greeting_and_the_warm_up_are_no_turns(report: TurnsReport) -> None:
    """What was not asked for has no figure, and no target of it is reached or missed."""
    assert report.providers_ms == 700
    measured = [target.what for target in report.targets if target.reached is not None]
    assert measured[:2] == ["fast: response gap, ms", "fast: p50 over LLM + TTS, ms"]
    assert not [what for what in measured if "cut off" in what or "interruption" in what]


def test_the_command_does_the_same_again() -> None:
    """With all that was chosen."""
    assert SHORT.command == 'agent.py bench turns --turns 1 --parts gap --sides "fast" --latency fixed --seed 1'
    assert "--parts" not in FULL.command
    assert "--pauses" not in FULL.command
    assert " --parts gap --pauses 900,1200 --sides " in replace(SHORT, pauses_ms=(900, 1200)).command


def test_the_progress_counts_every_call() -> None:
    """One of a run of one question; the starter's other modes are not interrupted again."""
    assert count_calls(SHORT) == 1
    assert count_calls(FULL) == 6 * (6 + 9 + 3) + 4 * (6 + 3 + 6)


def test_a_full_run_takes_an_hour_and_a_short_one_a_minute() -> None:
    """By the estimate, for the sides that the targets are about."""
    sides = parse_sides("starter-v1-mini,starter-stt,fast,production,steady")
    assert run_estimate_s(SHORT) < 60 < 2400 < run_estimate_s(replace(FULL, sides=sides)) < 3600
