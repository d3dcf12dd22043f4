"""How often somebody may ask."""

from __future__ import annotations

import asyncio

import pytest

from rooms.door import rate
from rooms.door.rate import Rate


def taken(limit: Rate, times: int, name: str = "") -> int:
    return sum(limit.wait_s(name) == 0 for _ in range(times))


def test_a_burst_and_no_more() -> None:
    """Thirty of a minute's thirty at once, each name apart; then the wait is within the minute."""
    limit = Rate("30/minute")
    assert taken(limit, 40, "ada") == 30
    assert taken(limit, 40, "bob") == 30
    assert 0 < limit.wait_s("ada") <= 60


def test_all_limits_hold() -> None:
    """The narrow one for a burst, the wide one for the long run; who is refused by one is not counted by the other."""
    limit = Rate("1000/second", "5/hour")
    assert taken(limit, 50) == 5
    narrow = Rate("2/hour", "5/hour")
    assert taken(narrow, 50) == 2


async def test_time_gives_it_back() -> None:
    """Two seconds after a burst there is one to be had again."""
    limit = Rate("3/second")
    assert taken(limit, 20) >= 3
    async with asyncio.timeout(30):
        while limit.wait_s() > 0:
            await asyncio.sleep(0.05)


def test_many_names_share_one_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes with ever new names fills no memory, and gets no more than one name's share beyond the table."""
    monkeypatch.setattr(rate, "MOST_NAMES", 10)
    limit = Rate("4/hour")
    assert sum(limit.wait_s(f"name-{number}") == 0 for number in range(100)) == 10 + 4


def test_a_limit_that_cannot_be_read_is_an_error() -> None:
    """At the start, not at the first request."""
    with pytest.raises(ValueError, match="couldn't parse"):
        Rate("often")
