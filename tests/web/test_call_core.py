"""One call of the library over a scripted way in: what it makes of each event, and that it leaves nothing open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.web.sound_page import sound_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

WAIT_MS = 45_000

# `window.line` is the scripted way in, `window.call` the call over it, `window.changes` each state and notice.
PRELUDE = """
async () => {
  const { Call, CallFailure } = await import("/static/firstword.js");
  const tones = new Tones();
  const contexts = [];
  class Scripted {
    kind = "whip";
    said = [];
    constructor(events) { this.events = events; window.line = this; window.lines = [...(window.lines ?? []), this]; }
    prepare() { this.said.push("prepare"); }
    async open(microphone, signal) {
      this.said.push("open");
      this.track = await microphone;
      this.events.step("posted", performance.now());
      if (window.refusal) throw new CallFailure(...window.refusal);
      this.events.step("answered", performance.now());
      this.events.step("connected", performance.now());
      return { room: "room", identity: "caller", token: "token" };
    }
    async replaceMicrophone(track) { this.track = track; this.said.push("replace"); }
    async setMuted(muted) { this.said.push(muted ? "mute" : "unmute"); }
    async stats() { return null; }
    close(leaving) { this.said.push(leaving ? "close leaving" : "close"); }
    speak(at = 0) { this.events.agentTrack(tones.track([[at, at + 0.4]])); }
  }
  const microphone = (events) => ({
    track: null,
    async open() {
      window.microphoneEvents = events;
      if (window.denied) throw new DOMException("no", window.denied);
      return (this.track = tones.track([[0.1, 0.3]]));
    },
    close() { this.track?.stop(); this.track = null; },
    async tune(sound) { window.tuned = sound; },
    async choose() {},
    granted: () => null,
  });
  window.changes = [];
  window.told = { gaps: [], levels: [] };
  window.call = new Call(
    { transport: (events) => new Scripted(events), microphone, agentTimeoutS: window.agentTimeoutS ?? 20 },
    {
      changed: () => {
        const now = call.notice === null ? call.state : `${call.state}: ${call.notice.code}`;
        if (changes.at(-1) !== now) changes.push(now);
      },
      level: (side, level, peak) => told.levels.push([side, level, peak]),
    },
  );
  window.live = async () => { changes.length = 0; await call.start(); line.speak(); };
}
"""


@pytest_asyncio.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with sound_page(browser) as opened:
        await opened.evaluate(PRELUDE)
        yield opened


async def changes(page: Page) -> list[str]:
    return await page.evaluate("changes")


async def test_from_the_click_to_the_first_word(page: Page) -> None:
    """Each state in its order, each step in milliseconds from the click, the levels of both sides; nothing is left."""
    await page.evaluate("live()")
    await page.wait_for_function("() => call.timings.first_word_ms !== null", timeout=WAIT_MS)
    assert await changes(page) == ["requesting", "connecting", "live"]
    timings = await page.evaluate("call.timings")
    assert timings["token_ms"] is timings["joining_ms"] is None
    steps = [timings[f"{step}_ms"] for step in ("microphone", "posted", "answered", "connected")]
    assert steps == sorted(steps)
    assert 0 < timings["connected_ms"] <= timings["agent_track_ms"] < timings["first_word_ms"]
    await page.wait_for_function(
        "() => ['caller', 'agent'].every((side) => told.levels.some(([who, level]) => who === side && level > 0.5))",
        timeout=WAIT_MS,
    )
    assert await page.evaluate("document.querySelectorAll('audio').length") == 1
    opened = await page.evaluate("call.opened()")
    assert opened.items() >= {"transport": 1, "microphone": 1, "meter caller": 1, "meter agent": 1, "levels": 1}.items()
    await page.evaluate("call.hangUp(); call.hangUp()")
    assert await page.evaluate("call.opened()") == {}
    assert await page.evaluate(
        "[call.state, call.active, line.said, told.levels.slice(-2), document.querySelectorAll('audio').length]"
    ) == ["ended", False, ["open", "close"], [["caller", 0, 0], ["agent", 0, 0]], 0]
    report = await page.evaluate("call.monitor.report()")
    assert (report["call"]["outcome"], report["attempts"]["call"]["succeeded"]) == ("ended", 1)
    assert report["call"]["timings"] == timings


async def test_an_interrupted_connection_is_told_and_forgotten(page: Page) -> None:
    """The notice goes when the connection is back."""
    await page.evaluate("live().then(() => { line.events.interrupted(); line.events.restored(); })")
    assert await changes(page) == ["requesting", "connecting", "live", "live: interrupted", "live"]


async def test_a_lost_agent_is_awaited_again(page: Page) -> None:
    """Its notice goes when the next one is heard; the first word stays that of the first."""
    await page.evaluate("live()")
    await page.wait_for_function("() => call.timings.first_word_ms !== null", timeout=WAIT_MS)
    first = await page.evaluate("call.timings.first_word_ms")
    await page.evaluate("line.events.agentLost()")
    assert (await changes(page))[-1] == "live: agent-lost"
    await page.evaluate("line.speak()")
    assert (await changes(page))[-1] == "live"
    assert await page.evaluate("[call.timings.first_word_ms, document.querySelectorAll('audio').length]") == [first, 1]


@pytest.mark.parametrize(
    ("reason", "state", "notice", "failure"),
    [
        ("agent", "ended", "agent-hung-up", None),
        ("server", "ended", "ended-by-server", None),
        ("lost", "failed", None, "connection-lost"),
        ("expired", "failed", None, "token-expired"),
    ],
)
async def test_why_a_call_is_over(page: Page, reason: str, state: str, notice: str | None, failure: str | None) -> None:
    """As a code; and what the line still says after that changes nothing."""
    await page.evaluate(
        """(reason) => live().then(() => {
          line.events.closed(reason);
          line.events.interrupted();
          line.events.words({ segment: "s", who: "agent", text: "late", final: true });
          line.speak();
        })""",
        reason,
    )
    ended: dict[str, Any] = await page.evaluate(
        """({ state: call.state, notice: call.notice?.code ?? null, failure: call.failure?.code ?? null,
              lines: call.transcript.lines.length, audio: document.querySelectorAll('audio').length })"""
    )
    assert ended == {"state": state, "notice": notice, "failure": failure, "lines": 0, "audio": 0}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("NotAllowedError", "microphone-blocked"),
        ("NotFoundError", "microphone-missing"),
        ("OddError", "microphone-failed"),
    ],
)
async def test_no_microphone_is_no_call(page: Page, name: str, code: str) -> None:
    """The failure says why; the line was closed, and the next call works."""
    await page.evaluate("(name) => { window.denied = name; return call.start(); }", name)
    assert await page.evaluate("[call.state, call.failure.code, line.said]") == ["failed", code, ["open", "close"]]
    await page.evaluate("() => { window.denied = null; return call.start(); }")
    assert await page.evaluate("[call.state, call.failure, lines.length]") == ["live", None, 2]


async def test_what_the_line_refuses_is_the_failure(page: Page) -> None:
    """With its details, for the page's words; the report counts it."""
    await page.evaluate(
        """() => { window.refusal = ["too-many", { status: 429, retryAfterS: 7 }]; return call.start(); }"""
    )
    assert await page.evaluate("[call.state, call.failure.code, call.failure.details]") == [
        "failed",
        "too-many",
        {"status": 429, "retryAfterS": 7},
    ]
    assert await page.evaluate("call.monitor.report().attempts.whip") == {"succeeded": 0, "failed": 1, "share": 0}


async def test_an_agent_that_does_not_come_is_not_awaited_for_ever(browser: Browser) -> None:
    """After the limit the call fails, and says how long it waited for whom."""
    async with sound_page(browser) as page:
        await page.evaluate("window.agentTimeoutS = 0.3")
        await page.evaluate(PRELUDE)
        await page.evaluate("() => { call.agentName = 'ada'; return call.start(); }")
        await page.wait_for_function("() => call.state === 'failed'", timeout=WAIT_MS)
        assert await page.evaluate("[call.failure.code, call.failure.details]") == [
            "no-agent",
            {"agentName": "ada", "afterS": 0.3},
        ]


async def test_mute_holds_for_the_microphone_that_comes_next(page: Page) -> None:
    """Before the call, in it, and over a change of devices: the line is told, and the track gives silence."""
    await page.evaluate("call.setMuted(true)")
    await page.evaluate("live()")
    assert await page.evaluate("[call.muted, call.microphone.track.enabled, line.said]") == [
        True,
        False,
        ["open", "mute"],
    ]
    await page.evaluate("call.setMuted(false)")
    assert await page.evaluate("[call.microphone.track.enabled, line.said.at(-1)]") == [True, "unmute"]
    # A way in may switch the track off as its device goes: the next one takes over what the caller chose.
    await page.evaluate(
        """async () => {
          call.microphone.track.enabled = false;
          await microphoneEvents.replaced(new Tones().track([]), "unplugged");
        }"""
    )
    assert await page.evaluate("[call.microphone.track.enabled, line.said.at(-1)]") == [True, "replace"]


async def test_an_unplugged_microphone_is_told_until_there_is_another(page: Page) -> None:
    """The call goes on meanwhile."""
    await page.evaluate("live()")
    await page.evaluate("microphoneEvents.lost(new Error('gone'))")
    assert (await changes(page))[-1] == "live: microphone-lost"
    await page.evaluate("microphoneEvents.replaced(new Tones().track([]), 'unplugged')")
    assert (await changes(page))[-1] == "live"


async def test_the_room_tells_how_the_microphone_sounds(page: Page) -> None:
    """What the line says of the sound goes to the microphone."""
    sound = {"echoCancellation": True, "noiseSuppression": False, "autoGainControl": False}
    await page.evaluate("(sound) => live().then(() => line.events.sound(sound))", sound)
    assert await page.evaluate("tuned") == sound


async def test_what_was_prepared_is_used_once(page: Page) -> None:
    """The next call has a line of its own; one that is no longer wanted is closed unused."""
    await page.evaluate("call.prepare(); call.prepare()")
    assert await page.evaluate("[lines.length, line.said]") == [1, ["prepare", "prepare"]]
    await page.evaluate("live()")
    assert await page.evaluate("[lines.length, line.said]") == [1, ["prepare", "prepare", "open"]]
    await page.evaluate("call.hangUp(); call.prepare(); call.forget()")
    assert await page.evaluate("[lines.length, line.said]") == [2, ["prepare", "close"]]
    await page.evaluate("live()")
    assert await page.evaluate("lines.length") == 3


async def test_a_page_that_goes_hangs_up_at_once(page: Page) -> None:
    """The line is closed as one of a page that is leaving; a page that comes back is ready for the next call."""
    await page.evaluate("live()")
    await page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert await page.evaluate("[call.state, line.said]") == ["ended", ["open", "close leaving"]]
    await page.evaluate("live()")
    assert await page.evaluate("[call.state, lines.length]") == ["live", 2]


async def test_a_hidden_tab_goes_on_with_its_call(page: Page) -> None:
    """Out of sight is not hung up."""
    await page.evaluate("live()")
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert await page.evaluate("call.state") == "live"


async def test_a_hang_up_while_the_person_is_asked_closes_what_comes_later(page: Page) -> None:
    """The microphone that is allowed after the end is not kept, and the call stays ended."""
    assert await page.evaluate(
        """async () => {
          let allow;
          const open = call.microphone.open;
          call.microphone.open = async () => {
            await new Promise((done) => { allow = done; });
            return open.call(call.microphone);
          };
          const started = call.start();
          call.hangUp();
          allow();
          await started;
          return [call.state, call.failure, line.said];
        }"""
    ) == ["ended", None, ["open", "close"]]
