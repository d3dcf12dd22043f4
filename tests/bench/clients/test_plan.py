"""The order of `bench clients`: from the seed, and fair to each side."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from bench.clients.plan import OUTAGE_S, PARTS, SIDES, WEIGHTS, Options, blocks, kinds, outages_s, parse_parts


def test_each_side_calls_as_often_and_comes_first_as_often_as_it_can() -> None:
    """2,003 calls in blocks; the turn moves on by one each time."""
    planned = list(blocks(Options(calls=2003)))
    calls: Counter[str] = Counter()
    for side, count in planned:
        calls[side] += count
    assert calls == dict.fromkeys(SIDES, 2003)
    first = Counter(side for side, _ in planned[:: len(SIDES)])
    assert max(first.values()) - min(first.values()) <= 1


def test_few_calls_are_not_more() -> None:
    """Blocks of nothing are left out."""
    assert sum(count for _, count in blocks(Options(calls=3))) == 9


def test_the_mix_of_requests_is_the_seed_s() -> None:
    """The same twice; all kinds about as often as they should be."""
    some = list(islice(kinds(Options(seed=3)), 2000))
    assert some == list(islice(kinds(Options(seed=3)), 2000))
    counted = Counter(some)
    assert all(abs(counted[kind] / 20 - weight) < 5 for kind, weight in WEIGHTS.items())


def test_outages_differ() -> None:
    """Within their bounds."""
    found = outages_s(Options(restarts=50))
    assert len(set(found)) == 50
    assert all(OUTAGE_S[0] <= each <= OUTAGE_S[1] for each in found)


@pytest.mark.parametrize(("text", "parts"), [("all", tuple(PARTS)), ("restarts", ("restarts",))])
def test_parts(text: str, parts: tuple[str, ...]) -> None:
    """All, or by name."""
    assert parse_parts(text) == parts
    assert Options(parts=parse_parts("calls")).command.startswith("agent.py bench clients --parts calls --calls 2000")


@pytest.mark.parametrize("text", ["", "calls,loud"])
def test_parts_that_are_none(text: str) -> None:
    """Named, with what is allowed."""
    with pytest.raises(ValueError, match="allowed: all, calls, restarts"):
        parse_parts(text)
