"""In which order the files of tests run, so that several processes share the machine well."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

BUSY = ("bench", "cli")
"""The long folders that start programs and speak with them, which takes a core."""
WAITING = ("calls", "rooms")
"""As long, but they mostly wait for what LiveKit does."""


def in_order(files: Sequence[str], alone: Collection[str]) -> list[str]:
    """`files`: "tests/turns/test_vad.py" and so on, as collected; `alone`: those during which nothing else runs.

    The long folders come first, so that the last file to end is a short one, and mixed: two busy files beside each
    other take each other's time. At the end comes what runs alone: then nobody has a long file that must be waited for.
    """
    last = [file for file in files if file in alone]
    busy, waiting = (_of(files, folders, last) for folders in (BUSY, WAITING))
    places = {file: (number + 0.5) / len(group) for group in (busy, waiting) for number, file in enumerate(group)}
    rest = [file for file in files if file not in places and file not in last]
    return [*sorted(places, key=places.__getitem__), *rest, *last]


def _of(files: Sequence[str], folders: Sequence[str], last: Collection[str]) -> list[str]:
    begins = tuple(f"tests/{folder}/" for folder in folders)
    return [file for file in files if file.startswith(begins) and file not in last]
