"""Short sounds: the nearest command, or nothing."""

from __future__ import annotations

import pytest

pytest.importorskip("rapidfuzz", reason="rapidfuzz is missing: uv sync --group local")

from sim.ears.commands import as_command


@pytest.mark.parametrize(
    ("text", "sound_ms", "expected"),
    [
        ("Hallo.", 500, "Hello."),
        ("Good bye!", 700, "Goodbye."),
        ("Yes, please!", 700, "Yes, please!"),
        ("You", 200, ""),
        ("You", 2000, "You"),
        ("Zucchini", 600, "Zucchini"),
        ("Hello there my friend", 600, "Hello there my friend"),
        ("", 500, ""),
    ],
)
def test_short_sounds_become_commands(text: str, sound_ms: float, expected: str) -> None:
    """A near miss of a command is that command; what is long or unlike stays as it is; a cough is nothing."""
    assert as_command(text, sound_ms) == expected
