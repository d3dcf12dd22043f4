"""What a room's metadata says of its sound, done by the agent of a call in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rooms.creation import audio_in

if TYPE_CHECKING:
    from livekit.agents import JobContext

    from config import Settings


def room_settings(context: JobContext, settings: Settings) -> Settings:
    """`settings` as a call's room wants them, for `Service.room_settings`; a room that says nothing changes nothing.

    `buffer_size_ms` is the length of the frames in which the agent takes the caller's sound; without
    `noise_suppression` nothing is suppressed here either. The rest is the caller's client's to do.
    """
    audio = audio_in(context.job.room.metadata)
    if audio is None:
        return settings
    suppress = settings.noise_cancellation and audio.noise_suppression
    return settings.model_copy(update={"audio_frame_ms": audio.buffer_size_ms, "noise_cancellation": suppress})
