"""Soniox, told to finish what it heard when the VAD hears the end of speech.

Soniox makes words final at its own endpoint, 0.5 s of silence at the least. The VAD hears the end in half of that,
and `finalize` asks for the final words there and then. Soniox's own endpoint stays on behind it.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any
from weakref import ref

from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN
from livekit.plugins import soniox
from livekit.plugins.soniox import stt as soniox_stt

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents import APIConnectOptions, NotGivenOr

FINALIZE = '{"type": "finalize"}'
# Soniox warns of too many without a figure. A VAD that flutters in noise leaves the rest to Soniox's own endpoint.
LEAST_APART_S = 0.4
MOST, MOST_WITHIN_S = 12, 10.0


class FinalizeBudget:
    """Says whether one more `finalize` is allowed now: LEAST_APART_S between two, MOST within MOST_WITHIN_S."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._spent_s: deque[float] = deque(maxlen=MOST)

    def take(self) -> bool:
        """Use one up, if there is one."""
        now_s = self._clock_s()
        if self._spent_s and now_s - self._spent_s[-1] < LEAST_APART_S:
            return False
        if len(self._spent_s) == MOST and now_s - self._spent_s[0] < MOST_WITHIN_S:
            return False
        self._spent_s.append(now_s)
        return True


class FinalizingSTT(soniox.STT):
    """`soniox.STT` whose streams take the framework's flush; it sends one at the VAD's end of speech."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._capabilities.manual_flush = True
        # Weak: it holds all of its call, and the instance goes back to a pool.
        self._newest: Callable[[], FinalizingStream | None] | None = None

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> FinalizingStream:
        stream = FinalizingStream(stt=self, conn_options=conn_options)
        self._newest = ref(stream)
        return stream

    def finalize(self) -> None:
        """Ask the newest stream for its final words now; without one, nothing happens."""
        stream = self._newest() if self._newest is not None else None
        if stream is not None and not stream._input_ch.closed:  # pyright: ignore[reportPrivateUsage]  # it says so nowhere else
            stream.flush()


class FinalizingStream(soniox_stt.SpeechStream):
    """Sends FINALIZE behind the audio that came before the flush. A contract test watches the private method."""

    def __init__(self, stt: FinalizingSTT, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=stt, conn_options=conn_options)
        self._budget = FinalizeBudget()

    async def _prepare_audio_task(self) -> None:
        async for data in self._input_ch:
            if isinstance(data, rtc.AudioFrame):
                self.audio_queue.put_nowait(data.data.tobytes())
            elif self._budget.take():
                self.audio_queue.put_nowait(FINALIZE)
