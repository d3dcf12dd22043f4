"""For how long a profile hears a caller out who falls silent. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turns.completeness import Verdict, judge

if TYPE_CHECKING:
    from turns.profiles import TurnProfile

NOTICED_S = 0.2
"""From the caller's first sound behind a pause until the agent can know of it: the way there and the VAD."""


def wait_s(text: str, profile: TurnProfile) -> float:
    """The least silence that ends a turn with these words, by TURN_DETECTION=words."""
    match judge(text).verdict:
        case Verdict.COMPLETE:
            return profile.min_endpointing_delay_s
        case Verdict.STATEMENT | Verdict.UNKNOWN:
            return max(profile.min_endpointing_delay_s, profile.unknown_wait_s)
        case Verdict.OPEN:
            return profile.max_endpointing_delay_s


def is_bridged(text: str, pause_s: float, profile: TurnProfile) -> bool:
    """Whether a caller who said `text` and goes on after `pause_s` has to be heard out.

    A longer pause ends the turn: what is said then is a whole turn, and its answer no answer to half a question.
    """
    return pause_s < wait_s(text, profile) - NOTICED_S
