"""Voice activity: one copy of the weights, one detector a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livekit.plugins import silero
from livekit.plugins.silero import onnx_model

from utils.framework_private import SileroOptions

if TYPE_CHECKING:
    from turns.profiles import TurnProfile

SAMPLE_RATE_HZ = 16_000


class VadFactory:
    """Loads Silero's weights once (26 ms, 26 MB); `make` then costs nothing.

    A detector is not shared between calls: sessions hang their handlers on it.
    """

    def __init__(self, profile: TurnProfile, *, weights: Any = None) -> None:
        self._weights = weights or onnx_model.new_inference_session(True)
        self._profile = profile

    def of(self, profile: TurnProfile) -> VadFactory:
        """One for another profile, on the same weights."""
        return VadFactory(profile, weights=self._weights)

    def make(self) -> silero.VAD:
        threshold = self._profile.vad_activation_threshold
        return silero.VAD(
            session=self._weights,
            opts=SileroOptions(
                min_speech_duration=0.05,
                min_silence_duration=self._profile.vad_min_silence_s,
                prefix_padding_duration=0.5,
                max_buffered_speech=60.0,
                activation_threshold=threshold,
                deactivation_threshold=max(threshold - 0.15, 0.01),
                sample_rate=SAMPLE_RATE_HZ,
            ),
        )
