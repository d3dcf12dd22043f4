"""The README's one command, as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from sim.caller import Caller
from sim.speech.library import RATE_HZ, load_speech
from tests.examples.readme_command import page_of_example

if TYPE_CHECKING:
    from pathlib import Path


async def test_the_command_gives_a_call_with_the_model(tmp_path: Path) -> None:
    """Without keys: the page's address, a greeting, and an answer of the simulated model."""
    async with page_of_example("realtime_model", tmp_path) as address:
        async with aiohttp.ClientSession() as session, session.post(f"{address}/api/token") as answer:
            ticket = await answer.json()
        async with Caller(ticket["url"], ticket["token"], name=ticket["identity"]) as caller:
            await caller.first_word(timeout_s=15)
            await caller.say(load_speech()["open_sunday"].pcm, RATE_HZ)
            await caller.text(
                lambda text: "rom five to eleven" in text.text, timeout_s=15, what="what the tool has told the model"
            )
