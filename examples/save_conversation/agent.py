"""An agent whose conversations are saved while they go on.

uv run -m examples.save_conversation dev
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from config import load_settings
from examples.save_conversation.database import Archive, accounts_database
from examples.save_conversation.redaction import Redaction
from examples.save_conversation.saving import Saving
from service import Service
from turns.voice_agent import VoiceAgent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from livekit.agents import JobContext

    from observe.observer import CallObserver

GREETING = "Hello, this is the front desk, our conversation is saved. How can I help you?"

INSTRUCTIONS = """
You are the receptionist of a small restaurant, and you are on the phone.
Answer in one or two short sentences, as people speak. No lists, no markdown, no emoji.
"""


def caller_names(context: JobContext) -> Iterable[str]:
    """Who must not be named in the files: whoever is in the room, by the name of their token."""
    return [participant.name for participant in context.room.remote_participants.values() if participant.name]


def archive() -> Archive | None:
    """The accounts' database gets the lines, too, where there is one."""
    url = accounts_database(load_settings())
    return None if url is None else Archive(url)


# Without `redaction=` all is written as it was said.
saving = Saving(Path("conversations"), redaction=Redaction(), names=caller_names, archive=archive)


def observers(context: JobContext) -> Sequence[CallObserver]:
    return [saving.observer(context)]


def front_desk() -> VoiceAgent:
    return VoiceAgent(instructions=INSTRUCTIONS)


service = Service(agent=front_desk, greeting=GREETING, observers=observers)
