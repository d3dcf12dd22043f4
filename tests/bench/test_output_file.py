"""A file is refused before the run exactly when it could not be written after it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bench.output_file import ALLOWED, check_output

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_that_can_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    """One that is there keeps its words, and one that is not there is not made."""
    (tmp_path / "old.json").write_text("old")
    check_output(tmp_path / "old.json")
    check_output(tmp_path / "new.json")
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"old.json": "old"}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("absent/run.json", "No such file or directory"),
        ("file/run.json", "Not a directory"),
        ("n" * 300, "File name too long"),
        ("folder", "which is a folder"),
    ],
)
def test_what_cannot_be_written_is_named_with_the_reason(tmp_path: Path, name: str, why: str) -> None:
    """And with what is allowed; it would fail later as well."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=r"^got ") as caught:
        check_output(tmp_path / name)
    assert str(caught.value) == f"got {tmp_path / name}, {why}; allowed: {ALLOWED}"
    with pytest.raises(OSError):  # noqa: PT011  # which one is the system's affair
        (tmp_path / name).write_text("")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_what_is_protected_is_refused(tmp_path: Path) -> None:
    """A file, and a folder in which the file would be new."""
    (tmp_path / "old.json").touch(mode=0o400)
    (tmp_path / "folder").mkdir(mode=0o500)
    for name, why in (("old.json", "which is read-only"), ("folder/new.json", "Permission denied")):
        with pytest.raises(ValueError, match=why):
            check_output(tmp_path / name)


def test_a_pipe_is_not_opened_for_the_question(tmp_path: Path) -> None:
    """Nobody reads it yet, and to open it would wait for somebody."""
    os.mkfifo(tmp_path / "pipe")
    check_output(tmp_path / "pipe")
