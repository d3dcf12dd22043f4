"""The page's buttons and keys: mute, hang up, what the Tab key reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.web.page_driver import WAIT_MS, heard, opened, state, worker

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from sim.livekit_server import LocalLiveKit
    from tests.web.page_server import PageServer

LEVEL = "parseFloat(document.getElementById('level-caller').style.getPropertyValue('--level'))"
# What a Tab lands on, and whether its focus can be seen; the browser's own controls come after the page's.
FOCUS = """() => {
  const at = document.activeElement;
  if (at === null || at === document.body) return null;
  const style = getComputedStyle(at);
  return [at.id || at.textContent.trim(), at.matches(":focus-visible") && style.outlineStyle !== "none"];
}"""


async def focus_order(page: Page) -> dict[str, bool]:
    """Everything that Tab comes by, in order, with whether its focus is visible."""
    order: dict[str, bool] = {}
    for _ in range(40):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(FOCUS)
        if focused is None or focused[0] in order:
            break
        order[focused[0]] = focused[1]
    return order


async def test_mute_by_button_and_by_key(browser: Browser, page_server: PageServer, livekit: LocalLiveKit) -> None:
    """Muted, the caller's own level is nothing and the page says so; unmuted it is back. Alt+M does the same."""
    async with opened(browser, page_server) as page, worker(livekit):
        await expect(page.locator("#mute")).to_be_hidden()
        await page.get_by_role("button", name="Talk").click()
        await heard(page)
        await page.wait_for_function(f"() => {LEVEL} > 0", timeout=WAIT_MS)

        await page.get_by_role("button", name="Mute", exact=True).click()
        await page.wait_for_function(f"() => {LEVEL} === 0", timeout=WAIT_MS)
        await expect(page.locator("#hint")).to_have_text("The agent does not hear you.")
        await expect(page.locator("#status-aloud")).to_have_text("Muted")

        await page.keyboard.press("Alt+m")
        await expect(page.get_by_role("button", name="Mute", exact=True)).to_be_visible()
        await page.wait_for_function(f"() => {LEVEL} > 0", timeout=WAIT_MS)
        await expect(page.locator("#hint")).to_be_hidden()


async def test_hang_up_by_key_leaves_the_focus_on_talk(
    browser: Browser, page_server: PageServer, livekit: LocalLiveKit
) -> None:
    """A letter alone does nothing; Alt+H ends the call, and the focus of the button that goes away is not lost."""
    async with opened(browser, page_server) as page, worker(livekit):
        await page.get_by_role("button", name="Talk").click()
        await heard(page)
        await page.locator("#mute").focus()
        for key in ("m", "h", "Control+Alt+h", "Alt+Shift+h"):
            await page.keyboard.press(key)
        assert await page.evaluate("window.firstword.state") == "live"
        await expect(page.locator("#mute")).to_have_text("Mute")
        await page.keyboard.press("Alt+h")
        await state(page, "ended")
        assert await page.evaluate("document.activeElement.id") == "talk"


async def test_the_next_call_is_not_muted(browser: Browser, page_server: PageServer, livekit: LocalLiveKit) -> None:
    """Whoever muted one call and hung up is heard in the next one."""
    async with opened(browser, page_server) as page, worker(livekit):
        await page.get_by_role("button", name="Talk").click()
        await heard(page)
        await page.locator("#mute").click()
        await expect(page.locator("#mute")).to_have_text("Unmute")
        await page.get_by_role("button", name="Hang up").click()
        await page.get_by_role("button", name="Talk again").click()
        await heard(page)
        await expect(page.locator("#mute")).to_have_text("Mute")
        await page.wait_for_function(f"() => {LEVEL} > 0", timeout=WAIT_MS)


async def test_the_keyboard_reaches_everything(browser: Browser, page_server: PageServer) -> None:
    """Tab comes by all that can be pressed or chosen, in the order in which it stands, each with a focus to be seen."""
    async with opened(browser, page_server) as page:
        await page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        order = await focus_order(page)
        assert list(order) == [
            "language",
            "talk",
            "Microphone and speaker",
            "microphone",
            "speaker",
            "Connection",
            "transport",
            "Sound of the microphone",
            "Providers",
        ]
        assert all(order.values())
        await page.get_by_role("button", name="Talk").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Hang up")).to_be_focused()
