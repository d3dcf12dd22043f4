"""The first command of an example's README, run as it stands."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from config import Settings
from utils.child_process import ChildProcess

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

ROOT = Path(__file__).parents[2]
READY = re.compile(r"Talk to it:\s+(http://127\.0\.0\.1:\d+)")
READY_LIMIT_S = 50.0


@asynccontextmanager
async def page_of_example(name: str, folder: Path, *, without: str = "\0") -> AsyncGenerator[str]:
    """The address of the page, in `folder`, without any setting, nor one that begins with `without`."""
    block = re.search(r"```sh\n(.*?)\n", (ROOT / "examples" / name / "README.md").read_text(encoding="utf-8"))
    assert block is not None
    assert block[1] == f"uv run -m examples.{name} dev"
    ours = {setting.upper() for setting in Settings.model_fields} - {"GREETING_CACHE_DIR"}
    kept = {key: value for key, value in os.environ.items() if key not in ours and not key.startswith(without)}
    lines: list[str] = []
    page: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def look(line: str) -> None:
        lines.append(line)
        if (found := READY.search(line)) and not page.done():
            page.set_result(found[1])

    async with ChildProcess(
        [sys.executable, *shlex.split(block[1])[2:]],
        name="example",
        cwd=folder,
        env=kept | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        on_line=look,
    ) as program:
        ended = asyncio.create_task(program.wait())
        await asyncio.wait([ended, page], timeout=READY_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        assert page.done(), "\n".join(lines)
        yield page.result()
