"""Events on their way to their subscribers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from livekit import api
from livekit.protocol.models import Room

from rooms.webhooks.delivery import Delivery
from tests.rooms.door.serving import logged

if TYPE_CHECKING:
    import pytest


def event(number: int, room: str = "one") -> api.WebhookEvent:
    return api.WebhookEvent(id=str(number), room=Room(name=room))


async def test_a_rooms_events_come_one_after_the_other() -> None:
    """Though the first takes longest; another room does not wait for it."""
    done: list[str] = []
    go = asyncio.Event()

    async def note(each: api.WebhookEvent) -> None:
        if each.id == "1":
            await go.wait()
        done.append(f"{each.room.name} {each.id}")

    delivery = Delivery(most=10, limit_s=30)
    delivery.subscribers.append(note)
    for number in (1, 2, 3):
        delivery.add(event(number))
    delivery.add(event(4, "two"))
    await asyncio.sleep(0.05)
    assert done == ["two 4"]
    go.set()
    await delivery.aclose(drain_s=10)
    assert done == ["two 4", "one 1", "one 2", "one 3"]
    assert delivery.on_the_way == 0


async def test_one_subscriber_loses_nothing_by_another(caplog: pytest.LogCaptureFixture) -> None:
    """One raises, one hangs: the third has every event, and the log names both."""
    done: list[str] = []

    async def fails(_: api.WebhookEvent) -> None:
        raise RuntimeError("broken")

    async def hangs(_: api.WebhookEvent) -> None:
        await asyncio.Event().wait()

    async def note(each: api.WebhookEvent) -> None:
        done.append(each.id)

    delivery = Delivery(most=10, limit_s=0.05)
    delivery.subscribers += [fails, hangs, note]
    for number in range(3):
        delivery.add(event(number))
    await delivery.aclose(drain_s=20)
    assert done == ["0", "1", "2"]
    assert delivery.failed == 6
    assert "fails" in logged(caplog)
    assert "hangs" in logged(caplog)


async def test_closing_does_not_wait_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    """What is left is dropped, and told."""

    async def hangs(_: api.WebhookEvent) -> None:
        await asyncio.Event().wait()

    delivery = Delivery(most=2, limit_s=600)
    delivery.subscribers.append(hangs)
    delivery.add(event(1))
    assert not delivery.full
    delivery.add(event(2))
    assert delivery.full
    await delivery.aclose(drain_s=0.01)
    assert "dropped at the end" in caplog.text
