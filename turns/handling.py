"""The settings as what livekit-agents takes: its turn handling and Soniox's options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livekit.plugins import soniox

if TYPE_CHECKING:
    from livekit.agents import TurnHandlingOptions

    from config import Settings
    from turns.profiles import TurnProfile
    from turns.word_detector import WordDetector

# The framework's default of 3 s holds back all that a caller says into the greeting, also from the STT.
# Browsers and phones cancel their own echo, so nothing needs that time here.
AEC_WARMUP_S: float | None = None
LEAST_INTERRUPTION_S = 0.05  # with 0 each silent window would interrupt
# The framework's own limits, 3 and 10 s, switch speculation off in the middle of a longer turn.
MAX_SPECULATIONS = 8
LONGEST_TURN_S = 60.0


def turn_handling(settings: Settings, profile: TurnProfile, detector: WordDetector | None) -> TurnHandlingOptions:
    """Options for `AgentSession(turn_handling=...)`: no model that runs in the cloud, nothing left to chance.

    `detector` is the call's own, for TURN_DETECTION=words.
    """
    gated = settings.ignore_backchannels  # the gate has judged length and words before the framework hears of it
    return {
        "turn_detection": _turn_detection(settings, detector),
        "endpointing": {
            "mode": "fixed",
            "min_delay": profile.min_endpointing_delay_s,
            "max_delay": profile.max_endpointing_delay_s,
        },
        "interruption": {
            "enabled": settings.enable_interruptions,
            "mode": "vad",
            "min_duration": LEAST_INTERRUPTION_S if gated else profile.interruption_min_duration_s,
            "min_words": 0 if gated else profile.interruption_min_words,
            "false_interruption_timeout": profile.false_interruption_timeout_s,
            "resume_false_interruption": True,
        },
        "preemptive_generation": {
            "enabled": True,
            "preemptive_tts": settings.preemptive_tts,
            "max_retries": MAX_SPECULATIONS,
            "max_speech_duration": LONGEST_TURN_S,
        },
    }


def _turn_detection(settings: Settings, detector: WordDetector | None) -> Any:
    match settings.turn_detection:
        case "words":
            return detector or "vad"
        case "model":
            from livekit.agents import inference  # 250 MB: only for those who want it

            return inference.TurnDetector(version="v1-mini")
        case mode:
            return mode


def soniox_options(settings: Settings, profile: TurnProfile) -> soniox.STTOptions:
    """Soniox's own endpointing, which decides when a transcript is final."""
    return soniox.STTOptions(
        model=settings.stt_model,
        language_hints=list(settings.language_hints),
        max_endpoint_delay_ms=profile.stt_max_endpoint_delay_ms,
        endpoint_sensitivity=settings.stt_endpoint_sensitivity,
        endpoint_latency_adjustment_level=settings.stt_endpoint_latency_level,
    )
