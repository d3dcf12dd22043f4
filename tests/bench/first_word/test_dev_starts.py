"""The address in what `dev` says, and how often it is started."""

from __future__ import annotations

import pytest

from bench.first_word.dev_starts import address_in, starts


def test_the_address_is_read_from_the_line() -> None:
    """As `dev` prints it."""
    assert address_in("3.1 s. Talk to it:  http://127.0.0.1:4711  (Ctrl-C stops)") == "http://127.0.0.1:4711"


@pytest.mark.parametrize("said", ["3.1 s.", "3.1 s. Talk to it:  ", "Talk to it: soon"])
def test_a_line_without_an_address_is_named(said: str) -> None:
    """The message has what was said."""
    with pytest.raises(ValueError, match="dev: got"):
        address_in(said)


def test_a_start_is_made_for_several_calls() -> None:
    """But at least three, and never more than calls were asked for."""
    assert [starts(calls) for calls in (1, 2, 6, 30, 60)] == [1, 2, 3, 5, 10]
