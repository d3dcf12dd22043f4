"""The sound of a reply that begins from memory: its order, its seam, its end."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from livekit import rtc

from turns.opener_speech import CLAUSE_PAUSE_MS, SENTENCE_PAUSE_MS, USERDATA_OPENER, speak_with_openers
from turns.openers import Openers, Speaker
from utils.audio import Pcm, from_frames

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable

RATE_HZ = 24_000
MS = RATE_HZ // 1000
OPENER_MS, LIVE_MS, LEAD_MS = 300, 100, 200
OPENER = np.full(OPENER_MS * MS, 4000, dtype=np.int16)


async def speak_opener(_: str) -> Pcm:
    return OPENER


SPEAKER = Speaker("nora", "flash", speak_opener)


async def tokens(*parts: str) -> AsyncGenerator[str]:
    for part in parts:
        yield part


class Live:
    """A TTS: per reply, when all of its text is there, silence and then sound."""

    def __init__(self, *, gated: bool = False, fails: bool = False) -> None:
        self.texts: list[str] = []
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.closed = 0
        self._fails = fails
        if not gated:
            self.go.set()

    async def node(self, text: AsyncIterable[str]) -> AsyncGenerator[rtc.AudioFrame]:
        try:
            self.begun.set()
            self.texts.append("".join([part async for part in text]))
            await self.go.wait()
            yield rtc.AudioFrame(bytes(2 * LEAD_MS * MS), RATE_HZ, 1, LEAD_MS * MS)
            sound = np.full(LIVE_MS * MS, 8000, dtype=np.int16)
            yield rtc.AudioFrame(sound.tobytes(), RATE_HZ, 1, len(sound))
            if self._fails:
                raise RuntimeError("the voice is gone")
        finally:
            self.closed += 1


async def known(*clauses: str) -> Openers:
    openers = Openers()
    await openers.fill(clauses, SPEAKER)
    return openers


def runs_ms(pcm: Pcm) -> list[tuple[int, float]]:
    """The level and the length of each stretch of equal samples."""
    edges = [0, *(np.flatnonzero(np.diff(pcm)) + 1).tolist(), len(pcm)]
    return [(int(pcm[a]), (b - a) / MS) for a, b in pairwise(edges)]


def stopped_clock_s() -> float:
    return 0.0


async def said(
    text: AsyncIterable[str],
    live: Live,
    openers: Openers,
    *,
    last_reply: str = "",
    clock_s: Callable[[], float] = stopped_clock_s,
) -> list[rtc.AudioFrame]:
    reply = speak_with_openers(text, live.node, openers, speaker=SPEAKER, last_reply=last_reply, clock_s=clock_s)
    return [frame async for frame in reply]


@pytest.mark.parametrize(
    ("clause", "pause_ms"), [("Of course.", SENTENCE_PAUSE_MS), ("Sure,", CLAUSE_PAUSE_MS), ("Yes?", SENTENCE_PAUSE_MS)]
)
async def test_memory_then_a_pause_then_the_rest(clause: str, pause_ms: int) -> None:
    """The live speech has only what is not in memory, and comes without the silence before it but for 10 ms."""
    live = Live()
    frames = await said(tokens(clause, " What is", " it?"), live, await known(clause))
    assert live.texts == [" What is it?"]
    assert runs_ms(from_frames(frames)) == [(4000, OPENER_MS), (0, pause_ms + 10), (8000, LIVE_MS)]
    assert [frame.userdata.get(USERDATA_OPENER) for frame in frames[:2]] == [clause, None]


@pytest.mark.parametrize(("late_s", "pause_ms"), [(0.0, 200), (0.05, 150), (0.3, 0)])
async def test_what_the_live_speech_is_late_is_not_waited_again(late_s: float, pause_ms: int) -> None:
    """The pause is from the end of the opener to the next sound, whatever makes it."""
    times = iter([100.0, 100.0 + OPENER_MS / 1000 + late_s])
    frames = await said(tokens("Of course. Yes."), Live(), await known("Of course."), clock_s=lambda: next(times))
    assert runs_ms(from_frames(frames))[1] == (0, pytest.approx(pause_ms + 10, abs=1))


async def test_the_live_speech_begins_beside_the_memory_not_behind() -> None:
    """Nobody takes the second frame from memory, and yet the rest is on its way to the TTS."""
    live = Live()
    reply = speak_with_openers(tokens("Of course. Yes."), live.node, await known("Of course."), speaker=SPEAKER)
    await anext(reply)
    async with asyncio.timeout(10):
        await live.begun.wait()
    await reply.aclose()


async def test_the_memory_plays_before_the_rest_is_written() -> None:
    """All of the opener's frames come while the language model still thinks."""
    written = asyncio.Event()

    async def slow() -> AsyncGenerator[str]:
        yield "Of course."
        await written.wait()
        yield " Yes."

    live = Live()
    reply = speak_with_openers(slow(), live.node, await known("Of course."), speaker=SPEAKER)
    opener = [await anext(reply) for _ in range(OPENER_MS // 20)]
    assert len(from_frames(opener)) == len(OPENER)
    assert not live.begun.is_set()
    written.set()
    rest = [frame async for frame in reply]
    assert live.texts == [" Yes."]
    assert from_frames(rest).max() == 8000


@pytest.mark.parametrize("tail", ["", " ", '"', " ...", "\n"])
async def test_an_opener_alone_asks_the_voice_for_nothing(tail: str) -> None:
    """A TTS that gets no word may never answer."""
    live = Live()
    frames = await said(tokens("Of course.", tail), live, await known("Of course."))
    assert live.texts == []
    assert len(from_frames(frames)) == len(OPENER)


async def test_an_unknown_beginning_is_the_live_speech_as_it_is() -> None:
    """The same frames, the whole text."""
    live = Live()
    frames = await said(tokens("Sure.", " Yes."), live, await known("Of course."))
    assert live.texts == ["Sure. Yes."]
    assert runs_ms(from_frames(frames)) == [(0, LEAD_MS), (8000, LIVE_MS)]
    assert all(USERDATA_OPENER not in frame.userdata for frame in frames)


async def test_the_same_opener_again_is_spoken_live() -> None:
    """After a reply that began with it."""
    live = Live()
    await said(tokens("Of course. Yes."), live, await known("Of course."), last_reply="Of course. No.")
    assert live.texts == ["Of course. Yes."]


async def test_replies_teach_their_openers() -> None:
    """Two that were spoken to their end, then the third begins from memory; a reply that is cut off teaches nothing."""
    live, openers = Live(), Openers()
    cut = speak_with_openers(tokens("Of course. Yes."), live.node, openers, speaker=SPEAKER)
    await anext(cut)
    await cut.aclose()
    for _ in range(2):
        assert len(openers) == 0
        await said(tokens("Of course. Yes."), live, openers)
    async with asyncio.timeout(10):
        while not len(openers):
            await asyncio.sleep(0)
    frames = await said(tokens("Of course. Yes."), live, openers)
    assert frames[0].userdata[USERDATA_OPENER] == "Of course."
    assert openers.hits == 1


@pytest.mark.parametrize("taken", [1, 5, OPENER_MS // 20])
async def test_an_interruption_ends_the_synthesis_behind_it(taken: int) -> None:
    """Closed anywhere in the opener, it leaves no task (the fixture looks) and an ended live speech."""
    live = Live(gated=True)
    reply = speak_with_openers(tokens("Of course. Yes."), live.node, await known("Of course."), speaker=SPEAKER)
    for _ in range(taken):
        await anext(reply)
    await live.begun.wait()
    await reply.aclose()
    assert live.closed == 1


async def test_a_cancelled_task_ends_it_as_well() -> None:
    """The framework cancels the task that reads, while it waits for the live speech."""
    live = Live(gated=True)
    reading = asyncio.create_task(said(tokens("Of course. Yes."), live, await known("Of course.")))
    await live.begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert live.closed == 1


@pytest.mark.parametrize("begin", ["Of course.", "Well."])
async def test_a_voice_that_fails_fails_the_reply_behind_what_it_said(begin: str) -> None:
    """From memory or not: all sound that there was, then the error."""
    live = Live(fails=True)
    openers = await known("Of course.")
    got: list[rtc.AudioFrame] = []

    async def take() -> None:
        async for frame in speak_with_openers(tokens(f"{begin} Yes."), live.node, openers, speaker=SPEAKER):
            got.append(frame)  # noqa: PERF401  # what came before the error is the point

    with pytest.raises(RuntimeError, match="the voice is gone"):
        await take()
    assert runs_ms(from_frames(got))[-1] == (8000, LIVE_MS)
