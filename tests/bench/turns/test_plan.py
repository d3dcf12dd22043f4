"""Every side hears the same, every part has its share, and no pause or noise is left out."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest

from bench.turns.corpus import ECHO_LOSSES_DB, PAUSES_MS, has_filler, noises
from bench.turns.plan import (
    AT_ONCE,
    ROUNDS,
    PlannedCall,
    calls_of,
    count,
    estimate_s,
    parse_parts,
    parse_pauses,
    plan,
    rounds,
    waves,
)
from bench.turns.results import PARTS
from bench.turns.sides import parse_sides


def test_sixty_turns_have_each_pause_as_often() -> None:
    """Also where the list is cut: 15 of each, and no sentence more than once."""
    scripts = [script for call in plan(("pause",), 60, 1) for script in call.scripts]
    assert Counter(script.pause_ms for script in scripts) == dict.fromkeys(PAUSES_MS, 15)
    assert max(Counter(scripts).values()) == 1
    fillers = Counter(script.pause_ms for script in scripts if has_filler(script.recording))
    assert fillers == dict.fromkeys(PAUSES_MS, 3)
    few = [script for call in plan(("pause",), 4, 1) for script in call.scripts]
    assert {script.pause_ms for script in few} == set(PAUSES_MS)


def test_other_pauses_are_as_often_too() -> None:
    """In the same places, and in Arabic; nothing else of the plan is another for them."""
    pauses_ms = (900, 1200, 1500, 1800, 2200)
    scripts = [script for call in plan(("pause",), 60, 1, pauses_ms) for script in call.scripts]
    assert Counter(script.pause_ms for script in scripts) == dict.fromkeys(pauses_ms, 12)
    arabic = {script.pause_ms for call in plan(("arabic",), 60, 1, pauses_ms) for script in call.scripts}
    assert arabic == {None, *pauses_ms}
    usual, other = plan(PARTS, 60, 1), plan(PARTS, 60, 1, pauses_ms)
    assert _without_pauses(usual) == _without_pauses(other)


def test_each_noise_is_made() -> None:
    """Short ones three in a reply; interruptions early and late in turns."""
    calls = plan(("noise", "barge"), 60, 1)
    made = {name for call in calls for reply in call.noises for name in reply}
    assert made == set(noises())
    assert sum(len(call.noises) for call in calls) == count("noise", 60) == 18
    when = [barge.when for call in calls for barge in call.barge_ins]
    assert when == ["early", "late"] * 9


def test_a_seed_gives_an_order() -> None:
    """The same one for each side, another one for another seed; a part does not change another's."""
    assert plan(PARTS, 20, 1) == plan(PARTS, 20, 1) != plan(PARTS, 20, 2)
    assert plan(("gap",), 20, 1) == [call for call in plan(PARTS, 20, 1) if call.part == "gap"]


def test_each_echo_is_as_loud_as_the_others_in_turns() -> None:
    """A caller has one device for a call."""
    calls = plan(("echo",), 60, 1)
    assert sum(call.echo_replies for call in calls) == count("echo", 60) == 6
    assert {call.echo_db for call in calls} == set(ECHO_LOSSES_DB)
    assert all(call.echo_db is None for call in plan(PARTS, 60, 1) if call.part != "echo")


def test_rounds_hold_all_calls_and_some_of_the_great_parts() -> None:
    """So that what disturbs the machine for a while hits more than one."""
    calls = plan(PARTS, 60, 1)
    dealt = rounds(calls)
    assert len(dealt) == ROUNDS
    assert sorted(map(repr, chain(*dealt))) == sorted(map(repr, calls))
    assert all({"gap", "pause"} <= {call.part for call in part} for part in dealt)
    assert len(rounds(calls[:1])) == 1


def test_a_wave_is_of_one_part_and_its_calls_last_as_long() -> None:
    """So that nobody waits for the longest of them; in 60 turns every wave but the last of a part is full."""
    calls = plan(PARTS, 60, 1)
    found = waves(calls)
    assert [*chain(*found)] == calls
    for wave in found:
        assert len({call.part for call in wave}) == 1
        assert len(wave) == AT_ONCE[wave[0].part]
        assert max(call.items for call in wave) - min(call.items for call in wave) <= 1
    for part in PARTS:
        assert [call.items for call in plan((part,), 1, 1)] == [1]


def test_a_starter_is_interrupted_in_one_mode() -> None:
    """Its default one, if it is among the sides; each of this project's profiles is."""
    sides, calls = parse_sides("all"), plan(PARTS, 20, 1)
    parts = {side.id: {call.part for call in calls_of(side, sides, calls)} for side in sides}
    assert parts["starter-stt"] == parts["starter-vad"] == {"gap", "pause", "arabic"}  # no long replies
    assert all(parts[name] == set(PARTS) for name in ("starter-v1-mini", "fast", "production", "steady"))
    alone = parse_sides("starter-stt,fast")
    assert {call.part for call in calls_of(alone[0], alone, calls)} == set(PARTS)


def test_parts_are_named() -> None:
    """In their own order, whatever order they are asked for in."""
    assert parse_parts("all") == PARTS
    assert parse_parts("pause, gap") == ("gap", "pause")
    for text, got in (("fast,gap", "fast"), ("", "nothing")):
        with pytest.raises(ValueError, match=f"got {got}, allowed: all, or with commas between: gap, pause"):
            parse_parts(text)


def test_pauses_are_lengths_in_ms() -> None:
    """The shortest first, each once."""
    assert parse_pauses("1200, 900,0900,") == (900, 1200)
    assert parse_pauses("100,5000") == (100, 5000)


@pytest.mark.parametrize(
    ("text", "got"),
    [
        *(("99", "99"), ("5001,900", "5001"), ("900,1e3,-5", "1e3, -5"), ("1.5", "1.5"), ("²", "²")),
        *((" , ", "nothing"), (",".join(map(str, range(100, 1000, 100))), "9 lengths"), ("9" * 5000, "9" * 5000)),
    ],
)
def test_what_is_no_pause_is_refused(text: str, got: str) -> None:
    """With what was given and what is allowed."""
    with pytest.raises(ValueError, match=f"^got {got}, allowed: 1 to 8 whole numbers of ms from 100 to 5000 with"):
        parse_pauses(text)


def test_longer_pauses_take_longer() -> None:
    """By as much as they are longer, call for call."""
    usual, longer = (plan(("pause",), 7, 1, (pause_ms,)) for pause_ms in (600, 2600))
    assert [call.items for call in usual] == [call.items for call in longer]
    assert estimate_s(longer[:1]) - estimate_s(usual[:1]) == pytest.approx(2.0 * usual[0].items)


def test_more_turns_take_longer() -> None:
    """By the estimate."""
    assert 0 < estimate_s(plan(PARTS, 6, 1)) < estimate_s(plan(PARTS, 60, 1)) < 3600 / 4


def test_calls_at_once_last_as_long_as_the_longest() -> None:
    """But callers who wait for each other last as long as all of them."""
    gap, pause = (plan((part,), 60, 1) for part in ("gap", "pause"))
    assert estimate_s(gap[:2]) == pytest.approx(2 * estimate_s(gap[:1]))
    assert estimate_s(pause[:3]) == max(estimate_s([call]) for call in pause[:3])


def _without_pauses(calls: list[PlannedCall]) -> list[PlannedCall]:
    return [call for call in calls if call.part not in ("pause", "arabic")]
