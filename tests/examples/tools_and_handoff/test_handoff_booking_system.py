"""The simulated booking system: slow, sometimes away, and never half done."""

from __future__ import annotations

import asyncio

import pytest

from examples.tools_and_handoff.booking_system import SEATS, BookingSystem, NoAnswer, Table

TABLE = Table(2, "tomorrow", "seven")


async def test_it_finds_and_books() -> None:
    """A table is free for as many as there are seats."""
    system = BookingSystem(takes_s=(0, 0))
    assert await system.find(TABLE) == TABLE
    assert await system.find(Table(SEATS + 1, "tomorrow", "seven")) is None
    await system.book(TABLE)
    assert system.booked == [TABLE]
    assert system.counts == {"asked": 3, "answered": 3}


async def test_one_in_so_many_is_not_answered() -> None:
    """A booking that was not answered is none."""
    system = BookingSystem(takes_s=(0, 0), fails_every=2)
    await system.book(TABLE)
    with pytest.raises(NoAnswer):
        await system.book(TABLE)
    assert system.booked == [TABLE]
    assert system.counts["failed"] == 1


async def test_what_is_cancelled_is_counted() -> None:
    """Nobody waited for it, and it is not booked."""
    system = BookingSystem(takes_s=(60, 60))
    booking = asyncio.create_task(system.book(TABLE))
    await asyncio.sleep(0)
    booking.cancel()
    await asyncio.gather(booking, return_exceptions=True)
    assert system.counts == {"asked": 1, "dropped": 1}
    assert system.booked == []


@pytest.mark.parametrize(("fields", "named"), [({"takes_s": (3, 2)}, "takes_s"), ({"fails_every": -1}, "fails_every")])
def test_wrong_values_are_named(fields: dict[str, object], named: str) -> None:
    """With what was found."""
    with pytest.raises(ValueError, match=named):
        BookingSystem(**fields)  # pyright: ignore[reportArgumentType]  # that is the test
