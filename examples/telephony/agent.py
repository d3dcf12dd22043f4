"""Who speaks on the telephone: answers when the line is open, reads keys, passes the call on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.agents import ToolError, function_tool, get_job_context

from examples.telephony.desk_line import DeskLine
from examples.telephony.dtmf import EntryRules, TonesProblem, send_tones
from examples.telephony.numbers import NumberProblem, phone_number
from examples.telephony.transfer import transfer
from examples.telephony.voicemail import NobodyAsks
from service import Service
from turns.voice_agent import VoiceAgent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from livekit.api.sip_service import SipService

    from examples.telephony.dtmf import Entry
    from examples.telephony.voicemail import AnswerDetector

GREETING = "Harbour Bistro, good day. Type your booking number and the hash key, or just tell me how I can help."
INSTRUCTIONS = """
You are Nora of the Harbour Bistro, and you are on the telephone.
Answer in one or two short sentences, as people speak. No lists, no markdown, no emoji.
Callers may type on their keys: what they typed is told to you. If somebody wants a person, transfer the call.
"""
DIRECTORY = {"person": "+4930123450", "kitchen": "+4930123451"}
"""Where calls may go. A caller can talk a language model into anything but a number that is not here."""
CONNECTING = "One moment please, I am putting you through."
MESSAGE = "Hello, this is the Harbour Bistro. Please call us back when it suits you. Goodbye."
TO_PERSON = "0"  # as everywhere: the one key that brings a person


class PhoneDesk(VoiceAgent):
    """Derive your own from it: `directory` is where calls may go, `detector` asks whether a machine has answered.

    `sip`: LiveKit's SIP API; None takes that of the job.
    """

    def __init__(
        self,
        *,
        directory: Mapping[str, str] = DIRECTORY,
        detector: AnswerDetector | None = None,
        sip: Callable[[], SipService] | None = None,
    ) -> None:
        super().__init__(instructions=INSTRUCTIONS)
        self._directory = directory
        self._detector = detector or NobodyAsks()
        self._sip = sip or _sip_of_job
        self._line: DeskLine | None = None

    async def on_enter(self) -> None:
        # Nothing before this waits: the greeting is said next, and has to find the line in its way.
        self._line = DeskLine(self.session, get_job_context(), self._detector, MESSAGE, typed=self._typed)

    async def on_exit(self) -> None:
        if self._line is not None:
            await self._line.aclose()

    @function_tool
    async def callers_number(self) -> str:
        """Look up the telephone number that the caller calls from."""
        # Whoever calls can send any text as their number: only a number reaches the model, and it proves nothing.
        call = self._line.call if self._line else None
        try:
            return phone_number("number", call.number if call else "")
        except NumberProblem:
            return "withheld"

    @function_tool
    async def read_keys(self, most_keys: int) -> str:
        """Wait for what the caller types on the keys of their telephone. Ask them to type before you call this.

        Args:
            most_keys: How many keys there are at most, such as 4 for a booking number.
        """
        if self._line is None or self._line.keypad is None:
            raise ToolError("The caller has no keys.")
        try:
            rules = EntryRules(most_keys=most_keys)
        except ValueError as error:
            raise ToolError(str(error)) from None
        entry = await self._line.read(rules)
        return f"The caller typed {entry.spoken}." if entry.complete else "The caller typed nothing."

    @function_tool
    async def press_keys(self, keys: str) -> str:
        """Press keys, as for the menu of a machine that you have called.

        Args:
            keys: The keys in order, such as "1" or "427#"; w is a pause of half a second.
        """
        try:
            await send_tones(get_job_context().room, keys)
        except TonesProblem as error:
            raise ToolError(str(error)) from None
        return f"Pressed {' '.join(keys)}."

    @function_tool
    async def transfer_call(self, to: str) -> str:
        """Pass the caller on to somebody else. They leave you.

        Args:
            to: "person" for a colleague, or "kitchen".
        """
        if to not in self._directory:
            raise ToolError(f"to: got {to!r}, allowed: {', '.join(self._directory)}")
        return await self._pass_on(to)

    async def _pass_on(self, to: str) -> str:
        call = self._line.call if self._line else None
        if call is None:
            return "This caller has no telephone and cannot be transferred. Offer to take a message."
        failure = await transfer(
            self.session,
            self._sip(),
            room=get_job_context().room.name,
            identity=call.identity,
            to=self._directory[to],
            words=CONNECTING,
        )
        if failure is None:
            return "The call is transferred."
        return f"It did not work: {failure.words}. The caller is still here: tell them, and offer to take a message."

    async def _typed(self, entry: Entry) -> None:
        """The caller typed without being asked."""
        if entry.keys == TO_PERSON and "person" in self._directory:
            told = await self._pass_on("person")
            if "did not work" not in told and "cannot" not in told:
                return
            self.session.generate_reply(instructions=told)
        elif entry.complete:
            self.session.generate_reply(user_input=f"I typed {entry.spoken} on my keys.")


def _sip_of_job() -> SipService:
    return get_job_context().api.sip


service = Service(agent=PhoneDesk, greeting=GREETING, openers=("Of course.", "Thank you.", "One moment."))
