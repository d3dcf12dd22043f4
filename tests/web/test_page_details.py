"""What the page tells a developer: figures, connection, sound, devices, the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.web.page_driver import WAIT_MS, heard, opened, worker

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from sim.livekit_server import LocalLiveKit
    from tests.web.page_server import PageServer

pytestmark = pytest.mark.desktop

# The browser gives less than was asked for.
LESS_GIVEN = """
const settings = MediaStreamTrack.prototype.getSettings;
MediaStreamTrack.prototype.getSettings = function () {
  return { ...settings.call(this), noiseSuppression: false };
};
"""


async def test_a_calls_figures_and_its_report(browser: Browser, page_server: PageServer, livekit: LocalLiveKit) -> None:
    """The first word is in the table with what it is on the page; connection and sound are told; the report is JSON."""
    async with opened(browser, page_server, before=LESS_GIVEN) as page, worker(livekit):
        await expect(page.get_by_role("button", name="Download the report")).to_be_hidden()
        await page.get_by_role("button", name="Talk").click()
        await heard(page)
        number = await page.locator("#number").inner_text()
        await expect(page.locator("#figures-rows tr").first.locator("td")).to_have_text(
            [number.replace("\u00a0", " "), number.replace("\u00a0", " "), "1"]
        )
        await expect(page.locator("#connection")).to_be_visible(timeout=WAIT_MS)
        await expect(page.locator("#quality div")).to_have_count(6)
        await expect(page.locator("#sound-rows .differs")).to_have_text(["Noise suppressiononoff"])

        async with page.expect_download() as waiting:
            await page.get_by_role("button", name="Download the report").click()
        download = await waiting.value
        assert download.suggested_filename.endswith(".json")
        report = json.loads(Path(await download.path()).read_text())
        assert report["v"] == 1
        assert report["call"]["timings"] == await page.evaluate("window.firstword.timings")
        assert (await page.evaluate("window.firstword.report()"))["call"]["room"] == report["call"]["room"]


async def test_the_choice_of_a_microphone_is_kept(browser: Browser, page_server: PageServer) -> None:
    """Devices that the browser names can be chosen before a call; the choice is there when the page is next opened."""
    async with opened(browser, page_server, permissions=["microphone"]) as page:
        microphone = page.get_by_label("Microphone", exact=True)
        await page.get_by_text("Microphone and speaker").click()
        await expect(microphone.locator("option")).not_to_have_count(1)
        names = await microphone.locator("option").all_inner_texts()
        assert names[0] == "As the system says"
        await microphone.select_option(label=names[-1])
        await page.reload()
        await expect(microphone.locator("option:checked")).to_have_text(names[-1])
        await expect(page.get_by_label("Speaker", exact=True).locator("option").first).to_have_text(
            "As the system says"
        )


async def test_the_way_in_is_shown_and_can_be_chosen(browser: Browser, page_server: PageServer) -> None:
    """livekit without a parameter or with an unknown one; another choice opens the page anew, in the same language."""
    async with opened(browser, page_server, "/?transport=pigeon&lang=en") as page:
        way = page.locator("#transport")
        await expect(way).to_have_value("livekit")
        await page.evaluate("document.getElementById('transport').closest('details').open = true")
        async with page.expect_navigation():
            await way.select_option("whip")
        await expect(way).to_have_value("whip")
        assert page.url.endswith("/?transport=whip&lang=en")
        assert await page.evaluate("window.firstword.transport") == "whip"


async def test_a_blocked_microphone_is_told_before_the_click(browser: Browser, page_server: PageServer) -> None:
    """Where the browser says that this page may not have the microphone, the page says where to allow it."""
    denied = "navigator.permissions.query = async () => Object.assign(new EventTarget(), { state: 'denied' });"
    async with opened(browser, page_server, before=denied) as page:
        await expect(page.locator("#caption")).to_have_text(
            "The microphone is blocked for this page. Allow it in the site settings beside the address."
        )
