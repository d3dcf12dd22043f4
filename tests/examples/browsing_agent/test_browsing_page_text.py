from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from examples.browsing_agent.browsing_errors import FieldError, NavigationError, UnknownRefError
from examples.browsing_agent.page_text import page_text

if TYPE_CHECKING:
    from examples.browsing_agent.browser_manager import BrowserManager
    from tests.examples.browsing_agent.browsing_site import BrowsingSite

SHOP = """<title>Garden shop</title>
<style>.far { position: absolute; left: -9999px }</style>
<h1>Tools</h1><p>A <b>good</b>
 spade.</p><ul><li>Rake</li><li><a href="/404">Hose</a></li></ul>
<p style="display:none">none</p><p style="visibility:hidden">unseen</p><p style="opacity:0">clear</p>
<p style="font-size:0">tiny</p><p class="far">far</p><script>var a = "script"</script>
<img alt="a red spade" src="data:,">
<iframe srcdoc="<p>in a frame</p><button onclick='parent.hit = 1'>Inside</button>"></iframe>
<div id="host"></div>
<form action="/sent" onsubmit="document.title = 'sent ' + new URLSearchParams(new FormData(this)); return false">
<label>Name <input name="name" value="old" required></label>
<label>Colour <select name="colour"><option value="r">Red</option><option value="b">Blue</option></select></label>
<label><input type="checkbox" name="agree"> I agree</label>
<input type="password" name="word" aria-label="Secret" value="hush"><input type="date" name="day" aria-label="Day">
<input type="file" aria-label="File"><input type="hidden" name="token" value="t0ken">
<button disabled>Wait</button><button>Send</button></form>
<script>host.attachShadow({ mode: "open" }).innerHTML = "<p>in the shadow</p>"</script>"""


async def test_the_visible_text_and_what_can_be_used(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """Headings, lists, frames of the same site and shadow trees; nothing that the caller cannot see."""
    page = await manager.open_page(browsing_site.page(SHOP))
    read = await page.read()
    assert (read.title, read.url) == ("Garden shop", page.url)
    for seen in ("# Tools", "A good spade.", "- Rake", "a red spade", "in a frame", "in the shadow"):
        assert seen in read.text
    for unseen in ("none", "unseen", "clear", "tiny", "far", "script", "hush", "t0ken"):
        assert unseen not in str(read)
    kinds = {item.label: item.kind for item in read.items}
    assert kinds["Hose"] == "link"
    assert kinds["Inside"] == kinds["Send"] == "button"
    assert (kinds["Name"], kinds["Colour"], kinds["I agree"]) == ("field", "choice", "checkbox")
    text = str(read)
    assert "one of: Red, Blue" in text
    assert 'now "old"' in text
    assert "disabled" in text
    await page.close()


async def test_a_form_is_filled_and_sent(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """Typed text, a choice by its words, a box, a date; then the form as a person would send it."""
    page = await manager.open_page(browsing_site.page(SHOP))
    refs = {item.label: item.ref for item in (await page.read()).items}
    await page.fill(refs["Name"], "Ann O'Neil")
    await page.fill(refs["Colour"], "blue")
    await page.fill(refs["I agree"], "yes")
    await page.fill(refs["Day"], "2026-05-04")
    await page.submit()
    assert (await page.read()).title == "sent name=Ann+O%27Neil&colour=b&agree=on&word=hush&day=2026-05-04&token=t0ken"
    await page.fill(refs["Name"], "")
    with pytest.raises(FieldError, match="not complete at 'Name'"):
        await page.submit()
    await page.close()


async def test_a_wrong_ref_or_value_is_told(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """Each with what is allowed instead."""
    page = await manager.open_page(browsing_site.page(SHOP))
    with pytest.raises(UnknownRefError, match="read the page first"):
        await page.click("e1")
    refs = {item.label: item.ref for item in (await page.read()).items}
    for label, value, words in (
        ("Colour", "green", "allowed: Red, Blue"),
        ("I agree", "perhaps", "allowed: yes, no"),
        ("Day", "tomorrow", "type date"),
        ("File", "/etc/passwd", "it is a file"),
        ("Send", "x", "it is a button"),
        ("Name", "x" * 2001, "allowed: up to 2000"),
    ):
        with pytest.raises(FieldError, match=words):
            await page.fill(refs[label], value)
    with pytest.raises(FieldError, match="disabled"):
        await page.click(refs["Wait"])
    with pytest.raises(UnknownRefError, match=r"'e999' is not on the page; allowed: e"):
        await page.click("e999")
    with pytest.raises(FieldError, match="in no form"):
        await page.submit(refs["Hose"])
    with pytest.raises(ValueError, match="allowed: -20000 to 20000"):
        await page.scroll(30_000)
    await page.close()


async def test_refs_stay_while_the_thing_does_and_never_come_back(
    manager: BrowserManager, browsing_site: BrowsingSite
) -> None:
    """The same name for the same link after a change; another page's link never has it."""
    two = browsing_site.page("<a href='/404'>Other</a>")
    page = await manager.open_page(
        browsing_site.page(f"<button onclick='first.remove()'>Cut</button><p id=first>x</p><a href='{two}'>Next</a>")
    )
    before = {item.label: item.ref for item in (await page.read()).items}
    await page.click(before["Cut"])
    assert {item.label: item.ref for item in (await page.read()).items} == before
    await page.click(before["Next"])
    assert page.url == two
    (other,) = (await page.read()).items
    assert other.ref not in before.values()
    with pytest.raises(UnknownRefError):
        await page.click(before["Next"])
    await page.back()
    assert "Cut" in await page.text()
    with pytest.raises(NavigationError, match="first page"):
        await page.back()
    await page.close()


async def test_what_lies_over_a_button_is_not_clicked(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """Clickjacking, or a banner: it is told, and nothing is pressed."""
    cover = "<div style='position:fixed;inset:0' onclick='document.title=1'></div>"
    page = await manager.open_page(browsing_site.page(f"<title>safe</title><button>Go</button>{cover}"))
    (button,) = (await page.read()).items
    with pytest.raises(FieldError, match="covered"):
        await page.click(button.ref)
    assert (await page.read()).title == "safe"
    await page.close()


async def test_a_long_page_is_cut_and_says_so(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """The text is bounded, whatever the page is; so is the time for a page of very many parts."""
    page = await manager.open_page(browsing_site.page("<p>word " * 5000))
    text = await page.text(limit=1000)
    assert len(text) < 1500
    assert "the text is cut: 1000 of" in text
    await page.scroll(400)
    assert "the window shows pixels" in text
    await page.close()
    page = await manager.open_page(browsing_site.page("<b>w</b> " * 60_000))
    assert "too large to be read to its end" in await page.text()
    await page.close()


def test_text_is_assembled_from_pieces() -> None:
    """Lines without what only layout wanted; a list that is too long says how much is left out."""
    items = [{"ref": f"e{number}", "kind": "link", "label": "x"} for number in range(65)]
    read = {"title": "T", "url": "u", "pieces": ["\n", "a  b", "\n", " ", "\n", "c", " | ", "\n | \n"], "items": items}
    text = page_text({**read, "whole": 4, "cut": False, "frames": 2, "scroll": [0, 100, 100]})
    assert text.text == "a b\nc |"
    assert "(5 more)" in str(text)
    assert text.notes == ("2 frame(s) of other sites are not read",)
