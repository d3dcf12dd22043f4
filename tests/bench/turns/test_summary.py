"""Each figure is made of the samples that its name says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.turns.results import BargeIn, Cost, Disturbance, EchoReply, LongReply, SideResult, Turn
from bench.turns.summary import Share, summarize
from tests.bench.turns.example import gap_turn, pause_turn


def side(**fields: object) -> SideResult:
    return replace(SideResult("fast", "fast", "firstword"), **fields)


def test_the_gap_is_that_of_plain_questions() -> None:
    """Not of sentences with a pause, and not of Arabic, which have their own."""
    turns = [gap_turn(900.0), gap_turn(1100.0), pause_turn(300, cut_off=False)]
    found = summarize(side(turns=[*turns, Turn("arabic", "arabic_hours", None, "answered", 1200.0)]), 700.0)
    assert found.gap is not None
    assert (found.gap.p50_ms, found.gap.n) == (1000.0, 2)
    assert found.overhead_ms == pytest.approx(300.0)
    assert found.pause_gap is not None
    assert found.arabic_gap is not None
    assert (found.pause_gap.p50_ms, found.arabic_gap.p50_ms) == (1000.0, 1200.0)


def test_callers_who_were_cut_off_have_no_gap_and_count_by_their_pause() -> None:
    """A turn that was cut off is not a quick one."""
    turns = [pause_turn(300, cut_off=False), pause_turn(900, cut_off=True), pause_turn(900, cut_off=False)]
    found = summarize(side(turns=turns), 700.0)
    assert found.cut_off == Share(1, 3)
    assert (found.cut_off_by_pause[300], found.cut_off_by_pause[900]) == (Share(0, 1), Share(1, 2))
    assert found.cut_off_by_pause[500].rate is None
    assert found.to_a_part == Share(1, 3)
    assert found.pause_gap is not None
    assert found.pause_gap.n == 2


def test_each_pause_that_was_asked_for_has_its_figures() -> None:
    """The gap of those who were not cut off after it; None where everybody was, and no other pause."""
    turns = [pause_turn(900, cut_off=False), pause_turn(900, cut_off=True), pause_turn(2200, cut_off=True)]
    found = summarize(side(turns=turns), 700.0, (900, 2200))
    assert found.cut_off_by_pause == {900: Share(1, 2), 2200: Share(1, 1)}
    assert found.pause_gap_by_pause.keys() == {900, 2200}
    assert found.pause_gap_by_pause[900] == found.pause_gap
    assert found.pause_gap_by_pause[2200] is None
    assert found.cut_off == Share(2, 3)


def test_arabic_with_a_pause_is_no_sentence_of_the_curve() -> None:
    """The curve has the same sentences for every side and every run."""
    cut = Turn("arabic", "arabic_hours.3.900", 900, "cut off", early_ms=50.0)
    found = summarize(side(turns=[cut]), 700.0)
    assert found.cut_off.n == 0
    assert found.arabic_cut_off == Share(1, 1)
    assert found.arabic_gap is None


def test_openers_are_told_apart_where_the_agent_tells() -> None:
    """Of the starter nothing is known: no hits of nothing."""
    turns = [gap_turn(800.0, opener=True), gap_turn(1000.0, opener=False), gap_turn(1000.0)]
    found = summarize(side(turns=turns), 700.0)
    assert found.opener is not None
    assert found.no_opener is not None
    assert (found.opener.p50_ms, found.no_opener.p50_ms, found.opener_hits) == (800.0, 1000.0, Share(1, 2))


def test_false_interruptions_count_a_minute_of_the_agents_speech() -> None:
    """With noises; what stops by itself is told of the replies without."""
    noises = Disturbance("cough", 600.0), Disturbance("mm_hm", 499.0), Disturbance("clap")
    noisy = LongReply(noises, 20.0, 2)
    found = summarize(side(long_replies=[LongReply((), 15.0, 1), noisy, noisy]), 700.0)
    assert found.false_a_minute == pytest.approx(3.0)
    assert found.own_a_minute == pytest.approx(4.0)
    assert found.noises == Share(2, 6)
    assert found.hesitations == Share(2, 6)
    assert found.noise_minutes == pytest.approx(2 / 3)


def test_stops_for_its_own_echo_count_a_minute_of_its_speech() -> None:
    """A reply that was broken off for it has stopped once more; who answers himself is told apart."""
    replies = [EchoReply(20.0, 2.0, 1, whole=False, answers=2), EchoReply(30.0, 10.0, 0, whole=True, answers=0)]
    found = summarize(side(echo_replies=replies), 700.0)
    assert found.echo_a_minute == pytest.approx(10.0)
    assert (found.echo_broken, found.echo_answered) == (Share(1, 2), Share(1, 2))


def test_fillers_are_told_apart() -> None:
    """They are sentences with a pause all the same."""
    cut = replace(pause_turn(900, cut_off=True), recording="filler_last.6.900")
    found = summarize(side(turns=[cut, pause_turn(900, cut_off=False)]), 700.0)
    assert (found.cut_off, found.filler_cut_off) == (Share(1, 2), Share(1, 1))


def test_true_interruptions_are_told_early_and_late() -> None:
    """And how many got no answer."""
    found = summarize(side(barge_ins=[BargeIn("early", 200.0, True), BargeIn("late", 300.0, False)]), 700.0)
    assert found.barge_in is not None
    assert found.barge_in.p50_ms == 250.0
    assert {when: each and each.p50_ms for when, each in found.barge_ins_by_when.items()} == {
        "early": 200.0,
        "late": 300.0,
    }
    assert found.unanswered == Share(1, 2)


def test_costs_are_for_a_sentence_and_for_a_minute() -> None:
    """LLM calls of plain questions, and apart from them of sentences with a pause."""
    costs = [Cost("gap", 5, 30.0, 6, 50, 10), Cost("arabic", 5, 30.0, 6, 50, 10), Cost("pause", 2, 30.0, 5, 9, 9)]
    found = summarize(side(costs=costs, log_lines=12, call_s=180.0), 700.0)
    assert (found.llm_calls, found.pause_llm_calls, found.llm_tokens) == (1.2, 2.5, 10.0)
    assert found.log_lines_a_minute == pytest.approx(4.0)
    assert found.calls == 3


def test_of_nothing_nothing_is_known() -> None:
    """No zero stands for what was not measured."""
    found = summarize(side(), 700.0)
    assert {
        found.gap,
        found.overhead_ms,
        found.false_a_minute,
        found.barge_in,
        found.llm_calls,
        found.echo_a_minute,
    } == {None}
    assert {found.log_lines_a_minute, found.cut_off.rate, found.lost.rate} == {None}
