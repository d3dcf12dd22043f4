"""Who gets which thing, as a promise about all orders of events."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.clients.leases import Leases

EVENTS = st.lists(st.tuples(st.sampled_from(["ask", "return", "cancel", "more"]), st.integers(0, 50)), max_size=60)


@settings(deadline=None, max_examples=100)
@given(EVENTS)
def test_nothing_is_lost_nothing_is_lent_twice_and_the_first_is_served_first(events: list[tuple[str, int]]) -> None:
    """After any order of asking, giving back, going away and growing."""
    with asyncio.Runner() as runner:
        runner.run(_happens(events))


async def _happens(events: list[tuple[str, int]]) -> None:
    leases: Leases[int] = Leases()
    made = 0
    places: list[asyncio.Future[int]] = []
    for what, number in events:
        if what == "more":
            leases.give(made)
            made += 1
        elif what == "ask":
            got = leases.take()
            if got is None:
                places.append(leases.queue())
        elif what == "return" and leases.taken:
            thing = sorted(leases.taken)[number % len(leases.taken)]
            # Whoever has it has waited to the end.
            places = [place for place in places if not (place.done() and place.result() == thing)]
            leases.give(thing)
        elif what == "cancel" and places:
            place = places.pop(number % len(places))
            came = leases.leave(place)
            if came is not None:
                leases.give(came)
        assert leases.size == made
        assert len({*leases.idle, *leases.taken}) == made
        assert not (leases.idle and leases.waiting)
        served = [place.done() for place in places]
        assert served == sorted(served, reverse=True), "somebody was served before one who had asked earlier"


async def test_the_one_used_last_is_taken_first() -> None:
    """So the others may be spared when there are too many."""
    leases: Leases[str] = Leases()
    for each in ("first", "second"):
        leases.give(each)
    assert leases.take() == "second"


async def test_whoever_waits_can_be_refused() -> None:
    """All at once; whoever has left before is not told."""
    leases: Leases[str] = Leases()
    gone, there = leases.queue(), leases.queue()
    leases.leave(gone)
    leases.refuse(lambda: RuntimeError("closed"))
    assert gone.cancelled()
    assert isinstance(there.exception(), RuntimeError)
    assert leases.waiting == 0
