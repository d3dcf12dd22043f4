"""The caller's microphone and loudspeaker: what was given, another one, and none any more."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.web.browser import chromium
from tests.web.sound_page import sound_page

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser, Page

pytestmark = pytest.mark.desktop

# `opened` are all tracks that the browser ever gave; `told` what the microphone tells; unplug() is what the browser
# does when the device of the newest track is pulled out: a track that ends, and the news that the devices are others.
SETUP = """async () => {
  window.lib = await import("/static/firstword.js");
  window.opened = [];
  window.broken = null;
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async constraints => {
    if (window.broken) throw new DOMException("no such device", window.broken);
    const stream = await open(constraints);
    window.opened.push(stream.getAudioTracks()[0]);
    return stream;
  };
  window.unplug = () => {
    opened.at(-1).stop();
    opened.at(-1).dispatchEvent(new Event("ended"));
    navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  };
  window.live = () => opened.map(track => track.readyState === "live");
  window.told = [];
  window.microphone = new lib.Microphone({
    replaced: async (track, because) => { await null; told.push([because, track === opened.at(-1), live()]); },
    lost: failure => told.push(["lost", failure instanceof Error && failure.name]),
    devices: devices => { window.devices = devices; },
  });
}"""
USUAL = {"echoCancellation": True, "noiseSuppression": True, "autoGainControl": True}
PLAIN = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}


@asynccontextmanager
async def microphone(browser: Browser) -> AsyncGenerator[Page]:
    async with sound_page(browser) as page:
        await page.evaluate(SETUP)
        yield page


async def told(page: Page, count: int) -> list[list[object]]:
    await page.wait_for_function("count => told.length >= count", arg=count)
    return await page.evaluate("told")


async def test_what_the_browser_gave_is_told(browser: Browser) -> None:
    """The room's way of sounding reaches the browser; what it gave, and the names of the devices, are read back."""
    async with microphone(browser) as page:
        assert await page.evaluate("microphone.granted()") is None
        await page.evaluate("sound => microphone.open(sound).then(() => 0)", {**USUAL, "noiseSuppression": False})
        granted = await page.evaluate("microphone.granted()")
        sound = {"echo_cancellation": True, "noise_suppression": False, "auto_gain_control": True}
        assert granted == {**sound, "sample_rate_hz": 48_000, "channel_count": 1, "latency_ms": 10}
        await page.wait_for_function("window.devices?.length > 1")
        labels = await page.evaluate("devices.map(device => device.label)")
        assert await page.evaluate("microphone.label") in labels
        await page.evaluate("microphone.close()")
        assert await page.evaluate("[microphone.track, microphone.granted(), live()]") == [None, None, [False]]


async def test_it_is_retuned_without_a_gap(browser: Browser) -> None:
    """The new track sounds as asked, the old one lives until it is taken; muted stays muted; the same: nothing."""
    async with microphone(browser) as page:
        await page.evaluate("sound => microphone.open(sound).then(track => { track.enabled = false; })", USUAL)
        await page.evaluate("sound => microphone.tune(sound)", USUAL)
        assert await page.evaluate("opened.length") == 1
        await page.evaluate("sound => microphone.tune(sound)", PLAIN)
        assert await page.evaluate("told") == [["sound", True, [True, True]]]
        assert await page.evaluate("[live(), microphone.track.enabled]") == [[False, True], False]
        granted = await page.evaluate("microphone.granted()")
        names = ("echo_cancellation", "noise_suppression", "auto_gain_control")
        assert [granted[name] for name in names] == [False, False, False]


async def test_a_track_that_is_not_taken_changes_nothing(browser: Browser) -> None:
    """If the call cannot take the new track, or there is none, the old one stays, and CallFailure says so."""
    async with microphone(browser) as page:
        failed = await page.evaluate(
            """async ([usual, plain]) => {
              const picky = new lib.Microphone({ replaced: () => { throw new Error("no room"); }, lost() {} });
              await picky.open(usual);
              const names = [];
              await picky.tune(plain).catch(failure => names.push(failure.name));
              await picky.choose("no such device").catch(failure => names.push(failure.name));
              return [names, picky.chosen, live(), picky.granted().echo_cancellation];
            }""",
            [USUAL, PLAIN],
        )
        assert failed == [["CallFailure", "CallFailure"], "", [True, False], True]


async def test_the_chosen_one_is_remembered(browser: Browser) -> None:
    """In this call, in the next one and after a reload; one that is gone gives way to the default."""
    async with microphone(browser) as page:
        await page.evaluate("microphone.open().then(() => 0)")
        await page.wait_for_function("window.devices?.length > 1")
        other = await page.evaluate("devices.at(-1).id")
        await page.evaluate("id => microphone.choose(id)", other)
        assert await page.evaluate("[told, live()]") == [[["chosen", True, [True, True]]], [False, True]]
        await page.reload()
        await page.evaluate(SETUP)
        now = "microphone.open().then(track => track.getSettings().deviceId)"
        assert await page.evaluate(f"microphone.chosen === '{other}' && {now}") == other
        await page.evaluate("localStorage.setItem('firstword.microphone', 'gone')")
        await page.reload()
        await page.evaluate(SETUP)
        assert await page.evaluate(now) == "default"


async def test_unplugged_another_one_is_taken(browser: Browser) -> None:
    """At once if there is one; if not that is told, and the next one that is plugged in is taken."""
    async with microphone(browser) as page:
        await page.evaluate("microphone.open().then(() => unplug())")
        assert await told(page, 1) == [["unplugged", True, [False, True]]]
        await page.wait_for_function("microphone.track === opened[1]")
        await page.evaluate("() => { broken = 'NotFoundError'; unplug(); }")
        assert (await told(page, 2))[1] == ["lost", "CallFailure"]
        assert await page.evaluate("microphone.track") is None
        await page.evaluate("""() => {
          broken = null;
          navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
        }""")
        assert (await told(page, 3))[2:] == [["unplugged", True, [False, False, True]]]
        await page.evaluate("() => { microphone.close(); unplug(); }")
        assert await page.evaluate("microphone.open().then(() => [told.length, live()])") == [
            3,
            [False, False, False, True],
        ]


async def test_closed_while_it_opens(browser: Browser) -> None:
    """Nothing stays open, whoever waits is told; and another one may be opened at once."""
    async with microphone(browser) as page:
        name = await page.evaluate("""async () => {
          const first = microphone.open().then(() => "open", error => error.name);
          microphone.close();
          await microphone.open();
          return await first;
        }""")
        assert name == "MicrophoneClosed"
        assert sum(await page.evaluate("live()")) == 1
        assert await page.evaluate("microphone.track.readyState") == "live"


async def test_no_microphone_and_no_permission() -> None:
    """Both are a CallFailure, and the permission is told as it changes."""
    async with chromium(microphone=False) as browser, microphone(browser) as page:
        await page.context.clear_permissions()
        await page.evaluate(
            "lib.followPermission(state => { window.state = state; }).then(stop => { window.unfollow = stop; })"
        )
        assert await page.evaluate("state") == "prompt"
        # What is not granted is denied then.
        await page.context.grant_permissions(["geolocation"])
        await page.wait_for_function("state === 'denied'")
        assert await page.evaluate("microphone.open().catch(failure => failure.name)") == "CallFailure"
        await page.context.grant_permissions(["microphone"])
        await page.wait_for_function("state === 'granted'")
        assert await page.evaluate("microphone.open().catch(failure => failure.name)") == "CallFailure"
        await page.evaluate("unfollow()")


async def test_the_loudspeaker_is_chosen_and_may_go(browser: Browser) -> None:
    """All elements play there, later ones too; unplugged it is the system's default, until it is back."""
    async with microphone(browser) as page:
        await page.evaluate("microphone.open().then(() => 0)")
        sinks = await page.evaluate("""async () => {
          const changed = async wanted => {
            navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
            while (first.sinkId !== wanted) await new Promise(requestAnimationFrame);
          };
          const speaker = new lib.Speaker(), first = new Audio(), later = new Audio();
          const unfollow = speaker.follow(first);
          const { id } = (await lib.soundDevices("speaker")).at(-1);
          const unknown = await speaker.choose("gone").catch(error => error.name);
          await speaker.choose(id);
          speaker.follow(later);
          while (later.sinkId !== id) await new Promise(requestAnimationFrame);
          const both = [first.sinkId === id, later.sinkId === id];
          const list = navigator.mediaDevices.enumerateDevices;
          navigator.mediaDevices.enumerateDevices = async () => [];
          await changed("");
          navigator.mediaDevices.enumerateDevices = list;
          await changed(id);
          unfollow();
          return [unknown, both, speaker.chosen === id, new lib.Speaker().chosen === id];
        }""")
        assert sinks == ["NotFoundError", [True, True], True, True]
