"""What an untrusted page may not do. The site of the tests is allowed; `forbidden` beside it is as private as any."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from examples.browsing_agent.browser_manager import BrowserManager
from examples.browsing_agent.browsing_errors import BrowserStartError, NavigationError, RefusedAddressError
from tests.examples.browsing_agent.browsing_site import BrowsingSite, serving, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest_asyncio.fixture(scope="module")
async def forbidden() -> AsyncIterator[BrowsingSite]:
    """A server of this machine that no page may reach."""
    async with serving() as site:
        yield site


async def test_the_way_to_a_private_address_is_closed(
    manager: BrowserManager, browsing_site: BrowsingSite, forbidden: BrowsingSite
) -> None:
    """By address, by a name of it, by a redirect; the error names the address and nothing is left open."""
    urls = [
        f"http://localhost:{forbidden.port}/",
        f"http://2130706433:{forbidden.port}/",
        f"http://[::ffff:127.0.0.1]:{forbidden.port}/",
        f"https://{forbidden.host}/",
        browsing_site.redirect(f"http://{forbidden.host}/"),
        browsing_site.redirect(f"https://{forbidden.host}/"),
    ]
    for url in urls:
        with pytest.raises(RefusedAddressError, match="not a public address; allowed: public addresses"):
            await manager.open_page(url)
    for target in ("file:///etc/passwd", "data:text/html,x", "chrome://version", "view-source:http://x/"):
        with pytest.raises(NavigationError, match="cannot be opened"):
            await manager.open_page(browsing_site.redirect(target))
    assert manager.pages == ()
    assert forbidden.asked == []


async def test_a_page_has_no_way_there_either(
    manager: BrowserManager, browsing_site: BrowsingSite, forbidden: BrowsingSite
) -> None:
    """Parts of a page, requests, WebSockets, frames, workers, links and WebRTC, all tried at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        place, turn = forbidden.host, udp.getsockname()[1]
        page = await manager.open_page(
            browsing_site.page(f"""<link rel=stylesheet href="http://{place}/css"><img src="http://{place}/img">
<link rel=preconnect href="http://{place}"><link rel=dns-prefetch href="http://{place}">
<iframe src="http://{place}/frame"></iframe><iframe src="file:///etc/passwd"></iframe><body><script>
const tried = [];
tried.push(fetch("http://{place}/fetch", {{ mode: "no-cors" }}).then(r => r.status));
tried.push(fetch("file:///etc/passwd").then(r => r.text()));
tried.push(new Promise((ok, no) => {{ const s = new WebSocket("ws://{place}/ws"); s.onopen = ok; s.onerror = no }}));
const workers = navigator.serviceWorker;
tried.push(workers.register("/404").then(() => workers.getRegistrations()).then(all => {{ if (!all.length) throw 0 }}));
tried.push(new Promise((ok, no) => navigator.geolocation.getCurrentPosition(ok, no)));
tried.push(navigator.mediaDevices.getUserMedia({{ audio: true }}));
navigator.sendBeacon("http://{place}/beacon");
const peer = new RTCPeerConnection({{ iceServers: [{{ urls: "stun:127.0.0.1:{turn}" }}] }});
peer.createDataChannel("x"); peer.createOffer().then(offer => peer.setLocalDescription(offer));
const gathered = new Promise((ok, no) => {{
  peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && no();
  setTimeout(no, 2000);
}});
Promise.allSettled([...tried, gathered])
  .then(all => {{ document.title = "done"; document.body.append("results: " + all.map(one => one.status).join(" ")) }});
</script>""")
        )
        text = ""
        async with asyncio.timeout(30):
            while "results: " not in text:
                text = await page.text()
        await page.close()
        with pytest.raises(BlockingIOError):
            udp.recv(100)
    # A refused fetch without CORS is answered by the proxy, and the page cannot read it.
    assert text.partition("results: ")[2].split()[:7] == ["fulfilled", *["rejected"] * 6]
    assert "root:" not in text
    assert forbidden.asked == []


async def test_dialogs_downloads_and_windows_are_told(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """A dialog stops nothing, a download is not kept, one window is opened by a click and none without."""
    file = browsing_site.page("x", headers={"Content-Disposition": "attachment; filename=bad.exe"})
    other = browsing_site.page("<title>other</title>other")
    page = await manager.open_page(
        browsing_site.page(
            f"<body><script>alert('hey'); confirm('sure?') && document.write('yes'); window.open('{other}')</script>"
            f"<a href='{file}'>File</a><button onclick=\"window.open('{other}'); window.open('{other}'); window.open('file:///etc')\">Open</button>"
        )
    )
    told = {(notice.kind, notice.text) for notice in page.notices()}
    assert {("dialog", "alert, dismissed: hey"), ("dialog", "confirm, dismissed: sure?")} <= told
    assert len(manager.pages) == 1
    refs = {item.label: item.ref for item in (await page.read()).items}
    await page.click(refs["File"])
    await until(lambda: any(notice.kind == "download" for notice in page.notices()), "the download")
    await page.click(refs["Open"])
    await until(lambda: len(manager.pages) == 2, "the window")
    popup = manager.pages[-1]
    assert popup.opener is page
    async with asyncio.timeout(20):
        while "other" not in await popup.text():
            await asyncio.sleep(0.05)
    with pytest.raises(NavigationError, match="it is a download, which is refused"):
        await page.goto(file)
    await popup.close()
    await page.close()
    assert manager.pages == ()


async def test_one_page_too_many_closes_the_oldest(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """And the new one says so; the errors of the closed one do, too."""
    pages = [await manager.open_page(browsing_site.page(f"page {number}")) for number in range(5)]
    assert manager.pages == tuple(pages[1:])
    assert pages[0].closed
    (notice,) = pages[4].notices()
    assert (notice.kind, notice.text) == ("pages", f"page {pages[0].number} was closed: at most 4 are open")
    await asyncio.gather(*(page.close() for page in pages))
    assert manager.pages == ()


async def test_a_browser_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By its path; and what a wrong setting allows."""
    with pytest.raises(BrowserStartError, match="nothing is no program; allowed: a Chromium"):
        await BrowserManager(executable=tmp_path / "nothing").__aenter__()
    with pytest.raises(BrowserStartError, match="did not start"):
        await BrowserManager(executable=tmp_path.joinpath("/bin/true")).__aenter__()
    with pytest.raises(ValueError, match=r"viewport: \(1, 720\); allowed: 64 to 4096"):
        BrowserManager(viewport=(1, 720))
    with pytest.raises(ValueError, match="max_pages: 0; allowed: 1"):
        BrowserManager(max_pages=0)
    with pytest.raises(RuntimeError, match="not started"):
        await BrowserManager().open_page("https://example.org/")
