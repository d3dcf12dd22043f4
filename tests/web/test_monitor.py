"""What a page measures of its calls, and the report that comes of it. In Chromium, with the built library."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest_asyncio

from tests.web.sound_page import sound_page
from web.reports.shape import read_report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

PRELUDE = """
async () => {
  const { PerformanceMonitor, CallFailure, ResponseGaps, fitted } = await import("/static/firstword.js");
  Object.assign(window, { CallFailure, fitted, monitor: new PerformanceMonitor(), gaps: new ResponseGaps().summary() });
  window.turn = (n) => JSON.stringify({ v: 1, kind: "turn", n, spans: [], marks: [], words: "x".repeat(500) });
  const marks = [{ name: "first_audible_sample", at_ms: 90 }];
  window.start = JSON.stringify({ v: 1, kind: "start", spans: [], marks });
}
"""


@pytest_asyncio.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with sound_page(browser) as opened:
        await opened.evaluate(PRELUDE)
        yield opened


async def test_a_whip_call_in_figures(page: Page) -> None:
    """Each part of the way in is measured from where it begins; the service's reader takes the report as it is."""
    report = await page.evaluate(
        """() => {
          monitor.begin("whip", performance.now());
          monitor.reached("posted_ms", 10);
          monitor.reached("answered_ms", 70);
          monitor.reached("connected_ms", 80);
          monitor.reached("first_word_ms", 120);
          monitor.joined({ room: "r", identity: "i", token: "secret" });
          monitor.timeline(start); monitor.timeline(turn(1)); monitor.timeline("no JSON"); monitor.timeline("[]");
          for (const ms of [800, 600.04, 700]) monitor.gap(ms);
          monitor.noticed("interrupted");
          monitor.end("ended", null, null, gaps);
          return monitor.report();
        }"""
    )
    latencies = {name: (figures["count"], figures["p50_ms"]) for name, figures in report["latencies"].items()}
    assert latencies == {
        "whip.post": (1, 10),
        "whip.answer": (1, 60),
        "whip.connect": (1, 70),
        "audio.first_word": (1, 120),
        "audio.response_gap": (3, 700),
    }
    assert report["attempts"] == {name: {"succeeded": 1, "failed": 0, "share": 1} for name in ("call", "whip")}
    assert report["call"]["gaps_ms"] == [800, 600, 700]
    assert [timeline["kind"] for timeline in report["timelines"]] == ["start", "turn"]
    assert "secret" not in json.dumps(report)
    read = read_report(report)
    assert (read.call.outcome, read.call.room, read.call.notices[0].code) == ("ended", "r", "interrupted")


async def test_who_hangs_up_early_has_neither_succeeded_nor_failed(page: Page) -> None:
    """A failure counts, with its code; a hang-up before anything could be heard does not."""
    report = await page.evaluate(
        """() => {
          monitor.begin("livekit", performance.now());
          monitor.end("ended", null, null, gaps);
          monitor.begin("livekit", performance.now());
          monitor.end("failed", new CallFailure("no-agent", { afterS: 10 }), null, gaps);
          monitor.end("ended", null, null, gaps);
          return monitor.report();
        }"""
    )
    failed = {"succeeded": 0, "failed": 1, "share": 0}
    assert report["attempts"] == {"call": failed, "livekit": failed}
    assert (report["call"]["n"], report["call"]["outcome"], report["call"]["failure"]) == (2, "failed", "no-agent")
    assert [error["code"] for error in report["errors"]] == ["no-agent"]
    read_report(report)


async def test_the_memory_is_bounded(page: Page) -> None:
    """After much of everything the newest are there, and the counts still say how much there was."""
    report = await page.evaluate(
        """() => {
          monitor.begin("livekit", performance.now());
          monitor.timeline(start);
          for (let n = 1; n <= 3000; n++) {
            monitor.measured("websocket.round_trip", n);
            monitor.measured("ai.answer", Number.NaN);
            monitor.gap(n);
            monitor.noticed("interrupted");
            monitor.erred("odd", "x".repeat(1000));
            monitor.timeline(turn(n));
          }
          return monitor.report();
        }"""
    )
    call = report["call"]
    assert [len(call["gaps_ms"]), len(call["notices"]), len(report["errors"])] == [200, 50, 50]
    assert call["gaps_ms"][-1] == 3000
    assert len(report["errors"][0]["message"]) == 200
    assert [timeline.get("n") for timeline in report["timelines"]] == [None, *range(2937, 3001)]
    assert report["timelines_left_out"] == 2936
    assert "ai.answer" not in report["latencies"]
    trips = report["latencies"]["websocket.round_trip"]
    assert (trips["count"], trips["last_ms"], trips["p50_ms"]) == (3000, 3000, 2744)
    read_report(report)


async def test_a_report_is_cut_to_what_a_beacon_takes(page: Page) -> None:
    """The oldest turns go first, the start stays, what is left out is counted; a limit that is too small gives null."""
    whole, cut, bare, nothing = await page.evaluate(
        """() => {
          monitor.begin("livekit", performance.now());
          monitor.timeline(start);
          for (let n = 1; n <= 40; n++) monitor.timeline(turn(n));
          const report = monitor.report();
          return [undefined, 9000, 1500, 100].map((most) => fitted("token", report, most));
        }"""
    )
    assert nothing is None
    assert len(json.loads(whole)["report"]["timelines"]) == 41
    assert len(cut.encode()) <= 9000 < len(cut.encode()) + 700
    kept = json.loads(cut)["report"]
    numbers = [timeline.get("n") for timeline in kept["timelines"]]
    assert numbers[0] is None
    assert numbers[1:] == list(range(kept["timelines_left_out"] + 1, 41))
    assert json.loads(bare)["report"]["timelines_left_out"] >= 39
    for body in (whole, cut, bare):
        read_report(json.loads(body)["report"])


async def test_the_file_for_download_is_the_report(page: Page) -> None:
    """Its name has the time without what file systems refuse."""
    name, kind, text = await page.evaluate(
        """async () => {
          monitor.begin("whip", performance.now());
          const { name, blob } = monitor.downloadable();
          return [name, blob.type, await blob.text()];
        }"""
    )
    report = json.loads(text)
    assert name == f"firstword-{report['made_at'][:19].replace(':', '-')}.json"
    assert kind == "application/json"
    assert report["call"]["outcome"] == "open"
    read_report(report)
