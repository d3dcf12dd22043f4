"""The README's one command, as it stands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

from sim.caller import Caller
from tests.examples.readme_command import page_of_example

if TYPE_CHECKING:
    from pathlib import Path


async def test_the_command_gives_a_call_with_a_picture(tmp_path: Path) -> None:
    """Without keys: the page's address, a greeting, and the browser's picture in the call."""
    async with page_of_example("browsing_agent", tmp_path, without="BROWSING_") as address:
        async with aiohttp.ClientSession() as session, session.post(f"{address}/api/token") as answer:
            ticket = await answer.json()
        caller = Caller(ticket["url"], ticket["token"], name=ticket["identity"])
        shown = asyncio.Event()
        caller.room.on("track_published", lambda publication, _: publication.name == "page" and shown.set())  # pyright: ignore[reportUnknownLambdaType] - untyped emitter
        async with caller:
            await caller.first_word(timeout_s=15)
            await asyncio.wait_for(shown.wait(), 30)
