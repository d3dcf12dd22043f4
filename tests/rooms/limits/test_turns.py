"""One at a time for a name."""

from __future__ import annotations

import asyncio

from rooms.limits.turns import Turns


async def test_one_name_in_order_and_others_beside_it() -> None:
    """Who comes first goes first; a cancelled one holds up nobody, and at the end nothing is kept."""
    turns, told = Turns(), list[str]()
    go = asyncio.Event()

    async def take(name: str, who: str) -> None:
        async with turns.of(name):
            told.append(who)
            await go.wait()
            told.append(f"{who} done")

    first, second, third = (asyncio.create_task(take("a", who)) for who in ("1", "2", "3"))
    beside = asyncio.create_task(take("b", "beside"))
    while "beside" not in told:
        await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(first, third, beside)
    assert told[:2] == ["1", "beside"]
    assert told.index("1 done") < told.index("3")
    assert "2" not in told
    assert "a" not in turns
    assert "b" not in turns
