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
from sim.speech.library import RATE_HZ, load_speech
from utils.child_process import ChildProcess

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[3]
README = ROOT / "examples" / "realtime_model" / "README.md"
READY = re.compile(r"Talk to it:\s+(http://127\.0\.0\.1:\d+)")


def clean_environment() -> dict[str, str]:
    """Without any setting: no keys."""
    ours = {name.upper() for name in Settings.model_fields} - {"GREETING_CACHE_DIR"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


async def test_the_command_gives_a_call_with_the_model(tmp_path: Path) -> None:
    """Without keys: the page's address, a greeting, and an answer of the simulated model."""
    commands = re.findall(r"^uv run (-m examples\.realtime_model dev)$", README.read_text(encoding="utf-8"), re.M)
    page: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    process = ChildProcess(
        [sys.executable, *shlex.split(commands[0])],
        name="example",
        cwd=tmp_path,
        env=clean_environment(),
        on_line=_finder(page),
    )
    async with process:
        address = await asyncio.wait_for(page, 45)
        async with aiohttp.ClientSession() as session, session.post(f"{address}/api/token") as answer:
            ticket = await answer.json()
        async with Caller(ticket["url"], ticket["token"], name=ticket["identity"]) as caller:
            await caller.first_word(timeout_s=15)
            await caller.say(load_speech()["open_sunday"].pcm, RATE_HZ)
            await caller.text(
                lambda text: "rom five to eleven" in text.text, timeout_s=15, what="what the tool has told the model"
            )


def _finder(page: asyncio.Future[str]) -> Callable[[str], None]:
    def look(line: str) -> None:
        found = READY.search(line)
        if found is not None and not page.done():
            page.set_result(found[1])

    return look
