"""What a call gave."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from accounts.measures import CALLER_CAME, MEASURES, Measures, measure_call, read_measures
from tests.accounts.calls import NOTICED_MS, call_record


def measures(**fields: Any) -> Measures:
    found = measure_call(call_record("AJ_1", {}, **fields))
    assert found is not None
    return found


def test_a_call_in_its_figures() -> None:
    """Times and counts are those of the record; the minutes begin when the caller comes."""
    found = measures(gaps_ms=(700.0, None, 900.04), cut_offs=1, false_interruptions=2, errors=3)
    assert found == Measures(
        heard=True,
        first_word_ms=80.0,
        gaps_ms=(700.0, 900.0),
        turns=3,
        minutes=1.0,
        cut_offs=1,
        false_interruptions=2,
        errors=3,
    )


def test_the_first_word_counts_from_the_servers_time() -> None:
    """Also of who came before the dispatch, and of whom the agent heard only after it had spoken."""
    assert measures(joined_ms=-150.0, first_word_ms=400.0).first_word_ms == pytest.approx(400.0)
    assert measures(first_word_ms=NOTICED_MS - 10).first_word_ms == pytest.approx(30.0)


def test_a_first_word_that_is_not_known_is_none() -> None:
    """Without the server's time, or for a second agent of the same call; it was heard all the same."""
    call = call_record("AJ_1", {})
    call.start.marks = [mark for mark in call.start.marks if mark.name != CALLER_CAME]
    for found in (measure_call(call), measures(joined_ms=-60_000.0, first_word_ms=60_500.0)):
        assert found is not None
        assert (found.first_word_ms, found.heard) == (None, True)


def test_a_call_that_nobody_came_to_gave_nothing() -> None:
    """An agent that waited in vain says nothing about a variant."""
    assert measure_call(call_record("AJ_1", {}, joined_ms=None)) is None


def test_who_left_before_the_first_word_is_counted() -> None:
    """A slow variant would look better without them."""
    (unheard,) = [each.rate for each in MEASURES if each.title == "left unheard"]
    assert unheard is not None
    assert unheard(measures(first_word_ms=None)) == (1, 1)
    assert unheard(measures()) == (0, 1)


def test_each_measure_of_a_call() -> None:
    """Times, or what is counted and per what."""
    found = measures(gaps_ms=(700.0, 2500.0), cut_offs=1, false_interruptions=2, errors=3)
    values = {each.title: take(found) for each in MEASURES if (take := each.times or each.rate) is not None}
    assert values == {
        "first word": (80.0,),
        "response gap": (700.0, 2500.0),
        "slow replies": (1, 2),
        "cut-offs": (1, 2),
        "false interruptions": (2, 1.0),
        "errors": (3, 1),
        "left unheard": (0, 1),
    }


def test_a_call_survives_json() -> None:
    """What a database gives back is what was written."""
    found = measures(first_word_ms=None)
    assert read_measures(json.loads(json.dumps(found.as_dict()))) == found


@pytest.mark.parametrize(
    "change", [{"turns": None}, {"turns": "many"}, {"gaps_ms": 3}, {"gaps_ms": ["x"]}, {"minutes": float("nan")}]
)
def test_what_is_no_call_is_refused(change: dict[str, object]) -> None:
    """A row that another version wrote does not become a figure."""
    with pytest.raises(ValueError, match="not what a call gave"):
        read_measures(measures().as_dict() | change)
    with pytest.raises(ValueError, match="not what a call gave"):
        read_measures({})


def test_a_long_call_is_bounded() -> None:
    """One row stays small."""
    long = replace(measures(gaps_ms=[700.0] * 800))
    assert (len(long.gaps_ms), long.turns) == (500, 800)
