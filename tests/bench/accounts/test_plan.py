"""Who is called when: in turns, by seed, and each stranger once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from bench.accounts.plan import (
    PARTS,
    Options,
    count_calls,
    estimate_s,
    many_turns,
    new_turns,
    parse_parts,
    strangers,
    together,
)

DEFAULT = Options()


def test_one_and_any_are_called_in_turns() -> None:
    """As many of each, never more than two of one kind in a row, and which comes first changes."""
    turns = [turn for turn in many_turns(DEFAULT) if turn.arrival == "join"]
    assert Counter(turn.kind for turn in turns) == {"one": 60, "any": 60}
    pairs = [{turns[at].kind, turns[at + 1].kind} for at in range(0, len(turns), 2)]
    assert pairs == [{"one", "any"}] * 60
    assert len({turns[at].kind for at in range(0, len(turns), 2)}) == 2


def test_any_is_any_of_the_known_ones_but_the_one() -> None:
    """Account 0 is the one that is always called."""
    turns = many_turns(DEFAULT)
    assert {turn.account for turn in turns if turn.kind == "one"} == {0}
    others = {turn.account for turn in turns if turn.kind == "any"}
    assert others <= set(range(1, DEFAULT.called))
    assert len(others) > 50


def test_each_stranger_comes_once() -> None:
    """In the first calls and in the faults: who was called before is a stranger no more."""
    new = [turn.account for turn in new_turns(DEFAULT) if turn.kind == "new"]
    during_faults = [next(iterator) for iterator in [strangers(DEFAULT)] for _ in range(5 * DEFAULT.fault_calls)]
    assert len({*new, *during_faults}) == len(new) + len(during_faults)
    assert min(*new, *during_faults) >= DEFAULT.called
    assert max(*new, *during_faults) < DEFAULT.accounts


def test_who_is_called_at_once_differs_in_tools() -> None:
    """Four in each round."""
    rounds = together(DEFAULT)
    assert len(rounds) == DEFAULT.apart_calls
    assert all(sorted(number % 4 for number in numbers) == [0, 1, 2, 3] for numbers in rounds)
    assert [len(numbers) for numbers in together(replace(DEFAULT, at_once=2))] == [2] * DEFAULT.apart_calls


def test_the_seed_decides() -> None:
    """The same seed calls the same accounts, another one others."""
    for planned in (many_turns, new_turns, together):
        assert planned(DEFAULT) == planned(Options())
        assert planned(DEFAULT) != planned(replace(DEFAULT, seed=2))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"accounts": 1001}, "accounts: got 1001"),
        ({"called": 3}, "called: got 3"),
        ({"accounts": 210}, "called: got 200"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], named: str) -> None:
    """With the name of the option, what was given and what is allowed."""
    with pytest.raises(ValueError, match=f"{named}, allowed: "):
        Options(**fields)


def test_parts_are_read_by_name() -> None:
    """Each once, in the order given; an unknown one is named."""
    assert parse_parts("new, many,new") == ("new", "many")
    assert parse_parts("all") == tuple(PARTS)
    with pytest.raises(ValueError, match="got loud, allowed: all, many, new, faults, experiment"):
        parse_parts("many,loud")


def test_the_command_does_the_same_again() -> None:
    """With all that was chosen."""
    assert DEFAULT.command.startswith("agent.py bench accounts --calls 60 --new-calls 20")
    assert "--parts many,new" in replace(DEFAULT, parts=("many", "new")).command


def test_calls_and_minutes_grow_with_what_is_asked_for() -> None:
    """The bar and the estimate."""
    many = Options(calls=1, parts=("many",))
    assert count_calls(many) == len(many_turns(many)) == 4
    assert count_calls(DEFAULT) > count_calls(many)
    assert 20 < estimate_s(many) < estimate_s(DEFAULT) < 45 * 60
