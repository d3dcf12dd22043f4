from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from prewarm.pools import MOST_OTHERS, Pools

if TYPE_CHECKING:
    from collections.abc import Callable

    from config import Settings

    MakeSettings = Callable[..., Settings]


class Voice:
    """An instance that counts what is done to it."""

    def __init__(self, settings: Settings) -> None:
        self.voice = settings.tts_voice
        self.warmed = 0
        self.closed = False


async def warm(voice: Voice) -> None:
    voice.warmed += 1


async def close(voice: Voice) -> None:
    voice.closed = True


def pools_for(settings: Settings, *, size: int = 2, **options: Any) -> Pools[Voice]:
    return Pools("tts", settings, fields=("tts_voice",), size=size, make=Voice, close=close, warm=warm, **options)


def call(settings: Settings, **changes: object) -> Settings:
    """A call's own settings, as an account or a variant makes them."""
    return settings.model_copy(update=changes)


async def test_settings_that_make_no_difference_share_the_full_pool(make_settings: MakeSettings) -> None:
    """A copy of the settings that says the same of this kind of instance takes the service's own members."""
    own = make_settings()
    pools = pools_for(own)
    assert pools.of(own) is pools.own
    assert pools.of(call(own, llm_model="other")) is pools.own
    assert pools.of(call(own, tts_voice="ada")) is not pools.own
    await pools.aclose()


async def test_a_call_gets_what_its_settings_say_and_its_like_gets_it_again(make_settings: MakeSettings) -> None:
    """Two calls in one voice, one after the other, use one instance; a third voice has one of its own."""
    own = make_settings()
    pools = pools_for(own)
    ada = call(own, tts_voice="ada")
    with pools.of(ada).lease() as first:
        assert first.voice == "ada"
        assert pools.leased == 1
    with pools.of(call(own, tts_voice="ada")).lease() as again, pools.of(call(own, tts_voice="bo")).lease() as third:
        assert again is first
        assert (third.voice, third is first) == ("bo", False)
    assert pools.leased == 0
    await pools.aclose()
    assert first.closed
    assert third.closed


async def test_an_instance_that_was_made_for_a_call_is_warmed_when_it_is_told_to(make_settings: MakeSettings) -> None:
    """Not at its making: that would be in the way of the first word. A warm one is not warmed again."""
    own = make_settings()
    pools = pools_for(own)
    lease = pools.of(call(own, tts_voice="ada")).lease()
    assert lease.instance.warmed == 0
    lease.warm()
    await asyncio.sleep(0)
    assert lease.instance.warmed == 1
    lease.warm()
    await asyncio.sleep(0)
    assert lease.instance.warmed == 1
    lease.release()
    lease.warm()
    await pools.aclose()
    assert lease.instance.warmed <= 2, "what was given back was warmed for a call that has ended"


async def test_voices_that_nobody_calls_are_closed(make_settings: MakeSettings) -> None:
    """The least used pool goes when there are more than the limit, and what a call still has closes with the call."""
    own = make_settings()
    pools = pools_for(own)
    busy = pools.of(call(own, tts_voice="busy")).lease()
    idle = pools.of(call(own, tts_voice="idle")).lease()
    idle.release()
    for number in range(MOST_OTHERS):
        pools.of(call(own, tts_voice=f"voice {number}")).lease().release()
    while not idle.instance.closed:
        await asyncio.sleep(0)
    assert not busy.instance.closed
    busy.release()
    while not busy.instance.closed:
        await asyncio.sleep(0)
    await pools.aclose()


async def test_nothing_is_kept_without_a_pool(make_settings: MakeSettings) -> None:
    """POOL_SIZE=0 holds for every voice."""
    own = make_settings()
    pools = pools_for(own, size=0)
    lease = pools.of(call(own, tts_voice="ada")).lease()
    lease.release()
    while not lease.instance.closed:
        await asyncio.sleep(0)
    await pools.aclose()
