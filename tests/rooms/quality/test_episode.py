"""An episode begins at once, ends with care, and does not flap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rooms.quality.episode import FIRST_CALM, LONGEST_CALM, RELAPSE_LOOKS, Episode


def looks(episode: Episode, said: str) -> list[bool]:
    """`x` is wrong, `~` neither, `.` calm; whether each look changed anything."""
    return [episode.looked(wrong=each == "x", calm=each == ".") for each in said]


def test_it_begins_at_once_and_ends_after_calm() -> None:
    """One wrong look is enough to begin, two calm ones in a row to end; both are told once."""
    episode = Episode()
    assert looks(episode, "..xx..") == [False, False, True, False, False, True]
    assert not episode.is_on
    assert episode.count == 1


def test_what_is_neither_ends_nothing() -> None:
    """A look that is not wrong, but not good enough, begins the count of calm looks anew."""
    episode = Episode()
    looks(episode, "x.~.~.~")
    assert episode.is_on
    looks(episode, "..")
    assert not episode.is_on


def test_a_relapse_makes_the_next_end_harder() -> None:
    """Back within RELAPSE_LOOKS: twice as many calm looks; after a longer peace the first number again."""
    episode = Episode()
    looks(episode, "x..x")
    assert looks(episode, "." * 2 * FIRST_CALM) == [False] * (2 * FIRST_CALM - 1) + [True]
    looks(episode, "." * RELAPSE_LOOKS + "x")
    assert looks(episode, "." * FIRST_CALM)[-1]


def test_it_does_not_flap() -> None:
    """What goes up and down for ever changes it some times, and then no more."""
    episode = Episode()
    changes = looks(episode, "x..." * 100)
    assert sum(changes) <= 4
    assert not any(changes[40:])


@given(st.text("x~.", max_size=200))
def test_it_ends_always(said: str) -> None:
    """Whatever was: LONGEST_CALM calm looks end it, and each change is told."""
    episode = Episode()
    state = False
    for changed in looks(episode, said):
        state = state != changed
    assert state == episode.is_on
    looks(episode, "." * LONGEST_CALM)
    assert not episode.is_on
    assert episode.count <= said.count("x")
