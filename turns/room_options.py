"""How the caller's audio comes in: small frames, nothing done to it that nobody needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.agents import room_io

from turns.noise_cancellation import noise_cancellation

if TYPE_CHECKING:
    from config import Settings

SAMPLE_RATE_HZ = 16_000  # what Silero and Soniox take: no resampling on the way


def room_options(settings: Settings) -> room_io.RoomOptions:
    """Options for `AgentSession.start`; the audio output is the call's own."""
    return room_io.RoomOptions(
        audio_input=room_io.AudioInputOptions(
            sample_rate=SAMPLE_RATE_HZ,
            # The framework's 50 ms adds 24 ms to every turn and hides short silences from the VAD.
            frame_size_ms=settings.audio_frame_ms,
            noise_cancellation=noise_cancellation(settings.noise_cancellation),
            auto_gain_control=False,  # 13 % of the loop's time; browsers and phones do it at the source
        ),
        audio_output=False,
        text_output=room_io.TextOutputOptions(sync_transcription=False),  # its rate estimate is 22 % of the loop
    )
