"""The one file to edit: who speaks, what it can do, and its first words.

python agent.py dev      talk to it in the browser, no keys needed
python agent.py start    serve calls
python agent.py --help   the rest
"""

from __future__ import annotations

from livekit.agents import function_tool

from service import Service
from turns.voice_agent import VoiceAgent

GREETING = "Hello, this is Nora at the front desk. How can I help you?"

INSTRUCTIONS = """
You are Nora, the receptionist of a small restaurant, and you are on the phone.
Answer in one or two short sentences, as people speak. No lists, no markdown, no emoji.
Ask one question at a time. If you do not know something, say so and offer to take a message.
"""

# First clauses of replies that come again, as the LLM writes them: they are played from memory.
OPENERS = ("Of course.", "Let me see.", "All right.", "You are welcome.", "Sure.", "Gladly.")


class FrontDesk(VoiceAgent):
    """Answers the phone. Give it your own instructions and tools."""

    def __init__(self) -> None:
        super().__init__(instructions=INSTRUCTIONS)

    @function_tool
    async def opening_hours(self, day: str) -> str:
        """Look up when the restaurant is open.

        Args:
            day: A day of the week in English, such as "monday".
        """
        return "closed" if day.lower() == "monday" else "from five to eleven in the evening"


service = Service(agent=FrontDesk, greeting=GREETING, openers=OPENERS)

if __name__ == "__main__":
    from cli.app import main

    main(service)
