"""A few calls of the load page."""

from __future__ import annotations

import pytest

from bench.browser.chromium import chromium
from bench.browser.loads import measure_loads
from bench.browser.plan import TRANSPORTS, Options, Transport
from bench.browser.visit import window
from bench.workers import Surroundings
from tests.web.page_server import PAGE_STATIC, serve
from web.server import page_app


@pytest.mark.parametrize("way", TRANSPORTS)
async def test_every_call_hears_the_agent(way: Transport) -> None:
    """And has its time; what the browser took for it is told."""
    async with Surroundings("fixed", 1) as place:
        options = Options(load_calls=3, transports=(way,), static=PAGE_STATIC)
        (load,) = await measure_loads(place, options, lambda _: None)
    assert load.failures == ()
    assert (load.asked, load.heard, len(load.sounds_ms)) == (3, 3, 3)
    assert all(sound_ms > 0 for sound_ms in load.sounds_ms)
    assert load.cpu_cores > 0


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("calls=0", 'calls: got "0", allowed: a whole number from 1 to 500'),
        ("calls=2&transport=pigeon", 'transport: got "pigeon", allowed: livekit, whip'),
        ("calls=2&stay_ms=soon", 'stay_ms: got "soon", allowed: a whole number from 0 to 3600000'),
    ],
)
async def test_a_wrong_address_calls_nobody(query: str, told: str) -> None:
    """The page says what is wrong with it."""
    app = page_app(
        livekit_url="ws://127.0.0.1:1", api_key="key", api_secret="s" * 32, agent_name="nobody", static=PAGE_STATIC
    )
    async with serve(app) as site, chromium() as browser, window(browser) as tab:
        await tab.goto(f"{site.url}/static/load.html?{query}")
        await tab.wait_for_function("() => document.getElementById('plan').textContent !== ''")
        assert await tab.text_content("#plan") == told
        assert await tab.evaluate("window.load.report().started") == 0
