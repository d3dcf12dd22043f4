"""What a call leaves in the log at the default level."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from observe.call_log import SLOW_MS, CallLog
from tests.observe.records import call, turn


def lines(caplog: pytest.LogCaptureFixture, *names: str) -> list[dict[str, Any]]:
    """The message and the named fields of each line; all lines are of the call's logger."""
    assert {record.name for record in caplog.records} == {"call"}
    return [
        {"event": record.getMessage(), **{name: vars(record)[name] for name in names if name in vars(record)}}
        for record in caplog.records
    ]


@pytest.mark.parametrize(("level", "numbers"), [("INFO", [1, 4]), ("DEBUG", [1, 2, 3, 4])])
async def test_a_quick_call_does_not_fill_the_log(
    caplog: pytest.LogCaptureFixture, level: str, numbers: list[int]
) -> None:
    """One line when it begins, one when it ends, and one each half minute of turns."""
    times_s = iter([5.0, 9.0, 34.9, 35.0])
    log, record = CallLog(lambda: next(times_s)), call()
    with caplog.at_level(level):
        await log.started(record)
        for number in (1, 2, 3, 4):
            record.turns.append(turn(number))
            await log.turned(record, record.turns[-1])
        await log.ended(record)
    said = lines(caplog, "n")
    assert [line["event"] for line in said] == ["call began", *["turn"] * len(numbers), "call ended"]
    assert [line["n"] for line in said[1:-1]] == numbers


@pytest.mark.parametrize("wrong", [{"cut_off": True}, {"withdrawn": True}, {"gap_ms": SLOW_MS + 1}])
async def test_a_turn_that_went_wrong_has_its_line(caplog: pytest.LogCaptureFixture, wrong: dict[str, Any]) -> None:
    """However close to the one before it."""
    log = CallLog(lambda: 5.0)
    with caplog.at_level("INFO"):
        await log.turned(call(), turn(1))
        await log.turned(call(), replace(turn(2), **wrong))
        await log.turned(call(), turn(3))
    assert [line["n"] for line in lines(caplog, "n")] == [1, 2]


async def test_the_first_line_has_every_stage_and_the_first_word(caplog: pytest.LogCaptureFixture) -> None:
    """Whole milliseconds from dispatch: when each stage was done."""
    with caplog.at_level("INFO"):
        await CallLog().started(call())
    assert lines(caplog, "dispatch_ms", "room_ms", "first_word_ms") == [
        {"event": "call began", "dispatch_ms": 2, "room_ms": 50, "first_word_ms": 88}
    ]


async def test_a_turns_line_has_its_times(caplog: pytest.LogCaptureFixture) -> None:
    """None where there was no such stage."""
    names = ("n", "gap_ms", "end_of_turn_ms", "transcript_ms", "llm_ttft_ms", "tts_ttfb_ms", "overhead_ms")
    with caplog.at_level("INFO"):
        await CallLog().turned(call(), turn(3))
    assert lines(caplog, *names) == [
        {
            "event": "turn",
            "n": 3,
            "gap_ms": 812,
            "end_of_turn_ms": None,
            "transcript_ms": 301,
            "llm_ttft_ms": 251,
            "tts_ttfb_ms": 120,
            "overhead_ms": 441,
        }
    ]


async def test_what_is_rare_is_in_a_turns_line_only_where_it_happened(caplog: pytest.LogCaptureFixture) -> None:
    """Each flag of a turn, and the LLM's calls if it took more than one."""
    names = ("speculated", "opener", "interrupted", "cut_off", "withdrawn", "llm_calls")
    with caplog.at_level("INFO"):
        await CallLog().turned(call(), turn(1, llm_calls=1))
        await CallLog().turned(call(), turn(2, speculated=True, opener=True, llm_calls=3))
        await CallLog().turned(call(), turn(3, interrupted=True, cut_off=True))
        await CallLog().turned(call(), turn(4, withdrawn=True))
    assert lines(caplog, *names) == [
        {"event": "turn"},
        {"event": "turn", "speculated": True, "opener": True, "llm_calls": 3},
        {"event": "turn", "interrupted": True, "cut_off": True},
        {"event": "turn", "withdrawn": True},
    ]


async def test_the_last_line_says_who_ended_it_and_what_went_wrong(caplog: pytest.LogCaptureFixture) -> None:
    """`errors` only if there were any."""
    good, bad = call(), call()
    good.ended_by, good.duration_s = "caller", 12.345
    bad.ended_by, bad.errors = "error", ["greeting: the voice did not answer"]
    with caplog.at_level("INFO"):
        await CallLog().ended(good)
        await CallLog().ended(bad)
    assert lines(caplog, "by", "seconds", "turns", "errors") == [
        {"event": "call ended", "by": "caller", "seconds": 12.3, "turns": 0},
        {
            "event": "call ended",
            "by": "error",
            "seconds": 0.0,
            "turns": 0,
            "errors": ["greeting: the voice did not answer"],
        },
    ]


async def test_the_last_line_counts_what_went_wrong_in_the_turns(caplog: pytest.LogCaptureFixture) -> None:
    """Gaps and LLM calls always, cut-offs and false interruptions if there were any."""
    smooth, rough = call(), call()
    smooth.turns, smooth.tally.llm_calls = [turn(1)], 1
    rough.turns = [turn(1, cut_off=True), replace(turn(2), gap_ms=1500.4), turn(3, cut_off=True)]
    rough.tally.llm_calls, rough.tally.false_interruptions = 5, 2
    with caplog.at_level("INFO"):
        await CallLog().ended(smooth)
        await CallLog().ended(rough)
    assert lines(caplog, "turns", "gap_p50_ms", "gap_max_ms", "llm_calls", "cut_offs", "false_interruptions") == [
        {"event": "call ended", "turns": 1, "gap_p50_ms": 812, "gap_max_ms": 812, "llm_calls": 1},
        {
            "event": "call ended",
            "turns": 3,
            "gap_p50_ms": 812,
            "gap_max_ms": 1500,
            "llm_calls": 5,
            "cut_offs": 2,
            "false_interruptions": 2,
        },
    ]
