"""Who comes when, and in which order: every side has its turns, and none always follows the same one."""

from __future__ import annotations

import itertools

import pytest

from bench.first_word.situations import (
    DEV,
    MEMORY,
    ROW_NAMES,
    SITUATIONS,
    Turn,
    arrivals_s,
    in_turns,
    parse_rows,
    plan,
    rounds,
)


def callers(turns: list[Turn], subject: str, row: str) -> int:
    ours = [turn for turn in turns if turn.subject == subject and row in {each.id for each in turn.situations}]
    return sum(len(turn.offsets_s) for turn in ours)


def test_rows_are_a_list_with_commas() -> None:
    """Blanks, repetitions and order do not matter: the report has its own order."""
    assert parse_rows("dev, standby-6,join,join") == ("join", "standby-6", "dev")
    assert parse_rows(" all ") == ROW_NAMES
    assert {DEV, MEMORY} < {*ROW_NAMES}


@pytest.mark.parametrize(("text", "named"), [("join,fast", "got fast"), (" , ", "got nothing"), ("", "got nothing")])
def test_an_unknown_row_is_named(text: str, named: str) -> None:
    """The message says what was found and what is allowed."""
    with pytest.raises(ValueError, match=f"{named}, allowed: all, or with commas between: join, token"):
        parse_rows(text)


@pytest.mark.parametrize("calls", [1, 2, 7, 30])
def test_each_subject_of_each_row_has_its_calls(calls: int) -> None:
    """At least as many as asked for; those who come alone exactly as many."""
    turns = plan(ROW_NAMES, calls, 1)
    for situation in SITUATIONS:
        for subject in situation.subjects:
            got = callers(turns, subject, situation.id)
            assert got == calls if situation.way == "alone" else got >= calls


def test_rows_of_a_group_share_their_floor() -> None:
    """One caller hears the floor for all three ways in which one caller comes."""
    (floor,) = (turn for turn in plan(("join", "token", "standby"), 1, 1) if turn.subject == "floor")
    assert [situation.id for situation in floor.situations] == ["join", "token", "standby"]


def test_the_starter_has_no_turn_where_it_does_not_apply() -> None:
    """Nobody waits for it in a standby room."""
    assert {turn.subject for turn in plan(("standby", "join-20"), 3, 1)} == {"firstword", "floor"}


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_the_order_changes_from_round_to_round(count: int) -> None:
    """Within two rounds for each turn, every one begins, and each pair stands in either order equally often."""
    turns = list(range(count))
    orders = [in_turns(turns, number) for number in range(2 * count)]
    assert all(sorted(order) == turns for order in orders)
    assert {order[0] for order in orders} == {*turns}
    for one, other in itertools.combinations(turns, 2):
        assert sum(order.index(one) < order.index(other) for order in orders) == count


def test_many_at_once_take_at_least_two_rounds() -> None:
    """A single round would have no other order."""
    assert (rounds("alone", 1, 30), rounds("at once", 6, 30), rounds("at once", 20, 30)) == (30, 5, 2)
    assert (rounds("at random", 1, 30), rounds("at random", 1, 1)) == (2, 1)


def test_random_arrivals_are_those_of_the_seed() -> None:
    """The same for both sides, others for another seed, with the asked mean pause."""
    times_s = arrivals_s(2001, 7)
    assert times_s == arrivals_s(2001, 7) != arrivals_s(2001, 8)
    assert times_s[0] == 0.0
    assert list(times_s) == sorted(times_s)
    assert times_s[-1] / 2000 == pytest.approx(1.0, rel=0.1)


def test_both_sides_meet_the_same_arrivals() -> None:
    """In one round everybody's callers come at the same times."""
    turns = plan(("join-random",), 10, 3)
    assert len({turn.offsets_s for turn in turns[:3]}) == 1
    assert turns[0].offsets_s != turns[3].offsets_s
