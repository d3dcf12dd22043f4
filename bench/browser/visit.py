"""One page in the browser: opened, called from, left."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error

from bench.measure import CallFailed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser, Page

    from bench.browser.plan import Transport

TAP = Path(__file__).with_name("tap.js")
WAIT_MS = 20_000.0
HEARD = "() => window.firstword.timings.first_word_ms !== null || window.firstword.state === 'failed'"
OVER = "() => ['ended', 'failed'].includes(window.firstword.state)"
REQUESTS = """() => performance.getEntriesByType("resource")
  .filter(({ name }) => /\\/api\\/(whip|token)$/.test(name.split("?")[0]))
  .map(({ name, duration }) => [name.split("?")[0].split("/").pop(), duration])"""


@dataclass(frozen=True)
class Wanted:
    """What the tap is to do: see tap.js. With a `record` the page runs without its content policy."""

    record: int = 0
    peers: bool = False
    chirps: bool = False
    ptime: int = 0


NOTHING = Wanted()


@asynccontextmanager
async def window(browser: Browser, wanted: Wanted = NOTHING) -> AsyncGenerator[Page]:
    """A page with nothing in it yet, in a profile of its own. What Chromium cannot do is a `CallFailed`."""
    context = await browser.new_context(bypass_csp=bool(wanted.record))
    try:
        page = await context.new_page()
        page.set_default_timeout(WAIT_MS)
        await page.add_init_script(f"window.benchWanted = {json.dumps(asdict(wanted))};")
        await page.add_init_script(path=TAP)
        yield page
    except Error as error:
        raise CallFailed(error.message.splitlines()[0]) from None
    finally:
        await context.close()


async def open_page(page: Page, url: str, way: Transport) -> None:
    """Load it anew, until it is ready for the click and rests."""
    await page.goto(f"{url}/?transport={way}", wait_until="networkidle")
    await page.wait_for_function("() => window.firstword?.state === 'idle'")


async def talk(page: Page) -> None:
    """The click, by a real input event, until the first audible sample. Raises `CallFailed` with the page's words."""
    await page.get_by_role("button", name="Talk").click()
    try:
        await page.wait_for_function(HEARD)
    except Error:
        raise CallFailed(f"nothing was heard within {WAIT_MS / 1000:g} s; {await _said(page)}") from None
    if await page.evaluate("window.firstword.state") == "failed":
        raise CallFailed(await _said(page))


async def hang_up(page: Page) -> None:
    await page.get_by_role("button", name="Hang up").click()
    await page.wait_for_function(OVER)


async def went_by(page: Page) -> tuple[Transport, float]:
    """Which request opened the call that is on, and how long its answer took, ms. Raises `CallFailed` without one."""
    requests: list[tuple[str, float]] = await page.evaluate(REQUESTS)
    if not requests:
        raise CallFailed("the page asked for no call")
    name, took_ms = requests[-1]
    return ("whip" if name == "whip" else "livekit"), took_ms


async def check_way(page: Page, way: Transport) -> float:
    """The time of the answer, ms. Raises `CallFailed` if the page went another way than it was told."""
    went, took_ms = await went_by(page)
    if went != way:
        raise CallFailed(f"the page was told to go by {way} and went by {went}")
    return took_ms


async def words(page: Page) -> str:
    """What the page tells of trouble now: its notice and its failure, as the caller reads them."""
    told: list[str] = await page.evaluate(
        "['notice', 'failure'].map((id) => document.getElementById(id)?.innerText ?? '')"
    )
    return " / ".join(" ".join(text.split()) for text in told if text.strip())


async def _said(page: Page) -> str:
    state: Any = await page.evaluate("window.firstword.state")
    return f"the page is {state} and says: {await words(page) or 'nothing'}"
