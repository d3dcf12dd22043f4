"""The settings as what livekit-agents takes: its turn handling and Soniox's options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.plugins import soniox

if TYPE_CHECKING:
    from livekit.agents import TurnHandlingOptions

    from config import Settings
    from turns.profiles import TurnProfile

# The framework's default of 3 s holds back all that a caller says into the greeting, also from the STT.
# Browsers and phones cancel their own echo, so nothing needs that time here.
AEC_WARMUP_S: float | None = None


def turn_handling(settings: Settings, profile: TurnProfile) -> TurnHandlingOptions:
    """Options for `AgentSession(turn_handling=...)`: no model that runs in the cloud, nothing left to chance."""
    return {
        "turn_detection": "vad",
        "endpointing": {
            "mode": "fixed",
            "min_delay": profile.min_endpointing_delay_s,
            "max_delay": profile.max_endpointing_delay_s,
        },
        "interruption": {
            "enabled": settings.enable_interruptions,
            "mode": "vad",
            "min_duration": profile.interruption_min_duration_s,
            "min_words": profile.interruption_min_words,
            "false_interruption_timeout": profile.false_interruption_timeout_s,
            "resume_false_interruption": True,
        },
        "preemptive_generation": {"enabled": True},
    }


def soniox_options(settings: Settings, profile: TurnProfile) -> soniox.STTOptions:
    """Soniox's own endpointing, which decides when a transcript is final."""
    return soniox.STTOptions(
        model=settings.stt_model,
        language_hints=list(settings.language_hints),
        max_endpoint_delay_ms=profile.stt_max_endpoint_delay_ms,
    )
