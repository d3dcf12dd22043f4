"""What a call has opened is closed, however it ends. In Chromium, with the built library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.web.sound_page import sound_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

# `window.said` is what the closers did, in order.
PRELUDE = """
async () => {
  const { ResourceManager } = await import("/static/firstword.js");
  window.said = [];
  window.resources = new ResourceManager((name, error) => window.said.push(`${name} failed: ${error.message}`));
  window.put = (name) => window.resources.add(name, (leaving) => window.said.push(leaving ? `${name} leaving` : name));
}
"""


@pytest_asyncio.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with sound_page(browser) as opened:
        await opened.evaluate(PRELUDE)
        yield opened


async def test_the_newest_is_closed_first_and_all_once(page: Page) -> None:
    """A second close does nothing; what is open is counted by name."""
    counts = await page.evaluate(
        """() => {
          put("room"); put("track"); put("track");
          const open = resources.open();
          resources.close(); resources.close();
          return [open, resources.open(), resources.closed];
        }"""
    )
    assert counts == [{"room": 1, "track": 2}, {}, True]
    assert await page.evaluate("said") == ["track", "track", "room"]


async def test_a_closer_that_fails_holds_up_no_other(page: Page) -> None:
    """Whether it throws at once or later; what is told of it has its name."""
    await page.evaluate(
        """() => {
          put("first");
          resources.add("bad", () => { throw new Error("no"); });
          resources.add("late", () => Promise.reject(new Error("never")));
          put("last");
          resources.close();
        }"""
    )
    assert await page.evaluate("said") == ["last", "bad failed: no", "first", "late failed: never"]


async def test_what_comes_too_late_is_closed_at_once(page: Page) -> None:
    """Whoever opened something while the call ended does not have to know that it has."""
    assert await page.evaluate("() => { resources.close(); put('late'); return [said, resources.open()]; }") == [
        ["late"],
        {},
    ]


async def test_one_may_be_closed_before_the_rest(page: Page) -> None:
    """Then it is not closed again at the end."""
    await page.evaluate("() => { const stop = put('meter'); put('room'); stop(); stop(); resources.close(); }")
    assert await page.evaluate("said") == ["meter", "room"]


async def test_timers_and_listeners_end_with_the_rest(page: Page) -> None:
    """A timer that has run is no longer counted, another one will not run; a listener hears nothing after the end."""
    await page.evaluate(
        """async () => {
          const target = new EventTarget();
          resources.listen(target, "ping", () => said.push("heard"));
          resources.after(3, "soon", () => said.push("soon"));
          resources.after(30, "later", () => said.push("later"));
          target.dispatchEvent(new Event("ping"));
          await new Promise((done) => setTimeout(done, 12));
          said.push(JSON.stringify(resources.open()));
          resources.close();
          target.dispatchEvent(new Event("ping"));
          await new Promise((done) => setTimeout(done, 60));
        }"""
    )
    said = await page.evaluate("said")
    # A page that is starved of time may run the later timer before the end; its count says so.
    assert said[:2] == ["heard", "soon"]
    assert said[2:] in (['{"listener ping":1,"later":1}'], ["later", '{"listener ping":1}'])


async def test_a_page_that_goes_closes_all(page: Page) -> None:
    """The closers know that the page is leaving, so that what they send outlives it; not after an end before that."""
    await page.evaluate(
        """() => {
          put("room");
          resources.closeWithPage();
          window.dispatchEvent(new PageTransitionEvent("pagehide"));
          window.dispatchEvent(new PageTransitionEvent("pagehide"));
        }"""
    )
    assert await page.evaluate("said") == ["room leaving"]
    await page.evaluate(PRELUDE)
    await page.evaluate(
        """() => {
          put("room");
          resources.closeWithPage();
          resources.close();
          window.dispatchEvent(new PageTransitionEvent("pagehide"));
        }"""
    )
    assert await page.evaluate("said") == ["room"]
