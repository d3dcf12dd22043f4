"""What the page tells of a microphone's sound: silent where there should be a voice, or too loud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.web.sound_page import sound_page

if TYPE_CHECKING:
    from playwright.async_api import Browser


async def test_a_microphone_that_seems_muted_and_one_that_is_too_loud(browser: Browser) -> None:
    """Three seconds of zeros are told, but not while the page mutes; sound ends that; clipping comes and goes."""
    async with sound_page(browser) as page:
        told = await page.evaluate(
            """async () => {
              const { Levels } = await import("/static/firstword.js");
              const levels = new Levels(), tones = new Tones();
              levels.resume();
              const told = { live: [], muted: [], ended: 0 };
              const muted = tones.track([]);
              muted.enabled = false;
              const stopMuted = await levels.meter(muted, { silent: silent => told.muted.push(silent) });
              const { track, play } = tones.silent();
              let over;
              const done = new Promise(resolve => { over = resolve; });
              const stop = await levels.meter(track, {
                silent: silent => {
                  told.live.push(["silent", silent]);
                  if (silent) play([[0, 2.5, 1], [2.5, 60, 0.3]]);
                },
                clipping: share => { told.live.push(["clipping", share]); if (share === 0) over(); },
                ended: () => { told.ended += 1; },
              });
              await done;
              track.dispatchEvent(new Event("ended"));
              stop(); stop(); stopMuted();
              track.dispatchEvent(new Event("ended"));
              await levels.close(); await tones.context.close();
              return told;
            }"""
        )
    assert told["muted"] == []
    assert told["live"][:2] == [["silent", True], ["silent", False]]
    assert {name for name, _ in told["live"][2:]} == {"clipping"}
    # A sine of full scale is at 0.99 or above for 9 % of its time; at 1 kHz for 6 of 48 samples.
    assert 0.001 < told["live"][2][1] < 0.13
    assert told["live"][-1] == ["clipping", 0]
    assert told["ended"] == 1
