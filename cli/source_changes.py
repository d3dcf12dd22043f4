"""Which files the agent is made of, and when they change."""

from __future__ import annotations

import os
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from watchfiles import DefaultFilter, awatch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from watchfiles import Change

WATCHED_SUFFIXES = (".py", ".env", ".yaml")


class InProject(DefaultFilter):
    """What lies below `root`: not the agent's tests, and nothing that was built or installed."""

    ignore_dirs = (*DefaultFilter.ignore_dirs, "venv", "tests", "bench", "docs", "web")

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root

    def __call__(self, change: Change, path: str) -> bool:
        # Where the project itself lies does not matter, be it in a folder named `tests`.
        below = os.path.relpath(path, self._root)
        return super().__call__(change, below) and below.endswith(WATCHED_SUFFIXES)


async def source_changes(root: Path) -> AsyncGenerator[list[str]]:
    """The names of the files that changed, a list for each time that someone saved.

    Watching begins with the first `anext` and pauses between two.
    """
    while True:
        # Without the thousands of folders of an environment: each costs a watch of the system, and time.
        # The folders are looked up anew for each list, so a new one is watched from the next change on.
        async with aclosing(awatch(*source_folders(root), recursive=False, watch_filter=InProject(root))) as batches:
            batch = await anext(batches)
        yield sorted({str(Path(path).relative_to(root)) for _, path in batch})


def source_folders(root: Path) -> list[Path]:
    """`root` and the folders below it that may hold a part of the agent."""
    folders: list[Path] = []
    for folder, below, _ in os.walk(root):
        below[:] = [name for name in below if name not in InProject.ignore_dirs]
        folders.append(Path(folder))
    return folders
