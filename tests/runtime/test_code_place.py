"""The line that is named is one that its reader can change."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from structlog.stdlib import BoundLogger

from runtime.code_place import SHELL, innermost

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

HERE = "tests/runtime/test_code_place.py"


def stack() -> list[FrameType]:
    """The frames from the caller of this function to the outermost."""
    frame, found = sys._getframe(1), list["FrameType"]()  # pyright: ignore[reportPrivateUsage]  # documented; its underscore is a warning
    while frame is not None:
        found.append(frame)
        frame = frame.f_back
    return found


def own() -> list[FrameType]:
    return stack()


def frames_of(source: str, file: str) -> list[FrameType]:
    """The stack of code that stands in `file`, from the inside to here."""
    names: dict[str, object] = {"stack": stack}
    exec(compile(source, file, "exec"), names)
    return names["found"]  # pyright: ignore[reportReturnType]  # what the source has put there


def test_own_code_by_file_line_and_function() -> None:
    """From the project's root, also when a test has gone elsewhere."""
    assert innermost(own()) == f"{HERE}:{own.__code__.co_firstlineno + 1} own"


@pytest.mark.parametrize(
    "library", [json.__file__, sys.modules[BoundLogger.__module__].__file__, "<frozen importlib>", str(SHELL)]
)
def test_a_library_is_passed_over(library: str) -> None:
    """Python's own, a package's, code without a file, and the shell around each task: what called it is named."""
    frames = frames_of("def run():\n    return stack()\nfound = run()", library)
    assert innermost(frames).startswith(f"{HERE}:")
    assert innermost(frames).endswith(" frames_of")


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (json.__file__, "json/__init__.py:1 <module>"),
        (sys.modules[BoundLogger.__module__].__file__, "structlog/stdlib.py:1 <module>"),
    ],
)
def test_a_stack_of_libraries_alone_is_named_by_its_innermost(file: str, told: str) -> None:
    """From the library's own root."""
    assert innermost(frames_of("found = stack()", file)[:1]) == told


def test_own_code_may_lie_outside_of_the_project(tmp_path: Path) -> None:
    """By its name alone: a path of this machine says nothing to others."""
    assert innermost(frames_of("found = stack()", str(tmp_path / "tools.py"))) == "tools.py:1 <module>"
