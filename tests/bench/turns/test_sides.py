"""Sides are named, paired, and given to a worker as settings."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest

from bench.turns.sides import SEATS, STARTERS, groups, parse_sides, turned


def test_all_is_the_starter_in_each_mode_and_each_profile() -> None:
    """Six sides; a side that is named twice is one."""
    assert [side.id for side in parse_sides("all")] == [*STARTERS, "fast", "production", "steady"]
    assert [side.id for side in parse_sides("fast,starter-stt,fast")] == ["fast", "starter-stt"]


def test_a_starter_has_its_turn_detection_and_a_profile_its_settings() -> None:
    """By the field's name, whatever case it was written in."""
    starter, fast, slow = parse_sides("starter-v1-mini,fast,fast:OPENERS=false:MIN_ENDPOINTING_DELAY=0.5")
    assert (starter.side, starter.turn_detection, starter.settings) == ("starter", "v1-mini", {})
    assert fast.settings == {"profile": "fast"}
    assert slow.settings == {"profile": "fast", "openers": "false", "min_endpointing_delay": "0.5"}
    assert slow.title == "fast, OPENERS=false MIN_ENDPOINTING_DELAY=0.5"


def test_steps_are_fast_without_each_and_without_all() -> None:
    """One setting changed in each, all of them in the last."""
    whole, *less, bare = parse_sides("steps")
    assert whole.id == "fast"
    assert {len(side.settings) for side in less} == {2}
    assert len(bare.settings) == len(less) + 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("quick", "got quick, allowed: starter-v1-mini, starter-stt"),
        (" , ", "got nothing, allowed: "),
        ("fast:SPEED=1", r"got 'SPEED=1' in fast:SPEED=1, allowed: NAME=value"),
        ("fast:OPENERS", r"got 'OPENERS' in fast:OPENERS, allowed: NAME=value"),
    ],
)
def test_what_is_no_side_is_refused(text: str, named: str) -> None:
    """With what was given and what is allowed."""
    with pytest.raises(ValueError, match=named):
        parse_sides(text)


@pytest.mark.parametrize(
    "text", ["all", "fast", "steps", "starter-stt,starter-vad", "all,steps", "all,fast:OPENERS=false"]
)
def test_every_side_has_one_seat(text: str) -> None:
    """At most SEATS workers live at a time."""
    sides = parse_sides(text)
    assert Counter(chain(*groups(sides))) == Counter(sides)
    assert all(1 <= len(group) <= SEATS for group in groups(sides))


def test_a_starter_sits_beside_a_profile() -> None:
    """And somebody else begins in each round: what one side does to the next is shared out."""
    (group,) = groups(parse_sides("all"))
    assert [side.side for side in group] == ["starter", "firstword"] * 3
    orders = [turned(group, number) for number in range(3)]
    assert [order[0].id for order in orders] == ["starter-v1-mini", "fast", "starter-stt"]
    assert all(Counter(order) == Counter(group) for order in orders)
