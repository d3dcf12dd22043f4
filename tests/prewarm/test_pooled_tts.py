"""A pooled voice holds no call in whose middle it opened its socket."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import weakref
from typing import TYPE_CHECKING

import aiohttp

from prewarm.pooled_tts import PooledTTS
from sim.providers import SimulatedProviders
from tests.harness import KEY, quick_profile

if TYPE_CHECKING:
    from sim.providers import SimulatedProviders as Providers


class CallState:
    """What a call keeps in a context variable."""


def voice(providers: Providers, session: aiohttp.ClientSession) -> PooledTTS:
    return PooledTTS(
        voice_id="nora",
        encoding="pcm_24000",
        api_key=KEY,
        base_url=providers.elevenlabs_base_url,
        http_session=session,
    )


async def open_socket(tts: PooledTTS) -> bool:
    """Through the plugin's own warm-up, which the framework calls in the middle of a call; False: it was open."""
    before = asyncio.all_tasks()
    tts.prewarm()
    while tts._prewarm_task is not None and not tts._prewarm_task.done():  # pyright: ignore[reportPrivateUsage]  # what is waited for
        await asyncio.sleep(0.01)
    return any("_recv_loop" in str(task.get_coro()) for task in asyncio.all_tasks() - before)


async def test_an_ended_call_is_freed_while_its_socket_lives_on() -> None:
    """The socket stays open for the next call, and nothing of the one that opened it stays with it."""
    state: contextvars.ContextVar[CallState] = contextvars.ContextVar("state")

    async def call(tts: PooledTTS) -> weakref.ref[CallState]:
        mine = CallState()
        state.set(mine)
        assert await open_socket(tts)
        return weakref.ref(mine)

    async with (
        SimulatedProviders(profile=quick_profile(), api_key=KEY) as providers,
        aiohttp.ClientSession() as session,
    ):
        tts = voice(providers, session)
        left = await asyncio.create_task(call(tts))
        await asyncio.sleep(0)  # the loop holds the task that has just ended for one more round
        gc.collect()
        assert left() is None
        assert not await open_socket(tts)
        await tts.aclose()
