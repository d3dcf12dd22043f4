"""Which line of a stack is meant: the innermost one that is neither Python's own nor a package's."""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
SHELL = ROOT / "runtime" / "exits.py"  # it is around every task of a call
_PYTHON = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib")})
_PACKAGES = ("site-packages", "dist-packages")


def innermost(stack: Sequence[FrameType]) -> str:
    """`agent.py:42 look_up`: the first own frame of `stack`, which begins inside; else the first of all."""
    frame = next((frame for frame in stack if _place(frame.f_code.co_filename)[1]), stack[0])
    return f"{_place(frame.f_code.co_filename)[0]}:{frame.f_lineno} {frame.f_code.co_name}"


@cache
def _place(file: str) -> tuple[str, bool]:
    """A file's name as it is told, and whether it is somebody's own code."""
    path = Path(file)
    for folder in _PACKAGES:
        if folder in path.parts:
            return "/".join(path.parts[path.parts.index(folder) + 1 :]), False
    for folder in _PYTHON:
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix(), False
    if path.is_relative_to(ROOT):
        return path.relative_to(ROOT).as_posix(), path != SHELL
    return path.name, not file.startswith("<")
