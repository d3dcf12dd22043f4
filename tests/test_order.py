"""Long files first and mixed, those that run alone last."""

from __future__ import annotations

from tests.order import in_order


def test_a_busy_file_is_followed_by_one_that_waits() -> None:
    """In proportion, each kind as collected, and before the short ones."""
    busy = [f"tests/bench/test_{name}.py" for name in "abc"] + ["tests/cli/test_d.py"]
    waiting = ["tests/calls/test_e.py", "tests/rooms/limits/test_f.py"]
    short = ["tests/test_config.py", "tests/turns/test_vad.py"]
    assert in_order([*busy, *waiting, *short], ()) == [
        *(busy[0], waiting[0], busy[1]),
        *(busy[2], waiting[1], busy[3]),
        *short,
    ]


def test_what_runs_alone_is_last() -> None:
    """Wherever it lies."""
    files = ["tests/bench/storm/test_storm.py", "tests/calls/test_a.py", "tests/web/test_b.py"]
    assert in_order(files, {files[0]}) == [files[1], files[2], files[0]]


def test_one_folder_is_as_it_was_collected() -> None:
    """Nothing is lost, nothing is twice; no file at all is allowed, too."""
    files = [f"tests/turns/test_{name}.py" for name in "cab"]
    assert in_order(files, ()) == files
    assert in_order([], ()) == []
