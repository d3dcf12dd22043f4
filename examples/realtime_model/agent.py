"""The template's front desk, answered by a speech-to-speech model.

python -m examples.realtime_model dev      talk to it in the browser, no keys needed
python -m examples.realtime_model start    serve calls
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.agents import function_tool

from examples.realtime_model.realtime_agent import RealtimeAgent
from examples.realtime_model.standby_models import StandbyModels
from service import Service

if TYPE_CHECKING:
    from livekit.agents.llm import ChatContext

    from examples.realtime_model.call_model import CallModel

GREETING = "Hello, this is Nora at the front desk. How can I help you?"

INSTRUCTIONS = """
You are Nora, the receptionist of a small restaurant, and you are on the phone. You have greeted the caller already.
Answer in one or two short sentences, as people speak. Ask one question at a time.
If you do not know something, say so and offer to take a message.
"""


class FrontDesk(RealtimeAgent):
    """Answers the phone. Give it your own instructions and tools."""

    def __init__(self, model: CallModel | None = None, chat_ctx: ChatContext | None = None) -> None:
        super().__init__(instructions=INSTRUCTIONS, model=model, spare=_spare, chat_ctx=chat_ctx)

    @function_tool
    async def opening_hours(self, day: str) -> str:
        """Look up when the restaurant is open.

        Args:
            day: A day of the week in English, such as "monday".
        """
        return "closed" if day.lower() == "monday" else "from five to eleven in the evening"


def _spare(chat_ctx: ChatContext) -> FrontDesk:
    return FrontDesk(chat_ctx=chat_ctx)


service = Service(agent=FrontDesk, greeting=GREETING, accounts=StandbyModels(FrontDesk, GREETING))
