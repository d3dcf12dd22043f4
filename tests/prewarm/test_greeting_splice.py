"""Two parts of a greeting in one stream: the second one never costs the first."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from prewarm.greeting import Greeting, SynthesisFailed
from prewarm.greeting_splice import spliced, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from livekit import rtc

    from utils.audio import Pcm

OPENING = Greeting("Hello.", np.full(1000, 1, dtype=np.int16))
PERSONAL = Greeting("Hi Ada!", np.full(700, 2, dtype=np.int16))
PAUSE_SAMPLES = 3600  # 150 ms


async def sound(frames: AsyncIterator[rtc.AudioFrame]) -> list[tuple[int, int]]:
    """Each stretch of equal samples: its value and its length."""
    pcm: Pcm = np.concatenate([np.frombuffer(frame.data, dtype=np.int16) async for frame in frames])
    borders = [0, *(np.flatnonzero(np.diff(pcm)) + 1).tolist(), len(pcm)]
    return [(int(pcm[begin]), end - begin) for begin, end in pairwise(borders)]


def warnings(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str | None]]:
    return [(record.getMessage(), vars(record).get("error")) for record in caplog.records]


async def gives(result: Greeting | Exception | None) -> Greeting | None:
    if isinstance(result, Exception):
        raise result
    return result


async def test_the_personal_part_follows_after_a_pause() -> None:
    """Opening, 150 ms of silence, the rest, whether it was ready before or comes while the opening plays."""
    ready = asyncio.ensure_future(gives(PERSONAL))
    await ready
    expected = [(1, 1000), (0, PAUSE_SAMPLES), (2, 700)]
    assert await sound(spliced(OPENING, ready)) == expected
    assert await sound(spliced(OPENING, gives(PERSONAL))) == expected
    assert await sound(spliced(OPENING, gives(PERSONAL), pause_ms=10)) == [(1, 1000), (0, 240), (2, 700)]


async def test_the_opening_does_not_wait_for_the_rest() -> None:
    """Every frame of it, and the pause, are there before the personal part is; that is then played at once."""
    late: asyncio.Future[Greeting | None] = asyncio.get_running_loop().create_future()
    frames = spliced(OPENING, late, latest_s=60)
    early = [await anext(frames) for _ in range(3 + 8)]
    assert sum(frame.samples_per_channel for frame in early) == 1000 + PAUSE_SAMPLES
    rest = asyncio.create_task(sound(frames))
    await asyncio.sleep(0)
    late.set_result(PERSONAL)
    assert await rest == [(2, 700)]


async def test_a_coroutine_starts_with_the_opening() -> None:
    """The synthesis runs while the opening plays, not behind it."""
    begun = asyncio.Event()

    async def speak() -> Greeting:
        begun.set()
        return PERSONAL

    frames = spliced(OPENING, speak())
    await anext(frames)
    await begun.wait()
    assert (await sound(frames))[-1] == (2, 700)


async def test_nobody_to_name_leaves_the_opening_alone(caplog: pytest.LogCaptureFixture) -> None:
    """No personal part: no pause behind the opening if that is known by then, and nothing to warn of."""
    ready = asyncio.ensure_future(gives(None))
    await ready
    assert await sound(spliced(OPENING, ready)) == [(1, 1000)]
    late: asyncio.Future[Greeting | None] = asyncio.get_running_loop().create_future()
    playing = asyncio.create_task(sound(spliced(OPENING, late)))
    await asyncio.sleep(0)
    late.set_result(None)
    assert (await playing)[0] == (1, 1000)
    assert warnings(caplog) == []


@pytest.mark.parametrize("error", [SynthesisFailed("no voice for Ada"), ValueError("Ada")])
@pytest.mark.parametrize("early", [True, False])
async def test_a_synthesis_that_fails_leaves_the_opening_alone(
    caplog: pytest.LogCaptureFixture, error: Exception, early: bool
) -> None:
    """One warning with the kind of error: its text may hold the name."""
    future: asyncio.Future[Greeting | None] = asyncio.get_running_loop().create_future()
    playing = asyncio.create_task(sound(spliced(OPENING, future, latest_s=60)))
    if not early:
        await asyncio.sleep(0.01)
    future.set_exception(error)
    assert [value for value, _ in await playing if value] == [1]
    assert warnings(caplog) == [("the personal part of the greeting is left out", type(error).__name__)]
    assert "Ada" not in caplog.text


async def test_a_synthesis_that_is_too_late_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    """The opening is all that is heard, with one warning; the task is not left running."""
    never: asyncio.Future[Greeting | None] = asyncio.get_running_loop().create_future()
    assert await sound(spliced(OPENING, never, latest_s=0.01)) == [(1, 1000), (0, PAUSE_SAMPLES)]
    assert never.cancelled()
    assert warnings(caplog) == [("the personal part of the greeting came too late and is left out", None)]


async def test_a_call_that_ends_takes_the_synthesis_with_it(caplog: pytest.LogCaptureFixture) -> None:
    """Interrupted in the opening, the stream ends the synthesis; cancelled by its owner, it ends the stream's wait."""
    never: asyncio.Future[Greeting | None] = asyncio.get_running_loop().create_future()
    frames = spliced(OPENING, never)
    await anext(frames)
    await frames.aclose()
    assert never.cancelled()
    owned = asyncio.create_task(asyncio.sleep(3600, PERSONAL))
    playing = asyncio.create_task(sound(spliced(OPENING, owned, latest_s=60)))
    await asyncio.sleep(0.01)
    owned.cancel()
    assert await playing == [(1, 1000), (0, PAUSE_SAMPLES)]
    assert warnings(caplog) == []


# The words --------------------------------------------------------------------------------------


async def words(personal: asyncio.Task[Greeting | None]) -> list[str]:
    return [text async for text in told(OPENING, personal)]


async def fails() -> Greeting | None:
    raise SynthesisFailed("no voice for Ada")


async def test_what_is_said_is_told() -> None:
    """The opening first; the personal part behind it with a space between, if it is said."""
    assert await words(asyncio.create_task(gives(PERSONAL))) == [OPENING.text, f" {PERSONAL.text}"]
    assert await words(asyncio.create_task(gives(None))) == [OPENING.text]
    assert await words(asyncio.create_task(fails())) == [OPENING.text]
    late = asyncio.create_task(asyncio.sleep(3600, PERSONAL))
    telling = asyncio.create_task(words(late))
    await asyncio.sleep(0)
    late.cancel()
    assert await telling == [OPENING.text]
