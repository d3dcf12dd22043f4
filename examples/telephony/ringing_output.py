"""The agent's voice while the telephone still rings: ready, and silent.

A call that comes in is subscribed to the agent while it rings, and livekit/sip picks up because of that: what the agent
says before the call is active is lost. A call that goes out is subscribed when it is answered, but an agent that
relied on it would depend on one version of one bridge. So the first frame waits for `sip.callStatus`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities

if TYPE_CHECKING:
    from livekit import rtc


class RingingOutput(AudioOutput):
    """Before `output`: takes the first frame when `open` is done, and is out of the way from then on.

    A pause would not do: the framework ends each pause when it begins to speak.
    """

    def __init__(self, output: AudioOutput, opened: asyncio.Future[Any]) -> None:
        super().__init__(
            label="until the telephone is answered",
            capabilities=AudioOutputCapabilities(pause=True),
            next_in_chain=output,
            sample_rate=output.sample_rate,
        )
        self._opened = opened

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        if not self._opened.done():
            # Shielded: a speech that is cancelled meanwhile must not cancel the wait of the next one.
            await asyncio.shield(self._opened)
        await super().capture_frame(frame)
        assert self.next_in_chain is not None
        await self.next_in_chain.capture_frame(frame)

    def flush(self) -> None:
        super().flush()
        assert self.next_in_chain is not None
        self.next_in_chain.flush()

    def clear_buffer(self) -> None:
        assert self.next_in_chain is not None
        self.next_in_chain.clear_buffer()
