"""A person, or their voicemail? The place for a detection of your own; by default nobody asks.

A detector hears what the callee says and decides. Two that exist: `livekit.agents.AMD(session, ...)`, whose `execute()`
classifies the first words by a language model, and the provider of the trunk, many of which tell it in a header
(`headers_to_attributes` of the trunk makes it an attribute).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from livekit.agents import AgentSession

    from examples.telephony.line import PhoneCall


class Answer(Enum):
    PERSON = "a person"
    MACHINE = "a machine that takes a message"
    UNKNOWN = "not known"


class AnswerDetector(Protocol):
    async def who_answered(self, session: AgentSession[None], call: PhoneCall) -> Answer:
        """Asked once a call that we placed is active, beside the call: the greeting does not wait for it.

        It may take its time, and is cancelled at the call's end. MACHINE has the agent leave its message and hang up;
        what it raises is logged and counts as UNKNOWN.
        """
        ...


class NobodyAsks:
    """The default: whoever answers is spoken to."""

    async def who_answered(self, session: AgentSession[None], call: PhoneCall) -> Answer:
        return Answer.UNKNOWN
