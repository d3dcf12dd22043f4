"""A call through the real stack: what its files hold while it goes on, and after."""

from __future__ import annotations

import asyncio
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest_asyncio
from livekit.agents.llm import ChatMessage

from examples.save_conversation.agent import service
from examples.save_conversation.conversation import read, read_entries
from examples.save_conversation.entries import Said
from examples.save_conversation.redaction import Redaction
from examples.save_conversation.saving import Saving
from sim.dialogue import ScriptedDialogue
from sim.ears.phrasebook import Phrasebook
from sim.providers import SimulatedProviders
from sim.speech.library import load_speech
from tests.harness import KEY, quick_profile, run_worker, settings_for
from turns.voice_agent import VoiceAgent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from livekit.agents import JobContext

    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings

GREETING = (
    "Thank you for calling the restaurant at the harbour. Our kitchen is open every evening of the week, "
    "except on Monday, and we are glad to take your order or to book a table for you and your friends."
)
REPLY = "Of course. Call 030 123 45 67."


@pytest_asyncio.fixture
async def sim() -> AsyncIterator[SimulatedProviders]:
    async with SimulatedProviders(
        profile=quick_profile(),
        dialogue=ScriptedDialogue([GREETING, REPLY]),
        ears=Phrasebook(load_speech().values()).ears,
        api_key=KEY,
    ) as providers:
        yield providers


async def test_a_call_is_saved_as_it_was_heard(
    livekit: LocalLiveKit, sim: SimulatedProviders, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """The greeting while it is spoken, then as far as it was heard; both sides after, without the number."""
    folder = tmp_path / "conversations"
    agents: list[VoiceAgent] = []
    saving = Saving(folder, redaction=Redaction(), names=lambda _: ["Ada"])

    def agent() -> VoiceAgent:
        agents.append(VoiceAgent(instructions="Answer in one short sentence."))
        return agents[-1]

    def observers(context: JobContext) -> list[object]:
        return [saving.observer(context)]

    watched = replace(service, agent=agent, greeting=GREETING, observers=observers)
    speech = load_speech()
    settings = settings_for(make_settings, livekit, sim)
    async with run_worker(watched, settings, livekit) as worker:
        room = await worker.open_room()
        async with worker.caller(room) as caller:
            await caller.first_word(timeout_s=10)
            while not any(said.text for said in under_way(folder)):
                await asyncio.sleep(0.05)
            spoken = await caller.say(speech["wait_stop"].pcm, 16_000)
            await caller.reply(after=spoken, timeout_s=10)
            await caller.quiet(400)
        await worker.idle()

    entries, torn, unreadable = read_entries(next(folder.glob("*.jsonl")).read_bytes())
    assert not torn
    assert unreadable == 0
    on_the_way = [entry for entry in entries if isinstance(entry, Said) and not entry.settled]
    assert {said.who for said in on_the_way} >= {"agent"}
    assert GREETING.startswith(on_the_way[0].text)

    conversation = read(next(folder.glob("*.jsonl")))
    history = [
        ("caller" if item.role == "user" else "agent", item.text_content or "", item.interrupted)
        for item in agents[-1].chat_ctx.items
        if isinstance(item, ChatMessage) and item.role in ("user", "assistant")
    ]
    saved = [(said.who, said.text, said.interrupted) for said in conversation.said]
    redacted = [(who, Redaction().text(text), interrupted) for who, text, interrupted in history]
    assert saved[: len(redacted)] == redacted
    assert saved[0][2]
    assert GREETING.startswith(saved[0][1])
    assert saved[0][1] != GREETING
    assert "[phone]" in saved[2][1]
    assert all(said.settled for said in conversation.said)
    assert conversation.began is not None
    assert conversation.began.room == room
    assert conversation.ended is not None
    assert conversation.ended.by == "caller"
    markdown = next(folder.glob("*.md")).read_text(encoding="utf-8")
    assert f"**Agent:** {saved[0][1]} — *interrupted, heard up to here*" in markdown
    assert "45 67" not in markdown


def test_the_service_goes_to_a_process_of_its_own() -> None:
    """As ISOLATION=process asks for."""
    assert pickle.loads(pickle.dumps(service)).greeting == service.greeting


def under_way(folder: Path) -> list[Said]:
    """What is in the file of the call that goes on."""
    return [said for file in folder.glob("*.live.jsonl") for said in read(file).said]
