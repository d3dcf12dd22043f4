"""A voice whose socket belongs to no call.

A task keeps the context in which it was made. A socket that is opened in the middle of a call, because the one that
was warm is gone, outlives that call in the pool: its tasks would hold the ended call, all of it, until the provider
closes the socket.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

from livekit.plugins import elevenlabs


class PooledTTS(elevenlabs.TTS):
    """`elevenlabs.TTS` for a pool; a contract test watches the private method."""

    def prewarm(self) -> None:
        contextvars.Context().run(super().prewarm)

    async def _current_connection(self) -> Any:
        return await asyncio.create_task(super()._current_connection(), context=contextvars.Context())
