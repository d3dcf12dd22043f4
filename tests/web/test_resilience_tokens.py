"""Tokens that are too old: a new one, one that LiveKit sent, or an end in words."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from livekit import api
from playwright.async_api import expect

from sim.counting_relay import CountingRelay
from tests.web.enduring_call import WAIT_MS, calling, clicked, goes_on, hang_up, nobody_left

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from sim.livekit_server import LocalLiveKit


def minted(livekit: LocalLiveKit, ticket: dict[str, Any], ttl_s: float) -> dict[str, Any]:
    """The same ticket, whose token is good for another time."""
    grants = api.VideoGrants(
        room_join=True, room=ticket["room"], can_publish=True, can_subscribe=True, can_publish_data=True
    )
    token = api.AccessToken(livekit.api_key, livekit.api_secret).with_identity(ticket["identity"]).with_grants(grants)
    return ticket | {"token": token.with_ttl(timedelta(seconds=ttl_s)).to_jwt()}


async def test_a_token_that_is_too_old_when_it_is_used(browser: Browser, livekit: LocalLiveKit) -> None:
    """A new one is asked for, once, and the caller hears nothing of it."""
    asked: list[str] = []

    def first_is_old(ticket: dict[str, Any]) -> dict[str, Any]:
        asked.append(ticket["room"])
        return minted(livekit, ticket, -120.0 if len(asked) == 1 else 120.0)

    async with calling(browser, livekit, "livekit", ticket=first_is_old) as (page, agent):
        assert len(asked) == 2
        await goes_on(page, agent)
        await hang_up(page, livekit, *asked)


async def test_tokens_that_are_always_too_old(browser: Browser, livekit: LocalLiveKit) -> None:
    """The call fails, and the page says in words what to do; nobody is in the room."""
    asked: list[str] = []

    def old(ticket: dict[str, Any]) -> dict[str, Any]:
        asked.append(ticket["room"])
        return minted(livekit, ticket, -120.0)

    async with clicked(browser, livekit, "livekit", ticket=old) as (page, _):
        await page.wait_for_function("() => firstword.state === 'failed'", timeout=WAIT_MS)
        assert await page.evaluate("firstword.timings.connected_ms") is None
        await expect(page.get_by_role("alert").first).to_contain_text("Talk")
        assert len(asked) == 2
    await nobody_left(livekit, *asked)


async def test_a_token_that_runs_out_during_the_call(browser: Browser, livekit: LocalLiveKit) -> None:
    """The connection that breaks after that is repaired with the token that LiveKit has sent since."""
    async with CountingRelay(livekit.ports.http) as relay:
        short = 3.0

        def soon_old(ticket: dict[str, Any]) -> dict[str, Any]:
            return minted(livekit, ticket, short)

        async with calling(browser, livekit, "livekit", url=relay.url, ticket=soon_old) as (page, agent):
            # LiveKit allows a token some time beyond its end: nothing to wait for tells when that is over.
            await asyncio.sleep(short)
            before = len(relay.accepted_s)
            relay.break_off()
            while len(relay.accepted_s) == before:
                await asyncio.sleep(0.05)
            await goes_on(page, agent)
            await hang_up(page, livekit, *agent.rooms)
