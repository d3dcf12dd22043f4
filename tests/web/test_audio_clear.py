"""The clear-audio check: on a real connection through a relay that loses packets, and its formulas."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from sim.lossy_link import RELAY_HOST, Conditions, LossyLink
from tests.web.sound_page import sound_page

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser, Page

pytestmark = pytest.mark.desktop

# Two ends of a connection in one page; `agent` speaks, `looks` is what the check saw at the caller's end.
CONNECT = """async () => {
  const { ClearAudio } = await import("/static/firstword.js");
  const tones = new Tones();
  window.agent = new RTCPeerConnection();
  window.caller = new RTCPeerConnection();
  agent.addTrack(tones.track([[0, 1000]]));
  // The agent's own candidates are not told: its packets come to the caller from the relay.
  const candidate = new Promise(found => {
    caller.onicecandidate = ({ candidate }) => { if (candidate?.address === "127.0.0.1") found(candidate.toJSON()); };
  });
  const heard = new Audio();
  caller.ontrack = ({ track }) => { heard.srcObject = new MediaStream([track]); heard.play(); };
  const bare = ({ type, sdp }) => ({ type, sdp: sdp.replace(/a=candidate.*\\r\\n/g, "") });
  await agent.setLocalDescription();
  await caller.setRemoteDescription(bare(agent.localDescription));
  await caller.setLocalDescription();
  await agent.setRemoteDescription(bare(caller.localDescription));
  window.looks = [];
  window.check = new ClearAudio(() => caller.getStats(), look => looks.push(look));
  check.start();
  return await candidate;
}"""


@asynccontextmanager
async def heard_through_a_relay(page: Page) -> AsyncGenerator[LossyLink]:
    candidate: dict[str, Any] = await page.evaluate(CONNECT)
    fields = candidate["candidate"].split()
    async with LossyLink(int(fields[5]), seed=1) as link:
        candidate["candidate"] = " ".join([*fields[:4], RELAY_HOST, *fields[5:]])
        await page.evaluate("candidate => agent.addIceCandidate(candidate)", candidate)
        yield link
        await page.evaluate("() => { agent.close(); caller.close(); }")


async def looks(page: Page, condition: str) -> list[dict[str, Any]]:
    """All looks so far, once one of them is as wanted."""
    await page.wait_for_function(f"looks.some(look => {condition})")
    return await page.evaluate("looks")


async def test_a_lossy_network_is_heard_as_one(browser: Browser) -> None:
    """Good at first; lost packets, made up sound and dropouts are found; nothing at all is worst."""
    async with sound_page(browser) as page, heard_through_a_relay(page) as link:
        first = (await looks(page, "look.rtt_ms !== null"))[0]
        assert first["lost_share"] == 0
        assert 0 < first["buffer_ms"] < 1000
        link.conditions = Conditions(loss=0.3)
        seen = await looks(page, "look.lost_share > 0.1 && look.concealed_share > 0.05 && look.grade === 'poor'")
        assert max(look["dropouts"] for look in seen) > 1
        assert {look["fault"] for look in seen} & {"lost_share", "concealed_share"}
        link.conditions = Conditions(loss=1)
        seen = await looks(page, "look.stalled_s > 2")
        assert (seen[-1]["grade"], seen[-1]["fault"], seen[-1]["lost_share"]) == ("poor", "stalled_s", None)
        summary = await page.evaluate("() => { check.stop(); check.stop(); return check.summary(); }")
        assert summary["looks"] == len(seen) == summary["good"] + summary["fair"] + summary["poor"]
        assert summary["stalled_s"] >= 3
        assert summary["dropouts"] == sum(look["dropouts"] for look in seen)
        lost, received = summary["packets_lost"], summary["packets_received"]
        assert summary["lost_share"] == pytest.approx(lost / (lost + received))
        assert lost > 5


# What getStats gives, one entry a second: [received, lost, samples, concealed, silent, events, buffer s, emitted].
MADE_UP = """async seconds => {
  const { ClearAudio, gradeInWords } = await import("/static/firstword.js");
  let at = 0, tick;
  window.setInterval = callback => { tick = callback; return 1; };
  const seen = [];
  let looked;
  const check = new ClearAudio(async () => {
    const second = seconds[at++];
    if (second === null) return null;
    if (second === "gone") throw new DOMException("closed", "InvalidStateError");
    const [received, lost, samples, concealed, silent, events, buffered, emitted, jitter = 0.004, rtt = 0.05] = second;
    return new Map([
      ["in", { id: "in", type: "inbound-rtp", kind: "audio", packetsReceived: received, packetsLost: lost,
        totalSamplesReceived: samples, concealedSamples: concealed, silentConcealedSamples: silent,
        concealmentEvents: events, jitterBufferDelay: buffered, jitterBufferEmittedCount: emitted, jitter }],
      ["video", { id: "video", type: "inbound-rtp", kind: "video", packetsReceived: 9, packetsLost: 9, jitter: 9 }],
      ["t", { id: "t", type: "transport", selectedCandidatePairId: "b" }],
      ["a", { id: "a", type: "candidate-pair", currentRoundTripTime: 9, nominated: true, state: "succeeded" }],
      ["b", { id: "b", type: "candidate-pair", currentRoundTripTime: rtt }],
    ]);
  }, look => { seen.push({ ...look, words: gradeInWords(look.grade, look.fault) }); });
  check.start();
  for (const _ of seconds) {
    tick();
    await new Promise(done => setTimeout(done));
  }
  return [seen, check.summary(), check.history.length];
}"""


async def made_up(page: Page, *seconds: object) -> tuple[list[dict[str, Any]], dict[str, Any], int]:
    seen, summary, history = await page.evaluate(MADE_UP, list(seconds))
    return seen, summary, history


async def test_the_formulas(browser: Browser) -> None:
    """Each look is of its own second, without the wait for the first packet; silent concealment is no dropout."""
    async with sound_page(browser) as page:
        seen, summary, _ = await made_up(
            page,
            None,
            "gone",
            [0, 0, 4800, 4800, 0, 1, 0, 0],  # nothing has come yet
            [50, 0, 48_000, 9000, 0, 1, 0.4, 4000],
            [99, 1, 96_000, 9000, 0, 1, 0.4 + 0.06 * 48_000, 52_000],
            [145, 5, 144_000, 9960, 480, 4, 0.4 + 0.06 * 96_000, 100_000],
            [195, 4, 192_000, 11_000, 1520, 6, 0.4 + 0.06 * 144_000, 148_000],
        )
    assert [look["lost_share"] for look in seen] == [1 / 50, 4 / 50, 0]
    assert [look["concealed_share"] for look in seen] == [0, 0.01, 0]
    assert [look["dropouts"] for look in seen] == [0, 3, 0]
    assert [look["buffer_ms"] for look in seen] == pytest.approx([60] * 3)
    assert {(look["jitter_ms"], look["rtt_ms"]) for look in seen} == {(4, 50)}
    assert [(look["grade"], look["fault"]) for look in seen] == [
        ("good", None),
        ("fair", "lost_share"),  # 5 of 100 in both seconds together
        ("fair", "lost_share"),
    ]
    assert [look["words"] for look in seen[:2]] == [
        "The agent is heard clearly.",
        "The network loses parts of the agent's voice now and then.",
    ]
    assert (summary["packets_received"], summary["packets_lost"], summary["dropouts"]) == (145, 4, 3)
    assert summary["concealed_share"] == 480 / 144_000
    assert (summary["looks"], summary["good"], summary["fair"], summary["poor"]) == (3, 1, 2, 0)
    assert summary["rtt_ms"] == {"p50": 50, "p90": 50}


# What is changed of a good second, by its place in the list above.
GRADES: list[tuple[dict[int, float], str, str | None]] = [
    ({}, "good", None),
    ({3: 500}, "fair", "concealed_share"),
    ({3: 5000}, "poor", "concealed_share"),
    ({3: 5000, 4: 5000}, "good", None),
    ({1: 2}, "fair", "lost_share"),
    ({1: 10}, "poor", "lost_share"),
    ({8: 0.05}, "fair", "jitter_ms"),
    ({8: 0.1}, "poor", "jitter_ms"),
    ({9: 0.3}, "fair", "rtt_ms"),
    ({9: 0.5}, "poor", "rtt_ms"),
    ({9: 0.3, 8: 0.1}, "poor", "jitter_ms"),
]


async def test_the_worst_measure_makes_the_grade(browser: Browser) -> None:
    """And a lost packet that was not heard is judged more kindly than made up sound."""
    async with sound_page(browser) as page:
        for changed, grade, fault in GRADES:
            second = [50, 0, 48_000, 0, 0, 1, 0.4, 48_000, 0.004, 0.05]
            for place, value in changed.items():
                second[place] = value
            seen, summary, _ = await made_up(page, [0, 0, 0, 0, 0, 0, 0, 1], second)
            assert (seen[0]["grade"], seen[0]["fault"]) == (grade, fault), changed
            assert (summary["grade"], summary["fault"]) == (grade, fault), changed


async def test_a_long_call_takes_no_more_memory(browser: Browser) -> None:
    """Two minutes of looks are kept; the summary is of all; a stream that begins anew does not confuse it."""
    async with sound_page(browser) as page:
        seconds = [[50 * n, 0, 48_000 * n, 0, 0, 0, n, 48_000 * n] for n in (*range(150), *range(1, 151))]
        seen, summary, history = await made_up(page, *seconds)
    assert len(seen) == summary["looks"] == 298
    assert history == 120
    assert summary["packets_received"] == 50 * 298
    assert summary["poor"] == summary["packets_lost"] == 0
