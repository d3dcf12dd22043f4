"""Calls whose account only the caller can tell, in rooms of a real server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest
from livekit import api, rtc
from livekit.protocol import agent, models

from accounts.manager import AccountManager
from tests.accounts.jobs import JobStandIn, ended
from tests.accounts.memory_store import MemoryStore
from tests.accounts.store_promises import account
from tests.accounts.test_briefing import Desk
from tests.accounts.test_manager import GREETING, VOICES, Voice

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from livekit.agents import JobContext

    from config import Settings
    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings

NUMBER = "+49301000001"
SIP = {"sip.trunkPhoneNumber": NUMBER, "sip.phoneNumber": "+49170555"}


class Line:
    """A room, the job that answers it, and callers."""

    def __init__(self, livekit: LocalLiveKit) -> None:
        self._livekit = livekit
        self._callers: list[rtc.Room] = []
        self.name = f"line-{uuid4().hex[:8]}"
        about = agent.Job(id=f"AJ_{self.name}", room=models.Room(name=self.name))
        self._agent = rtc.Room()
        self.job = cast("JobContext", JobStandIn(about, livekit.url, self._token("agent", {}), self._agent))

    def _token(self, kind: Any, attributes: dict[str, str]) -> str:
        token = api.AccessToken(self._livekit.api_key, self._livekit.api_secret).with_kind(kind)
        grants = api.VideoGrants(room_join=True, room=self.name)
        identity = f"{kind}-{uuid4().hex[:6]}"
        return token.with_identity(identity).with_attributes(attributes).with_grants(grants).to_jwt()

    async def join(self, kind: Any, attributes: dict[str, str]) -> None:
        room = rtc.Room()
        self._callers.append(room)
        await room.connect(self._livekit.url, self._token(kind, attributes))

    async def aclose(self) -> None:
        for room in (*self._callers, self._agent):
            await room.disconnect()


@asynccontextmanager
async def answered(livekit: LocalLiveKit, settings: Settings) -> AsyncGenerator[tuple[AccountManager, Line]]:
    store = MemoryStore(account(phone_numbers=[NUMBER]))
    manager = AccountManager(Desk, GREETING, store=lambda _: store)
    await manager.open(settings, Voice().prepare)
    line = Line(livekit)
    try:
        yield manager, line
    finally:
        await line.aclose()
        await manager.aclose()


@pytest.mark.parametrize("first", [True, False], ids=["the caller is there", "the caller comes later"])
async def test_a_caller_by_telephone_names_the_account(
    livekit: LocalLiveKit, make_settings: MakeSettings, first: bool
) -> None:
    """By the number that was called, before the agent came or after it; a recorder in the room says nothing."""
    async with answered(livekit, settings := make_settings()) as (manager, line):
        await line.join("egress", {})
        if first:
            await line.join("sip", SIP)
        finding = asyncio.create_task(manager.find(line.job, manager.choose(line.job, settings)))
        if not first:
            while not line.job.room.isconnected():
                await asyncio.sleep(0.01)
            assert not finding.done()
            await line.join("sip", SIP)
        brief = await finding
        manager.ended(ended(line.job))
    assert brief.labels == {"account": "harbour"}


async def test_nobody_else_can_claim_an_account(livekit: LocalLiveKit, make_settings: MakeSettings) -> None:
    """A page's caller with a telephone's attributes gets the service itself; that is no failure."""
    async with answered(livekit, settings := make_settings()) as (manager, line):
        await line.join("standard", SIP)
        brief = await manager.find(line.job, manager.choose(line.job, settings))
        assert (brief.greeting, brief.labels) == (GREETING, {})
        assert (manager.counts["unnamed"], manager.counts["unknown"]) == (1, 0)


async def test_a_callers_experiment_waits_for_the_caller(
    livekit: LocalLiveKit, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """The same number has the same variant in each of its calls, and its pseudonym."""
    (tmp_path / "experiments.yaml").write_text(VOICES.replace("by: account", "by: caller"))
    labels: list[dict[str, str]] = []
    for _ in range(2):
        async with answered(livekit, settings := make_settings()) as (manager, line):
            await line.join("sip", SIP)
            brief = await manager.find(line.job, manager.choose(line.job, settings))
            labels.append(dict(brief.labels))
    assert labels[0] == labels[1]
    assert labels[0].keys() == {"account", "voices", "caller"}
    assert SIP["sip.phoneNumber"] not in labels[0].values()
