"""`make_sound`: sound files in the test's own folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from client_sounds import MakeSound, sound_maker

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def make_sound(tmp_path: Path) -> MakeSound:
    return sound_maker(tmp_path)
