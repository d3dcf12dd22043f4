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


# Soniox commits at its own endpoint, so its wait is the floor of the gap; the VAD's is shorter and the
# agent's own delay runs beside it. Larger numbers trade gap for fewer cut-offs.
PROFILES: dict[Profile, TurnProfile] = {
    "fast": TurnProfile(0.25, 0.3, 1.5, 0.3, 0, 1.0, 500, 0.5),
    "production": TurnProfile(0.3, 0.4, 2.0, 0.5, 0, 1.5, 700, 0.5),
    "steady": TurnProfile(0.4, 0.7, 3.0, 0.7, 2, 2.0, 1200, 0.6),
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
        interruption_min_duration_s=profile.interruption_min_duration_s if threshold is None else threshold,
    )
