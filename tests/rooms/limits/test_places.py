"""The count of rooms, as it is for any order of what happens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from rooms.limits.places import RoomPlaces

if TYPE_CHECKING:
    import random

NAMES = st.sampled_from("abcdefgh")
STEPS = st.lists(
    st.tuples(st.sampled_from(["hold", "join", "release", "opened", "closed", "listed"]), st.sets(NAMES, min_size=1)),
    max_size=40,
)


@given(STEPS, st.randoms(use_true_random=False))
def test_never_more_are_held_than_there_are_places(steps: list[tuple[str, set[str]]], chance: random.Random) -> None:
    """Whatever LiveKit tells, in any order: a place is given below the limit, or for a name that has one."""
    places, allowed = RoomPlaces(), 3
    for now_s, (what, names) in enumerate(steps):
        name, sid = min(names), f"RM_{chance.randrange(3)}"
        before, had = places.taken(now_s), name in places
        match what:
            case "hold" | "join":
                for_s = math.inf if what == "hold" else 1.0
                held = places.hold(name, allowed, now_s, for_s=for_s)
                assert held == (had or before < allowed)
                assert places.taken(now_s) == before + (held and not had)
            case "release":
                places.release(name)
                assert before - 1 <= places.taken(now_s) <= before
            case "opened":
                places.opened(name, sid, now_s)
                assert places.taken(now_s) == before + (not had)
            case "closed":
                places.closed(name, sid)
                assert before - 1 <= places.taken(now_s) <= before
            case _:
                places.listed(dict.fromkeys(names, sid), now_s)
                assert names <= {each for each in "abcdefgh" if each in places}


def test_a_list_does_not_know_what_came_after_its_question() -> None:
    """A room that was made while the list was under way is not forgotten; one that is older and not in it is."""
    places = RoomPlaces()
    places.opened("old", "RM_1", 1.0)
    places.opened("new", "RM_2", 3.0)
    places.listed({}, asked_at_s=2.0)
    assert "new" in places
    assert "old" not in places


def test_news_of_an_earlier_room_of_that_name_change_nothing() -> None:
    """The end of the first one comes after the begin of the second one."""
    places = RoomPlaces()
    places.opened("call", "RM_2", 1.0)
    assert not places.closed("call", "RM_1")
    assert "call" in places
    assert places.closed("call", "RM_2")
    assert "call" not in places


def test_a_token_keeps_its_place_until_it_is_worth_nothing() -> None:
    """It ends with its time, or with the room that its caller has opened and left."""
    places = RoomPlaces()
    assert places.hold("call", 1, 0.0, for_s=10.0)
    assert not places.hold("other", 1, 9.0)
    assert places.hold("other", 1, 10.0)
    places.release("other")
    places.hold("call", 1, 20.0, for_s=10.0)
    places.opened("call", "RM_1", 21.0)
    assert places.taken(21.0) == 1
    places.closed("call", "RM_1")
    assert places.taken(22.0) == 0
