"""A working directory without files, and an environment without sections."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from config import PERFORMANCE_SECTIONS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.lower().startswith(PERFORMANCE_SECTIONS):
            monkeypatch.delenv(name)
