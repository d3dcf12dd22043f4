"""Settings that change while the service runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rooms.performance.live import LivePerformance
from rooms.performance.settings_file import PerformanceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms.performance.sections import Performance

FILE = Path("performance.yaml")


def rooms(number: object) -> dict[str, object]:
    return {"room_limits": {"max_rooms": number}}


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.02)


def replace(text: str) -> None:
    """As editors do it."""
    new = Path("new.tmp")
    new.write_text(text)
    new.replace(FILE)


async def test_a_change_reaches_everybody_who_subscribed() -> None:
    """Sync and async, in their order, with the old and the new settings; who has left is not told."""
    told: list[tuple[str, int | None, int | None]] = []

    def sync(old: Performance, new: Performance) -> None:
        told.append(("sync", old.room_limits.max_rooms, new.room_limits.max_rooms))

    async def slow(old: Performance, new: Performance) -> None:
        await asyncio.sleep(0.01)
        told.append(("slow", old.room_limits.max_rooms, new.room_limits.max_rooms))

    live = LivePerformance()
    end = live.subscribe(sync)
    live.subscribe(slow)
    assert (await live.change(rooms(12))).room_limits.max_rooms == 12
    end()
    end()
    await live.change(rooms(13))
    await live.change(rooms(13))
    assert told == [("sync", 10, 12), ("slow", 10, 12), ("slow", 12, 13)]
    assert live.current.room_limits.max_rooms == 13


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"room_limits": {"max_rooms": 12, "max_participants_per_room": 0}}, "room_limits.max_participants_per_room"),
        ({"room_limits": {"max_rooms": 12}, "connection_pool": {"pool_size": "3"}}, "connection_pool.pool_size"),
        ({"room_limits": {"max_rooms": 12}, "audio_optimization": {"target_latency_ms": 101}}, "audio_optimization."),
        ({"room_limits": {"max_rooms": 12}, "rom_limits": {}}, "rom_limits"),
        ({"room_limits": 12}, "room_limits"),
    ],
)
async def test_a_bad_change_is_refused_whole(changes: dict[str, object], field: str) -> None:
    """One wrong value among good ones: nothing changes, nobody is told, the fault is named."""
    told: list[Performance] = []
    live = LivePerformance()
    live.subscribe(lambda _, new: told.append(new))
    before = live.current
    with pytest.raises(PerformanceError) as caught:
        await live.change(changes)
    assert caught.value.faults[0].field.startswith(field)
    assert live.current is before
    assert told == []
    assert (await live.change({})) == before


async def test_changes_come_one_after_the_other() -> None:
    """A hundred at once: each subscriber sees an unbroken row, and the last one asked for holds."""
    row: list[tuple[int | None, int | None]] = []

    async def note(old: Performance, new: Performance) -> None:
        await asyncio.sleep(0)
        row.append((old.room_limits.max_rooms, new.room_limits.max_rooms))

    live = LivePerformance()
    live.subscribe(note)
    await asyncio.gather(*(live.change(rooms(100 + number)) for number in range(100)))
    assert row == [(10, 100), *((99 + number, 100 + number) for number in range(1, 100))]


async def test_a_failing_subscriber_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged by its name; the settings have changed."""
    told: list[int | None] = []

    def fails(_: Performance, __: Performance) -> None:
        raise RuntimeError("broken")

    live = LivePerformance()
    live.subscribe(fails)
    live.subscribe(lambda _, new: told.append(new.room_limits.max_rooms))
    await live.change(rooms(12))
    assert told == [12]
    assert "subscriber" in caplog.text


async def test_a_subscriber_cannot_wait_for_itself() -> None:
    """A change within a change would hang: it is an error instead."""
    seen: list[str] = []
    live = LivePerformance()

    async def again(_: Performance, __: Performance) -> None:
        with pytest.raises(RuntimeError, match="wait for itself"):
            await live.change(rooms(14))
        seen.append("refused")

    live.subscribe(again)
    await live.change(rooms(12))
    assert seen == ["refused"]


async def test_who_is_cancelled_leaves_a_whole_change() -> None:
    """All subscribers are told, though nobody waits for it any more."""
    begun, go, told = asyncio.Event(), asyncio.Event(), list[str]()

    async def first(_: Performance, __: Performance) -> None:
        begun.set()
        await go.wait()
        told.append("first")

    async with LivePerformance() as live:
        live.subscribe(first)
        live.subscribe(lambda old, new: told.append("second"))
        task = asyncio.create_task(live.change(rooms(12)))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()
    assert told == ["first", "second"]
    assert live.current.room_limits.max_rooms == 12


async def test_the_file_is_followed() -> None:
    """Written anew, put in its place, gone, and back: what it says holds, and while it is gone what it said."""
    async with LivePerformance(look_interval_s=0.2) as live:
        FILE.write_text("room_limits: {max_rooms: 11}\n")
        await until(lambda: live.current.room_limits.max_rooms == 11)
        replace("room_limits: {max_rooms: 12}\nconnection_pool: {pool_size: 6}\n")
        await until(lambda: live.current.room_limits.max_rooms == 12)
        assert live.current.connection_pool.pool_size == 6
        FILE.unlink()
        await live.reload()
        assert live.current.room_limits.max_rooms == 12
        replace("room_limits: {max_rooms: 13}\n")
        await until(lambda: live.current.room_limits.max_rooms == 13)
        assert live.current.connection_pool.pool_size == 5


async def test_a_change_before_the_watch_begins_is_not_missed() -> None:
    """Between reading and watching there is a moment."""
    live = LivePerformance(look_interval_s=0.2)
    FILE.write_text("room_limits: {max_rooms: 11}\n")
    async with live:
        await until(lambda: live.current.room_limits.max_rooms == 11)


async def test_a_bad_file_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The old settings stay, the reason is in the log and in `problem`, and a mended file is followed."""
    async with LivePerformance(look_interval_s=0.2) as live:
        replace("room_limits: {max_rooms: 11}\nconnection_pool: {pool_size: 0}\n")
        await until(lambda: "the old ones stay" in caplog.text)
        assert live.current.room_limits.max_rooms == 10
        assert live.problem is not None
        assert live.problem.problems == [
            "performance.yaml: connection_pool.pool_size: got 0, allowed: a whole number from 1 to 100"
        ]
        assert (await live.change(rooms(9))).room_limits.max_rooms == 9
        replace("room_limits: {max_rooms: 11}\n")
        await until(lambda: live.current.room_limits.max_rooms == 11)
        assert live.problem is None


async def test_who_spoke_last_is_right_and_the_environment_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change stands until the file changes; a file that only was touched takes nothing back."""
    FILE.write_text("room_limits: {max_rooms: 11}\n")
    live = LivePerformance()
    await live.change({"room_limits": {"max_rooms": 12}, "connection_pool": {"pool_size": 7}})
    FILE.write_text("# touched\nroom_limits: {max_rooms: 11}\n")
    assert (await live.reload()).room_limits.max_rooms == 12
    FILE.write_text("room_limits: {max_rooms: 13}\n")
    new = await live.reload()
    assert (new.room_limits.max_rooms, new.connection_pool.pool_size) == (13, 5)
    monkeypatch.setenv("ROOM_LIMITS__MAX_ROOMS", "14")
    assert (await live.reload()).room_limits.max_rooms == 14
    with pytest.raises(PerformanceError) as caught:
        await live.change(rooms(15))
    assert caught.value.problems == [
        "room_limits.max_rooms: got 15, allowed: no change, since ROOM_LIMITS__MAX_ROOMS is set"
    ]


async def test_two_places_may_be_right_only_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule about two fields is judged on what holds, not on what one place says."""
    FILE.write_text("connection_pool: {max_pool_size: 3}\n")
    with pytest.raises(PerformanceError):
        LivePerformance()
    monkeypatch.setenv("CONNECTION_POOL__POOL_SIZE", "2")
    assert LivePerformance().current.connection_pool.most == 3


async def test_a_folder_that_is_not_there_is_an_error_at_the_start() -> None:
    """It could never be watched."""
    with pytest.raises(PerformanceError, match="no such folder"):
        LivePerformance(Path("nowhere/performance.yaml"))
