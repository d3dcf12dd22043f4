"""The agent of random scripts, which tells its LLM which call it is in: `python -m bench.scripts.program`.

The LLM's requests of several calls at once are told apart by that.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench.scripts.asked import CALL
from bench.turns.dialogue import OPENERS
from service import Accounts, Brief, Choice, Service

if TYPE_CHECKING:
    from livekit.agents import JobContext

GREETING = "Hello."
"""Short, since it is not what is looked at."""


class ByRoom(Accounts):
    """An agent for each call that knows its room's name."""

    async def find(self, context: JobContext, choice: Choice) -> Brief:
        from turns.voice_agent import VoiceAgent

        return Brief(VoiceAgent(instructions=f"Be brief. {CALL} {context.job.room.name} ."), GREETING)


def main() -> None:
    from cli.app import main as run
    from turns.voice_agent import VoiceAgent

    service = Service(
        agent=lambda: VoiceAgent(instructions="Be brief."), greeting=GREETING, accounts=ByRoom(), openers=OPENERS
    )
    sys.argv = ["agent.py", "start", "--announce", "--readable"]
    run(service)


if __name__ == "__main__":
    main()
