"""The agent of many accounts, which tells on SIGUSR1 what it counted: `python -m bench.accounts.program FAULTS`.

FAULTS is the file by which its store is told to be slow or away. An answer is a line of TOLD_PREFIX and JSON.
"""

from __future__ import annotations

import asyncio
import functools
import json
import signal
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from livekit.agents import function_tool

from accounts.manager import AccountManager, settings_store
from bench.accounts.faulty_store import FaultyStore
from bench.accounts.house import DEFAULT_GREETING, DEFAULT_INSTRUCTIONS
from turns.voice_agent import VoiceAgent

if TYPE_CHECKING:
    from livekit.agents import JobContext

    from accounts.store import AccountStore
    from config import Settings
    from prewarm.kit import Kit
    from service import Choice, Prepare

TOLD_PREFIX = "firstword.accounts "


@dataclass(frozen=True)
class Told:
    """`counts`: calls and reads by reason. Of the greetings: those in memory, and the bytes of their sound."""

    counts: dict[str, int] = field(default_factory=dict[str, int])
    greetings: int = 0
    greeting_bytes: int = 0


class Desk(VoiceAgent):
    """Answers the phone of whoever is called."""

    def __init__(self) -> None:
        super().__init__(instructions=DEFAULT_INSTRUCTIONS)

    @function_tool
    async def opening_hours(self, day: str) -> str:
        """Look up the opening hours of a day."""
        return f"from nine to six on {day}"

    @function_tool
    async def take_message(self, text: str) -> str:
        """Take a message for the business."""
        return f"noted: {text}"

    @function_tool
    async def book_table(self, people: int) -> str:
        """Book a table for this evening."""
        return f"a table for {people} is booked"


class ToldManager(AccountManager):
    """The service's own, which can be asked."""

    _kit: Kit | None = None

    async def open(self, settings: Settings, prepare: Prepare) -> None:
        self._said: dict[tuple[str, str, bool], Settings] = {}

        async def noted(call: Settings, words: str) -> None:
            self._said[words, call.tts_voice, call.trim_greeting] = call
            await prepare(call, words)

        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._tell)
        await super().open(settings, noted)

    def choose(self, context: JobContext, settings: Settings) -> Choice:
        self._kit = context.proc.userdata["workshop"].kit
        return super().choose(context, settings)

    def _tell(self) -> None:
        kept = []
        if self._kit is not None:
            keys = [self._kit.greeting_key(words, call) for (words, _, _), call in self._said.items()]
            kept = [found for key in keys if (found := self._kit.greetings.peek(key)) is not None]
        told = Told({**self.counts}, len(kept), sum(each.pcm.nbytes for each in kept))
        print(TOLD_PREFIX + json.dumps(asdict(told)), flush=True)


def faulty(settings: Settings, *, file: Path) -> AccountStore:
    """The store of the settings, with the faults of `file`."""
    return FaultyStore(settings_store(settings), file)


def main(argv: list[str]) -> None:
    from cli.app import main as run
    from service import Service

    store = functools.partial(faulty, file=Path(argv[0]))
    manager = ToldManager(Desk, DEFAULT_GREETING, store=store)
    sys.argv = ["agent.py", "start", "--announce", "--readable"]
    run(Service(agent=Desk, greeting=DEFAULT_GREETING, accounts=manager))


if __name__ == "__main__":
    main(sys.argv[1:])
