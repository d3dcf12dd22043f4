"""A restaurant's phone: Nora at the front desk puts callers through to Sam, whose booking system takes seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livekit.agents import RunContext, function_tool
from livekit.agents.llm import ToolResult

from examples.tools_and_handoff.booking_system import BookingSystem, NoAnswer, Table
from examples.tools_and_handoff.errands import Dropped, Patience
from examples.tools_and_handoff.handoff import Colleague, hand_over
from examples.tools_and_handoff.second_voice import SecondVoice, second_voice
from examples.tools_and_handoff.unbroken_hearing import HearsOn
from service import Service

if TYPE_CHECKING:
    from livekit.agents import AgentStateChangedEvent
    from livekit.agents.llm import ChatContext

GREETING = "Hello, this is Nora at the front desk. How can I help you?"
PUT_THROUGH = "I will put you through to Sam."
SAM_HERE = "Hello, this is Sam. I take the bookings."
SAMS_VOICE = "JBFqnCBsd6RMkjVDRZzb"

# One clause each, and short: such are kept in memory.
PATIENCE = Patience(
    fillers=("Let me look.", "One moment please.", "I will have a look."),
    later=("I am still looking.", "It takes a little longer today."),
)
OPENERS = (PUT_THROUGH, *PATIENCE.fillers, *PATIENCE.later)

STYLE = "Answer in one or two short sentences, as people speak. No lists, no markdown, no emoji."
NORA = f"""
You are Nora, the receptionist of a small restaurant, and you are on the phone. {STYLE}
Whoever wants to book a table or to change a booking is put through to Sam, without questions.
"""
SAM = f"""
You are Sam, who takes the bookings of a small restaurant. The call was put through to you and you have said hello.
{STYLE} Look in the book before you promise a table, and book it only after the caller has confirmed it.
"""

SYSTEM_AWAY = "The booking system does not answer just now. Please call again in a few minutes."
DROPPED = "The caller no longer wanted it."


class FrontDesk(HearsOn):
    """Answers the phone; its tools are quick."""

    def __init__(self, system: BookingSystem | None = None) -> None:
        super().__init__(instructions=NORA)
        self._system = system or BookingSystem()
        self._sams_voice: SecondVoice | None = None

    async def on_enter(self) -> None:
        self._sams_voice = second_voice(SAMS_VOICE, first_words=SAM_HERE, clauses=OPENERS)
        self.session.on("agent_state_changed", self._on_state)

    def _on_state(self, event: AgentStateChangedEvent) -> None:
        if event.old_state == "speaking" and self._sams_voice is not None:
            self._sams_voice.get_ready()  # not before the greeting's end: it would take CPU from the first word

    @function_tool
    async def opening_hours(self, day: str) -> str:
        """Look up when the restaurant is open.

        Args:
            day: A day of the week in English, such as "monday".
        """
        return "closed" if day.lower() == "monday" else "from five to eleven in the evening"

    @function_tool
    async def put_through_to_bookings(self, context: RunContext[Any]) -> Colleague | ToolResult:
        """Put the caller through to Sam, who looks for free tables and books them."""

        def sam(conversation: ChatContext) -> Bookings:
            # What the orchestrator has replaced in this call, it has replaced for this agent.
            return Bookings(
                self._system,
                chat_ctx=conversation,
                first_words=SAM_HERE,
                voice=self._sams_voice,
                stt=self.stt,
                llm=self.llm,
            )

        return await hand_over(context, PUT_THROUGH, sam, self._sams_voice)


class Bookings(Colleague):
    """Looks for tables and books them, in a system that takes its time."""

    def __init__(self, system: BookingSystem | None = None, **options: Any) -> None:
        super().__init__(instructions=SAM, patience=PATIENCE, **options)
        self._system = system or BookingSystem()
        self._found: Table | None = None

    @function_tool
    async def look_in_the_book(self, context: RunContext[Any], people: int, day: str, hour: str) -> str | ToolResult:
        """Find out whether a table is free. Takes some seconds.

        Args:
            people: How many will come.
            day: The day, in the caller's words.
            hour: The hour, in the caller's words.
        """
        wished = Table(people, day, hour)
        try:
            self._found = await self.errand(context, lambda: self._system.find(wished))
        except Dropped:
            return ToolResult(DROPPED, reply_required=False)
        except NoAnswer:
            return SYSTEM_AWAY
        if self._found is None:
            return f"There is no table for {people}."
        return f"There is {self._found}. Shall I confirm it?"

    @function_tool
    async def confirm_table(self, context: RunContext[Any]) -> str | ToolResult:
        """Book the table that was found last, once the caller has said yes to it. Takes some seconds."""
        if (table := self._found) is None:
            return "There is no table to confirm: look in the book first."
        try:
            await self.errand(context, lambda: self._system.book(table), may_be_dropped=False)
        except Dropped:
            return ToolResult(DROPPED, reply_required=False)
        except NoAnswer:
            return SYSTEM_AWAY
        self._found = None
        return f"Booked is {table}. We look forward to seeing you."


service = Service(agent=FrontDesk, greeting=GREETING, openers=OPENERS)
