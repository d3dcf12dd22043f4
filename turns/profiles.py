"""Turn-taking in three named points: how long the agent waits, and what counts as an interruption."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config import Profile, Settings


@dataclass(frozen=True)
class TurnProfile:
    """All times in seconds unless the name says ms."""

    vad_min_silence_s: float
    """Silence until the VAD reports the end of speech."""
    min_endpointing_delay_s: float
    """Silence before a turn may end."""
    max_endpointing_delay_s: float
    """Silence after which a turn ends at the latest."""
    interruption_min_duration_s: float
    """The caller's speech that counts as an interruption."""
    interruption_min_words: int
    """Words of it; 0 interrupts on sound alone."""
    false_interruption_timeout_s: float
    """Silence after an interruption without words until the agent goes on."""
    stt_max_endpoint_delay_ms: int
    """Soniox's own wait until it commits; 500 is the least that it takes."""
    vad_activation_threshold: float
    """Silero's probability from which a frame is speech."""
    unknown_wait_s: float
    """Since the newest word, until a statement, or words that are neither complete nor open, end a turn."""
    speculations_a_turn: int
    """Replies that may be begun before the turn is over."""
    speculates_on_complete_only: bool
    """Whether an open phrase is not worth a begun reply."""
    settled_quiet_s: float
    """Silence after which no more words are on their way: a reply may be begun on those that are there."""


# The reply is begun on words that are not final yet and waits behind the end of the turn, so a minimum below some 0.8 s
# costs no gap: it is there for the callers who go on. A turn of several parts needs it above VAD and STT together.
PROFILES: dict[Profile, TurnProfile] = {
    "fast": TurnProfile(
        vad_min_silence_s=0.25,
        min_endpointing_delay_s=0.6,
        max_endpointing_delay_s=1.6,
        interruption_min_duration_s=0.28,
        interruption_min_words=0,
        false_interruption_timeout_s=0.3,
        stt_max_endpoint_delay_ms=500,
        vad_activation_threshold=0.5,
        unknown_wait_s=0.95,
        speculations_a_turn=5,
        speculates_on_complete_only=False,
        settled_quiet_s=0.25,
    ),
    "production": TurnProfile(
        vad_min_silence_s=0.3,
        min_endpointing_delay_s=0.75,
        max_endpointing_delay_s=2.2,
        interruption_min_duration_s=0.28,
        interruption_min_words=0,
        false_interruption_timeout_s=0.3,
        stt_max_endpoint_delay_ms=700,
        vad_activation_threshold=0.5,
        unknown_wait_s=1.05,
        speculations_a_turn=4,
        speculates_on_complete_only=True,
        settled_quiet_s=0.25,
    ),
    "steady": TurnProfile(
        vad_min_silence_s=0.4,
        min_endpointing_delay_s=1.1,
        max_endpointing_delay_s=3.0,
        interruption_min_duration_s=0.4,
        interruption_min_words=1,
        false_interruption_timeout_s=0.5,
        stt_max_endpoint_delay_ms=1200,
        vad_activation_threshold=0.6,
        unknown_wait_s=1.3,
        speculations_a_turn=3,
        speculates_on_complete_only=True,
        settled_quiet_s=0.3,
    ),
}


def turn_profile(settings: Settings) -> TurnProfile:
    """The profile that PROFILE names, with what is set by itself put over it."""
    profile = PROFILES[settings.profile]
    low = settings.min_endpointing_delay
    high = settings.max_endpointing_delay
    minimum = profile.min_endpointing_delay_s if low is None else low
    maximum = profile.max_endpointing_delay_s if high is None else high
    # One of the two set alone may cross the profile's other one: the one that was set wins.
    if minimum > maximum:
        minimum, maximum = (minimum, minimum) if high is None else (maximum, maximum)
    threshold = settings.interruption_threshold
    return replace(
        profile,
        min_endpointing_delay_s=minimum,
        max_endpointing_delay_s=maximum,
        stt_max_endpoint_delay_ms=settings.stt_max_endpoint_delay_ms or profile.stt_max_endpoint_delay_ms,
        interruption_min_duration_s=profile.interruption_min_duration_s if threshold is None else threshold,
    )
