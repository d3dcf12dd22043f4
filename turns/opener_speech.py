"""A reply whose first clause is played from memory while the rest is synthesized beside it."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING

import numpy as np

from turns.clauses import SENTENCE_MARKS
from turns.live_trim import trim_lead
from utils.audio import to_frames
from utils.text_stream import joined

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable

    from livekit import rtc

    from turns.openers import Openers, Speaker
    from utils.audio import Pcm

    Live = Callable[[AsyncIterable[str]], AsyncGenerator[rtc.AudioFrame]]

USERDATA_OPENER = "firstword.opener"
"""The clause, in the first frame of a reply that begins from memory: it tells which replies were heard so."""

# A voice pauses there, and the rest of the reply comes without the silence before it.
SENTENCE_PAUSE_MS = 200
CLAUSE_PAUSE_MS = 100


async def speak_with_openers(
    text: AsyncIterable[str],
    live: Live,
    openers: Openers,
    *,
    speaker: Speaker,
    last_reply: str = "",
    clock_s: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[rtc.AudioFrame]:
    """The sound of `text`, for `Agent.tts_node`; `live`, the node without openers, speaks what is not in memory.

    `last_reply` is what the agent said before. Raises what `live` raises, behind the sound that there was.
    """
    opening = await openers.opening(text, speaker, last_reply=last_reply)
    if opening.clause is None or opening.sound is None:
        speech = live(opening.rest)
    else:
        pause_ms = SENTENCE_PAUSE_MS if any(mark in SENTENCE_MARKS for mark in opening.clause[-2:]) else CLAUSE_PAUSE_MS
        speech = _from_memory(opening.sound, opening.rest, live, speaker.sample_rate_hz, pause_ms, clock_s)
    is_first = opening.sound is not None
    async with aclosing(speech):
        async for frame in speech:
            if is_first:
                frame.userdata[USERDATA_OPENER] = opening.clause
                is_first = False
            yield frame
    if opening.clause is not None:
        openers.note(opening.clause, speaker)


async def _from_memory(
    sound: Pcm,
    text: AsyncIterator[str],
    live: Live,
    sample_rate_hz: int,
    pause_ms: int,
    clock_s: Callable[[], float],
) -> AsyncGenerator[rtc.AudioFrame]:
    """`sound`, a pause, and `text` spoken by `live`, which begins at once."""
    spoken: asyncio.Queue[rtc.AudioFrame | None] = asyncio.Queue()
    # A task of its own: the live synthesis runs whether or not somebody takes the frames from memory.
    speaking = asyncio.create_task(_speak(text, live, spoken), name="speech behind an opener")
    try:
        ends_s = clock_s() + len(sound) / sample_rate_hz
        for frame in to_frames(sound, sample_rate_hz):
            yield frame
        live_frame = await spoken.get()
        # What the live speech is late is already a pause.
        missing_ms = pause_ms - max(clock_s() - ends_s, 0.0) * 1000
        if live_frame is not None and missing_ms > 0:
            for frame in to_frames(np.zeros(int(sample_rate_hz * missing_ms / 1000), dtype=np.int16), sample_rate_hz):
                yield frame
        while live_frame is not None:
            yield live_frame
            live_frame = await spoken.get()
        await speaking
    finally:
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)


async def _speak(text: AsyncIterator[str], live: Live, spoken: asyncio.Queue[rtc.AudioFrame | None]) -> None:
    """All of `live`, without the silence before it, and then None."""
    try:
        words = await _from_first_word(text)
        if words is not None:
            async with aclosing(trim_lead(live(words))) as frames:
                async for frame in frames:
                    spoken.put_nowait(frame)
    finally:
        spoken.put_nowait(None)


async def _from_first_word(text: AsyncIterator[str]) -> AsyncGenerator[str] | None:
    """`text` once a word of it has come; None if there is none. A voice that is given no word may never answer."""
    read = ""
    async for part in text:
        read += part
        if any(map(str.isalnum, read)):
            return joined(read, text)
    return None
