"""Krisp's background voice cancellation, which only LiveKit Cloud licenses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit import rtc


def noise_cancellation(enabled: bool) -> rtc.NoiseCancellationOptions | None:
    """BVC's options, or None. The plugin is not even imported when it is off: it costs 125 ms and 70 MB."""
    if not enabled:
        return None
    from livekit.plugins import noise_cancellation as krisp

    return krisp.BVC()
