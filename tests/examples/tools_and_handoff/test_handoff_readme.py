"""The README's one command, as it stands: it talks without keys."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from pathlib import Path

from config import Settings
from utils.child_process import ChildProcess

ROOT = Path(__file__).parents[3]
README = ROOT / "examples" / "tools_and_handoff" / "README.md"
START_LIMIT_S = 50.0


async def test_the_command_of_the_readme_gives_a_page() -> None:
    """It says where to talk to the agent, and ends when it is asked to."""
    block = re.search(r"```sh\n(.*?)\n", README.read_text(encoding="utf-8"))
    assert block is not None
    command = shlex.split(block[1])
    assert command[:2] == ["uv", "run"]

    ready = asyncio.Event()
    lines: list[str] = []

    def note(line: str) -> None:
        lines.append(line)
        if re.search(r"Talk to it: +http://127\.0\.0\.1:\d+", line):
            ready.set()

    settings = {name.upper() for name in Settings.model_fields} - {"GREETING_CACHE_DIR"}
    environment = {name: value for name, value in os.environ.items() if name not in settings} | {"NO_COLOR": "1"}
    async with ChildProcess(
        [sys.executable, *command[2:]], name="dev", cwd=ROOT, env=environment, on_line=note
    ) as program:
        ended = asyncio.create_task(program.wait())
        first = asyncio.create_task(ready.wait())
        await asyncio.wait([ended, first], timeout=START_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, first):
            task.cancel()
        assert ready.is_set(), "\n".join(lines)
