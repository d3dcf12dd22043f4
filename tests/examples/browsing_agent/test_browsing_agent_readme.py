"""The README's one command, as it stands."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from config import Settings
from sim.caller import Caller
from utils.child_process import ChildProcess

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[3]
README = ROOT / "examples" / "browsing_agent" / "README.md"
READY = re.compile(r"Talk to it:\s+(http://127\.0\.0\.1:\d+)")


def clean_environment() -> dict[str, str]:
    """Without any setting: no keys, no start page."""
    ours = {name.upper() for name in Settings.model_fields} - {"GREETING_CACHE_DIR"}
    kept = {name: value for name, value in os.environ.items() if name not in ours and not name.startswith("BROWSING_")}
    return kept | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


async def test_the_command_gives_a_call_with_a_picture(tmp_path: Path) -> None:
    """Without keys: the page's address, a greeting, and the browser's picture in the call."""
    (command,) = re.findall(r"^uv run (-m examples\.browsing_agent dev)$", README.read_text(encoding="utf-8"), re.M)
    page: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    process = ChildProcess(
        [sys.executable, *shlex.split(command)],
        name="example",
        cwd=tmp_path,
        env=clean_environment(),
        on_line=_finder(page),
    )
    async with process:
        address = await asyncio.wait_for(page, 45)
        async with aiohttp.ClientSession() as session, session.post(f"{address}/api/token") as answer:
            ticket = await answer.json()
        caller = Caller(ticket["url"], ticket["token"], name=ticket["identity"])
        shown = asyncio.Event()
        caller.room.on("track_published", lambda publication, _: publication.name == "page" and shown.set())  # pyright: ignore[reportUnknownLambdaType] - untyped emitter
        async with caller:
            await caller.first_word(timeout_s=15)
            await asyncio.wait_for(shown.wait(), 30)


def _finder(page: asyncio.Future[str]) -> Callable[[str], None]:
    def look(line: str) -> None:
        found = READY.search(line)
        if found is not None and not page.done():
            page.set_result(found[1])

    return look
