"""The same desk as one writes it first, for the benchmark: tools are awaited in silence, a colleague starts to think
once they have the call.
"""

from __future__ import annotations

from typing import Any

from livekit.agents import function_tool

from examples.tools_and_handoff.agent import NORA, SAM
from examples.tools_and_handoff.booking_system import BookingSystem, Table
from turns.voice_agent import VoiceAgent


class NaiveFrontDesk(VoiceAgent):
    def __init__(self, system: BookingSystem) -> None:
        super().__init__(instructions=NORA)
        self._system = system

    @function_tool
    async def put_through_to_bookings(self) -> Any:
        """Put the caller through to Sam, who looks for free tables and books them."""
        sam = NaiveBookings(self._system, entered=True, chat_ctx=self.chat_ctx.copy(exclude_instructions=True))
        return sam, "I will put you through to Sam."


class NaiveBookings(VoiceAgent):
    def __init__(self, system: BookingSystem, *, entered: bool = False, **options: Any) -> None:
        super().__init__(instructions=SAM, **options)
        self._system = system
        self._entered = entered

    async def on_enter(self) -> None:
        if self._entered:
            self.session.generate_reply(instructions="Greet the caller and say who you are.")

    @function_tool
    async def look_in_the_book(self, people: int, day: str, hour: str) -> str:
        """Find out whether a table is free. Takes some seconds.

        Args:
            people: How many will come.
            day: The day, in the caller's words.
            hour: The hour, in the caller's words.
        """
        found = await self._system.find(Table(people, day, hour))
        return f"There is {found}. Shall I confirm it?" if found else f"There is no table for {people}."
