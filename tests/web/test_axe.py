"""axe-core finds no serious fault in any state of the page, in English and Arabic, light and dark, large and small."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from livekit import api
from playwright.async_api import expect

from tests.web.page_driver import WAIT_MS, faults, heard, opened, shot, state, worker

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Route

    from sim.livekit_server import LocalLiveKit
    from tests.web.page_server import PageServer

# A colour on its way to another one has a contrast of its own.
STILL = {"reduced_motion": "reduce"}
LOOKS: dict[str, dict[str, Any]] = {
    "english": {"locale": "en-US", **STILL},
    "arabic-phone": {"locale": "ar-EG", "viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, **STILL},
}
UNFOLD = "for (const fold of document.querySelectorAll('details')) fold.open = true"
# The browser asks, and the person has not answered.
ASKING = """
navigator.permissions.query = async () => Object.assign(new EventTarget(), { state: "prompt" });
navigator.mediaDevices.getUserMedia = () => new Promise(() => {});
"""


async def sound(page: Page, name: str) -> None:
    """No serious fault, in light or dark, and nothing wider than the window."""
    await page.emulate_media(color_scheme="dark")
    await shot(page, f"{name}-dark")
    # The colours are all that differs.
    assert await faults(page, "color-contrast") == [], name
    await page.emulate_media(color_scheme="light")
    await shot(page, name)
    assert await faults(page) == [], name
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name


@pytest.mark.parametrize("look", LOOKS)
async def test_every_state_of_a_call(
    browser: Browser, page_server: PageServer, livekit: LocalLiveKit, look: str
) -> None:
    """Idle, connecting, live with everything open, muted, without the agent, ended."""
    async with opened(browser, page_server, **LOOKS[look]) as page, worker(livekit) as wire:
        await sound(page, f"{look}-idle")
        goes_on = asyncio.Event()

        async def hold(route: Route) -> None:
            await goes_on.wait()
            await route.continue_()

        await page.route("**/api/token", hold)
        await page.locator("#talk").click()
        await sound(page, f"{look}-connecting")
        goes_on.set()
        await heard(page)
        await expect(page.locator(".turn")).to_have_count(2, timeout=WAIT_MS)
        await expect(page.locator("#connection")).to_be_visible(timeout=WAIT_MS)
        await sound(page, f"{look}-live")
        await page.locator("#mute").click()
        await expect(page.locator("#hint")).to_be_visible()
        await page.evaluate(UNFOLD)
        await sound(page, f"{look}-muted")

        room = wire.taken[0].room.name
        async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
            people = (await lk.room.list_participants(api.ListParticipantsRequest(room=room))).participants
            (agent,) = [person.identity for person in people if not person.identity.startswith("caller-")]
            await lk.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=agent))
        await page.wait_for_function("() => window.firstword.notice === 'agent-lost'", timeout=WAIT_MS)
        await sound(page, f"{look}-agent-lost")
        await page.locator("#talk").click()
        await state(page, "ended")
        await sound(page, f"{look}-ended")


@pytest.mark.parametrize("look", LOOKS)
async def test_asking_for_the_microphone(browser: Browser, page_server: PageServer, look: str) -> None:
    """While the browser asks, the page says what to do."""
    async with opened(browser, page_server, before=ASKING, **LOOKS[look]) as page:
        await page.locator("#talk").click()
        said = "اسمح باستخدام الميكروفون." if "arabic" in look else "Allow the microphone."
        await expect(page.locator("#headline")).to_have_text(said)
        await sound(page, f"{look}-permission")


MICROPHONES = {
    "microphone-blocked": "NotAllowedError",
    "microphone-missing": "NotFoundError",
    "microphone-busy": "NotReadableError",
}
REJECT = "name => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name)); }"
REFUSED = '{"error": {"message": "LiveKit does not answer at 127.0.0.1:7880; start livekit-server"}}'


@pytest.mark.parametrize("look", LOOKS)
async def test_every_failure_before_a_call(browser: Browser, page_server: PageServer, look: str) -> None:
    """Each failure is told as a headline with what to do, and Talk is there again."""
    async with opened(browser, page_server, **LOOKS[look]) as page:
        shown: list[str] = []

        async def fail(code: str) -> None:
            await page.locator("#talk").click()
            await page.wait_for_function("code => window.firstword.failure === code", arg=code, timeout=WAIT_MS)
            await expect(page.get_by_role("alert")).to_be_visible()
            shown.append(await page.locator("#failure").inner_text())
            await sound(page, f"{look}-failed-{code}")

        answer: dict[str, Any] = {}

        async def token(route: Route) -> None:
            if answer:
                await route.fulfill(**answer)
            else:
                await route.abort()

        await page.route("**/api/token", token)
        await fail("page-server-gone")
        answer.update(status=429, headers={"Retry-After": "12"}, body="{}")
        await fail("too-many")
        answer.update(status=502, headers={}, body=REFUSED)
        await fail("refused")
        await page.unroute("**/api/token")
        for code, error in MICROPHONES.items():
            await page.evaluate(REJECT, error)
            await fail(code)
        assert len(set(shown)) == len(shown) == 6
