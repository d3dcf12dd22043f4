"""Shared requests, and how old their answers are."""

from __future__ import annotations

import asyncio

import pytest

from rooms.limits.fresh_look import FreshLook


class Slow:
    """Answers with the number of the request, when it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        await self.go.wait()
        return number


async def until_begun(slow: Slow, number: int) -> None:
    while slow.begun < number:
        await asyncio.sleep(0)


async def test_many_share_a_request_and_none_is_older_than_its_question() -> None:
    """Who asks while one is under way gets the next one, which all of them share."""
    slow = Slow()
    look = FreshLook(slow)
    first = asyncio.create_task(look())
    await until_begun(slow, 1)
    others = [asyncio.create_task(look()) for _ in range(50)]
    await asyncio.sleep(0)
    slow.go.set()
    assert await first == 1
    assert await asyncio.gather(*others) == [2] * 50
    assert slow.begun == 2
    assert look.idle


async def test_who_is_cancelled_takes_nothing_from_the_others() -> None:
    """The request goes on for those who still wait."""
    slow = Slow()
    look = FreshLook(slow)
    gone, stays = asyncio.create_task(look()), asyncio.create_task(look())
    await until_begun(slow, 1)
    gone.cancel()
    slow.go.set()
    assert await stays == 1
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_failure_reaches_all_who_shared_it_and_nobody_else() -> None:
    """The next one asks anew."""
    fails = True

    async def ask() -> int:
        await asyncio.sleep(0)
        if fails:
            raise TimeoutError
        return 1

    look = FreshLook(ask)
    answers = await asyncio.gather(look(), look(), return_exceptions=True)
    assert [type(answer) for answer in answers] == [TimeoutError] * 2
    fails = False
    assert await look() == 1


async def test_the_end_cancels_what_is_under_way() -> None:
    """And those who wait for it."""
    slow = Slow()
    look = FreshLook(slow)
    waiting = [asyncio.create_task(look())]
    await until_begun(slow, 1)
    waiting.append(asyncio.create_task(look()))
    await asyncio.sleep(0)
    await look.aclose()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [asyncio.CancelledError] * 2
    await look.aclose()
