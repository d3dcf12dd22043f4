"""What can be asked for, and who calls when."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.browser.plan import PARTS, TRANSPORTS, Options, parse_parts, parse_transports, turns_of


def test_parts_and_ways_by_name() -> None:
    """All, or those that are named, each once and in the usual order."""
    assert parse_parts("all") == PARTS
    assert parse_parts("echo, click,echo") == ("click", "echo")
    assert parse_transports("livekit") == ("livekit",)


@pytest.mark.parametrize("text", ["", "clack", "click,clack"])
def test_no_such_part(text: str) -> None:
    """The error names what was given and what is allowed."""
    with pytest.raises(ValueError, match=r"allowed: all, click, turns, echo, leaks, load, cuts"):
        parse_parts(text)


def test_the_ways_take_turns() -> None:
    """Each once a round with the floor; the seed gives the order, which is not always the same."""
    options = Options(clicks=20)
    turns = list(turns_of(options))
    rounds = [tuple(turns[begin : begin + 3]) for begin in range(0, len(turns), 3)]
    assert all(Counter(each) == Counter({"whip": 1, "livekit": 1, "floor": 1}) for each in rounds)
    assert len(set(rounds)) > 1
    assert turns == list(turns_of(options))
    assert turns != list(turns_of(Options(clicks=20, seed=2)))


def test_the_command_does_the_same_again() -> None:
    """Only counts of parts that are asked for."""
    assert Options().command == (
        "agent.py bench browser --clicks 40 --browsers 5 --chirps 40 --leak-calls 500 --load-calls 20 --seed 1"
    )
    one = Options(chirps=9, parts=("echo",), transports=TRANSPORTS[:1], seed=3)
    assert one.command == "agent.py bench browser --parts echo --transports whip --chirps 9 --seed 3"
