"""Each target is computed from the samples that its words name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.target import verdict
from bench.turns.corpus import PAUSES_MS
from bench.turns.results import BargeIn, Cost, Disturbance, LongReply, SideResult
from bench.turns.summary import Summary, summarize
from bench.turns.targets import targets
from tests.bench.turns.example import gap_turn, pause_turn


def summary(name: str, gap_ms: float, cut_off: int, **fields: object) -> Summary:
    turns = [gap_turn(gap_ms) for _ in range(4)] + [pause_turn(900, cut_off=number < cut_off) for number in range(8)]
    side = SideResult(name, name, "starter" if "starter" in name else "firstword", turns=turns)
    return summarize(replace(side, **fields), 700.0)


FOUND = {
    "starter-v1-mini": summary("starter-v1-mini", 3000.0, 0),
    "starter-stt": summary("starter-stt", 1900.0, 4),
    "starter-vad": summary("starter-vad", 1800.0, 6),
    "fast": summary(
        "fast",
        990.0,
        5,
        barge_ins=[BargeIn("early", 100.0, True)] * 8 + [BargeIn("late", 400.0, True)] * 2,
        log_lines=10,
        call_s=60.0,
    ),
    "production": summary(
        "production", 1100.0, 2, costs=[Cost("gap", 10, 60.0, 13, 1, 1), Cost("pause", 10, 60.0, 15, 1, 1)]
    ),
    "steady": summary(
        "steady", 1500.0, 1, long_replies=[LongReply((Disturbance("cough"),), 30.0, 0)], log_lines=1, call_s=60.0
    ),
}


@pytest.mark.parametrize(
    ("words", "got", "said"),
    [
        ("fast: response gap, ms", 990.0, "reached"),
        ("fast: p50 over LLM + TTS, ms", 290.0, "reached"),
        ("fast: p50 over the starter's default", 0.33, "reached"),
        ("fast: p50 over the starter's best mode", 0.55, "reached"),
        ("production: response gap, ms", 1100.0, "reached"),
        ("fast, reply begun from memory: response gap, ms", None, "not measured"),
        ("fast: callers cut off, no more than the starter's with stt", 0.625, "not reached"),
        ("production: callers cut off, half of the starter's with stt", 0.25, "reached"),
        ("steady: callers cut off, a quarter of the starter's with stt", 0.125, "reached"),
        ("fast: false interruptions a minute", None, "not measured"),
        ("steady: false interruptions a minute", 0.0, "reached"),
        ("fast: sound stops for a true interruption, ms", 100.0, "not reached"),
        ("production: LLM calls a plain question", 1.3, "reached"),
        ("production: LLM calls a sentence with a pause", 1.5, "not reached"),
        ("fast: log lines a call-minute", 10.0, "not reached"),
        ("steady: log lines a call-minute", 1.0, "reached"),
        ("production: turns without an answer", 0.0, "reached"),
    ],
)
def test_a_target_is_what_it_names(words: str, got: float | None, said: str) -> None:
    """With its figure and its verdict."""
    target = {each.what: each for each in targets(FOUND, fixed=True)}[words]
    assert target.got_p50 == (None if got is None else pytest.approx(got))
    assert verdict(target) == said


def test_milliseconds_are_no_target_of_other_latencies() -> None:
    """They are set for the fixed ones; ratios and shares hold for all."""
    said = {each.what: verdict(each) for each in targets(FOUND, fixed=False)}
    assert {said[what] for what in said if what.endswith("gap, ms") or "LLM + TTS" in what} == {"not measured"}
    assert said["fast: p50 over the starter's default"] == "reached"


def test_without_the_starter_nothing_is_compared() -> None:
    """A cut-off rate of nothing allows nothing, so it is not measured."""
    said = {each.what: verdict(each) for each in targets({"fast": FOUND["fast"]}, fixed=True)}
    assert said["fast: callers cut off, no more than the starter's with stt"] == "not measured"
    assert said["fast: p50 over the starter's best mode"] == "not measured"
    assert said["fast: response gap, ms"] == "reached"


def test_of_nothing_nothing_is_reached_or_missed() -> None:
    """The targets that are told have no figure."""
    assert {verdict(each) for each in targets({}, fixed=True)} == {"not measured"}


OF_PAUSES = (
    "fast: callers cut off, no more than the starter's with stt",
    "production: callers cut off, half of the starter's with stt",
    "steady: callers cut off, a quarter of the starter's with stt",
    "production: LLM calls a sentence with a pause",
)


def paused(pauses_ms: tuple[int, ...], cut_off: dict[str, int]) -> dict[str, Summary]:
    """Each side has two sentences a pause, and so many cut off of those with the longest one."""
    costs = [Cost("gap", 10, 60.0, 13, 1, 1), Cost("pause", 10, 60.0, 15, 1, 1)]
    found: dict[str, Summary] = {}
    for name, count in cut_off.items():
        turns = [
            pause_turn(pause, cut_off=pause == max(pauses_ms) and number < count)
            for pause in pauses_ms
            for number in range(2)
        ]
        found[name] = summarize(SideResult(name, name, "firstword", turns=turns, costs=costs), 700.0, pauses_ms)
    return found


CUT = {"starter-stt": 2, "fast": 1, "production": 2, "steady": 2}


@pytest.mark.parametrize("pauses_ms", [(1200, 1800), (900, 1200), (300, 500, 700)])
def test_other_pauses_are_no_target(pauses_ms: tuple[int, ...]) -> None:
    """Nor are some of those that the targets are set for; what has nothing to do with a pause is judged."""
    said = {each.what: verdict(each) for each in targets(paused(pauses_ms, CUT), fixed=True)}
    assert {said[what] for what in OF_PAUSES} == {"not measured"}
    assert said["production: LLM calls a plain question"] == "reached"
    assert said["production: turns without an answer"] == "reached"


def test_pauses_beside_the_usual_ones_do_not_count() -> None:
    """Who is cut off after them alone is not cut off; of LLM calls nobody knows for which pause they were."""
    found = {each.what: each for each in targets(paused((*PAUSES_MS, 2200), CUT), fixed=True)}
    assert [(found[what].got_p50, found[what].n) for what in OF_PAUSES[:3]] == [(0.0, 8)] * 3
    assert verdict(found[OF_PAUSES[3]]) == "not measured"
    usual = {each.what: verdict(each) for each in targets(paused(PAUSES_MS, CUT), fixed=True)}
    assert [usual[what] for what in OF_PAUSES] == ["reached", "not reached", "not reached", "not reached"]
