"""`sys.exit` in a call is an error of that call; outside of calls it is what it always was."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from runtime.exits import CallExited, keep_exits_in_calls
from tests.runtime.serving import serving

if TYPE_CHECKING:
    from livekit.agents import JobContext

    from tests.conftest import MakeSettings


async def exits_later(code: int) -> None:
    await asyncio.sleep(0)
    sys.exit(code)


async def exits_when_cancelled() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        sys.exit(4)


async def test_in_a_call_it_ends_its_task_alone(make_settings: MakeSettings) -> None:
    """Wherever it is called: the error says with which code, and the other tasks of the call go on."""
    seen: asyncio.Queue[tuple[object, object, object]] = asyncio.Queue()

    async def says_so() -> str:
        await asyncio.sleep(0.01)
        return "still here"

    async def entrypoint(_: JobContext) -> None:
        cancelled = asyncio.create_task(exits_when_cancelled())
        await asyncio.sleep(0)
        cancelled.cancel()
        seen.put_nowait(await asyncio.gather(exits_later(3), cancelled, says_so(), return_exceptions=True))

    async with serving(make_settings, entrypoint) as it:
        await it.fake_call()
        later, cancelled, other = await seen.get()
    assert isinstance(later, CallExited)
    assert "sys.exit(3)" in str(later)
    assert isinstance(later.__cause__, SystemExit)
    assert isinstance(cancelled, CallExited)
    assert other == "still here"


async def test_a_task_of_a_call_still_shows_what_it_runs(make_settings: MakeSettings) -> None:
    """Its name, its place and its result are those of the coroutine inside; a cancelled one is cancelled."""
    seen: asyncio.Queue[tuple[str, str, str, bool]] = asyncio.Queue()

    async def works(release: asyncio.Event) -> str:
        await release.wait()
        return "done"

    async def entrypoint(_: JobContext) -> None:
        release = asyncio.Event()
        one, two = asyncio.create_task(works(release)), asyncio.create_task(works(asyncio.Event()))
        await asyncio.sleep(0)
        (frame,) = one.get_stack()
        text = repr(one)
        two.cancel()
        await asyncio.wait([two])
        release.set()
        seen.put_nowait((text, frame.f_code.co_name, await one, two.cancelled()))

    async with serving(make_settings, entrypoint) as it:
        await it.fake_call()
        text, place, result, cancelled = await seen.get()
    assert "works() running at" in text
    assert (place, result, cancelled) == ("works", "done", True)


async def test_a_worker_that_has_ended_leaves_the_loop_as_it_was(make_settings: MakeSettings) -> None:
    """Its factory of tasks is taken back, and one that was there before is used by ours."""
    loop = asyncio.get_running_loop()
    made: list[str] = []

    def counting(loop: asyncio.AbstractEventLoop, coroutine: object, **options: object) -> object:
        made.append(getattr(coroutine, "__name__", ""))
        return asyncio.Task(coroutine, loop=loop, **options)  # pyright: ignore[reportCallIssue, reportArgumentType]  # as asyncio calls it

    async def entrypoint(_: JobContext) -> None:
        return None

    before = loop.get_task_factory()
    async with serving(make_settings, entrypoint):
        assert loop.get_task_factory() is not before
    assert loop.get_task_factory() is before
    loop.set_task_factory(counting)  # pyright: ignore[reportArgumentType]  # as above
    try:
        take_back = keep_exits_in_calls(loop)
        await asyncio.create_task(asyncio.sleep(0))
        take_back()
        assert made == ["sleep"]
        assert loop.get_task_factory() is counting
    finally:
        loop.set_task_factory(before)


def test_outside_of_calls_it_ends_the_program() -> None:
    """A worker that wants to exit can."""

    async def program() -> None:
        keep_exits_in_calls(asyncio.get_running_loop())
        await asyncio.create_task(exits_later(3))

    with pytest.raises(SystemExit) as caught:
        asyncio.run(program())
    assert caught.value.code == 3
