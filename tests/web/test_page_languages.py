"""The page in English and Arabic."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.web.page_driver import heard, opened, worker
from tests.web.page_server import AGENT, PAGE_STATIC, serve
from web.server import page_app

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from sim.livekit_server import LocalLiveKit
    from tests.web.page_server import PageServer

EGYPT = {"locale": "ar-EG"}
# Names, which are the same in each language, and the name of the other language.
NAMES = {"firstword", "English", "LiveKit", "WHIP"}
EMPTY = """() => [...document.querySelectorAll("[data-word], [data-label], [data-placeholder]")]
  .filter(({ dataset, textContent, ariaLabel, placeholder }) =>
    !(dataset.word ? textContent : dataset.label ? ariaLabel : placeholder))
  .map((place) => place.outerHTML)"""


@pytest.mark.parametrize(
    ("locale", "path", "language", "direction", "talk"),
    [
        ("en-GB", "/", "en", "ltr", "Talk"),
        ("ar-EG", "/", "ar", "rtl", "تحدّث"),
        ("fr-FR", "/", "en", "ltr", "Talk"),
        ("en-GB", "/?lang=ar", "ar", "rtl", "تحدّث"),
        ("ar-EG", "/?lang=en", "en", "ltr", "Talk"),
        ("ar-EG", "/?lang=xx", "ar", "rtl", "تحدّث"),
        ("ar-EG", "/?lang=constructor", "ar", "rtl", "تحدّث"),
    ],
)
async def test_the_language_is_the_callers(
    browser: Browser, page_server: PageServer, locale: str, path: str, language: str, direction: str, talk: str
) -> None:
    """`?lang=` before the browser's languages, English where neither is spoken here."""
    async with opened(browser, page_server, path, locale=locale) as page:
        await expect(page.locator("html")).to_have_attribute("lang", language)
        await expect(page.locator("html")).to_have_attribute("dir", direction)
        await expect(page.locator("#talk")).to_have_text(talk)
        assert await page.evaluate(EMPTY) == []


async def test_nothing_is_left_in_english(browser: Browser, page_server: PageServer) -> None:
    """In Arabic no Latin word is on the page but names; the providers' are the agent's own."""
    async with opened(browser, page_server, **EGYPT) as page:
        await page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        await page.evaluate("document.getElementById('providers').remove()")
        # The microphones have the names that the system gives them.
        await page.evaluate("for (const option of document.querySelectorAll('#devices option')) option.remove()")
        text = await page.evaluate("document.body.textContent")
        found = set(re.findall(r"[A-Za-z]+", re.sub(r"This page needs JavaScript[^.]*\.", "", text)))
        assert found - NAMES - {"p"} == set()


async def test_another_language_in_the_middle_of_a_call(
    browser: Browser, page_server: PageServer, livekit: LocalLiveKit
) -> None:
    """The call goes on; what is on the page already, the number too, is told in the new language."""
    async with opened(browser, page_server, locale="ar-EG") as page, worker(livekit):
        await page.locator("#talk").click()
        await heard(page)
        ms = await page.evaluate("Math.round(window.firstword.timings.first_word_ms)")
        await expect(page.locator("#unit")).to_have_text("ملي ث")
        eastern = f"{ms:,}".translate(str.maketrans("0123456789,", "٠١٢٣٤٥٦٧٨٩٬"))
        await expect(page.locator("#digits")).to_have_text(eastern)
        await expect(page.locator(".line .who").first).to_have_text("المساعد")

        await page.locator("#language").click()
        await expect(page.locator("#digits")).to_have_text(f"{ms:,}")
        await expect(page.locator("#unit")).to_have_text("ms")
        await expect(page.locator(".line .who").first).to_have_text("Agent")
        await expect(page.get_by_role("button", name="Hang up")).to_be_visible()
        await expect(page.locator("#language")).to_have_text("العربية")
        assert await page.evaluate("window.firstword.state") == "live"


async def test_a_failure_in_arabic(browser: Browser, unused_tcp_port: int) -> None:
    """What happened and what to do are Arabic; what a server said stands in between as it was said."""
    app = page_app(
        livekit_url=f"ws://127.0.0.1:{unused_tcp_port}",
        api_key="key",
        api_secret="s" * 32,
        agent_name=AGENT,
        static=PAGE_STATIC,
    )
    async with serve(app) as server, opened(browser, server, **EGYPT) as page:
        await page.locator("#talk").click()
        await expect(page.locator("#failure-title")).to_have_text("تعذّر فتح المكالمة.")
        said = f"\u2068LiveKit does not answer at 127.0.0.1:{unused_tcp_port}; start livekit-server"
        await expect(page.locator("#failure-advice")).to_contain_text(said)
        await expect(page.locator("#failure-advice")).to_contain_text("ثم اضغط «تحدّث مرة أخرى».")
