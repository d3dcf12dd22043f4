"""What `bench limits` takes."""

from __future__ import annotations

import pytest

from bench.limits.plan import PARTS, parse_parts


def test_parts_by_name() -> None:
    """All of them, or some in the order given, each once."""
    assert parse_parts("all") == PARTS
    assert parse_parts("tracks, rooms,tracks") == ("tracks", "rooms")


def test_a_wrong_part_is_named() -> None:
    """With what there is."""
    with pytest.raises(ValueError, match="got 'trucks', must be 'all' or of rooms, kills, participants, tracks"):
        parse_parts("rooms,trucks")
