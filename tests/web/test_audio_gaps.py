"""The response gap as the browser hears it: what counts as one, and how exact it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.web.sound_page import sound_page

if TYPE_CHECKING:
    from playwright.async_api import Browser

# A render quantum and a window of the meter, at 48 kHz.
EXACT_MS = (128 + 256) / 48
EDGES = """async edges => {
  const { ResponseGaps } = await import("/static/firstword.js");
  const counted = [];
  const gaps = new ResponseGaps(gap => counted.push(gap));
  for (const [edge, atMs] of edges) {
    if (edge === "call") gaps.newCall();
    else gaps[edge[0] === "c" ? "caller" : "agent"][edge[1] === "(" ? "speechBegan" : "speechEnded"](atMs);
  }
  return [counted, gaps.summary()];
}"""


# In the order in which the browser tells them; "c(" is where the caller begins, "a)" where the agent ends.
SCENES: dict[str, tuple[list[tuple[str, float]], list[float], dict[str, int]]] = {
    "a greeting and a turn": ([("a(", 0), ("a)", 900), ("c(", 1500), ("c)", 2000), ("a(", 2420)], [420], {}),
    "the caller pauses": ([("c(", 0), ("c)", 400), ("c(", 500), ("c)", 900), ("a(", 1200)], [300], {}),
    "the agent pauses": (
        [("c(", 0), ("c)", 400), ("a(", 700), ("a)", 900), ("a(", 960), ("a)", 1500), ("a(", 1900)],
        [300],
        {},
    ),
    "the end is told after the onset": ([("c(", 0), ("a(", 420), ("c)", 400)], [20], {}),
    "the agent talks over": (
        [("c(", 0), ("a(", 300), ("c)", 800), ("a)", 1000), ("a(", 1400)],
        [],
        {"talked_over": 1},
    ),
    "it gives way and answers": (
        [("c(", 0), ("a(", 300), ("a)", 500), ("c)", 800), ("a(", 1100)],
        [300],
        {"talked_over": 1},
    ),
    "an interruption": (
        [("a(", 0), ("c(", 1000), ("c)", 1300), ("a)", 1500), ("a(", 2300)],
        [],
        {"interruptions": 1},
    ),
    "an interruption that is answered": (
        [("a(", 0), ("c(", 1000), ("a)", 1250), ("c)", 1900), ("a(", 2300)],
        [400],
        {"interruptions": 1},
    ),
    "a murmur between two words": (
        [("a(", 0), ("a)", 1000), ("c(", 1040), ("c)", 1120), ("a(", 1150), ("a)", 2000), ("a(", 2500)],
        [],
        {"interruptions": 1},
    ),
    "nobody answers for long": ([("c(", 0), ("c)", 400), ("a(", 31_000)], [], {}),
    "another call": ([("c(", 0), ("c)", 400), ("call", 0), ("a(", 700)], [], {}),
}


async def test_what_counts_as_a_gap(browser: Browser) -> None:
    """Each scene's gaps in milliseconds, and the times that one side spoke into the other."""
    async with sound_page(browser) as page:
        for name, (edges, gaps, others) in SCENES.items():
            counted, summary = await page.evaluate(EDGES, edges)
            assert counted == gaps, name
            assert {key: summary[key] for key in ("talked_over", "interruptions")} == {
                "talked_over": 0,
                "interruptions": 0,
                **others,
            }, name
            assert summary["response_gap"]["count"] == len(gaps), name


async def test_the_figures_run_on_in_bounded_memory(browser: Browser) -> None:
    """All gaps are counted, the quantiles are those of the newest 512; first words have figures of their own."""
    async with sound_page(browser) as page:
        edges = [
            edge for n in range(1000) for edge in (("c(", n * 9e4), ("c)", n * 9e4 + 500), ("a(", n * 9e4 + 500 + n))
        ]
        # The agent ends each time, else it is one long speech.
        edges = [
            edge for at, edge in enumerate(edges) for edge in ([edge, ("a)", edge[1] + 50)] if at % 3 == 2 else [edge])
        ]
        _, summary = await page.evaluate(EDGES, edges)
        assert summary["response_gap"] == {"count": 1000, "last_ms": 999, "p50_ms": 743, "p90_ms": 948}
        assert summary["first_word"] == {"count": 0, "last_ms": None, "p50_ms": None, "p90_ms": None}
        first_word = await page.evaluate("""async () => {
          const { ResponseGaps } = await import("/static/firstword.js");
          const gaps = new ResponseGaps();
          for (const ms of [100, 300, 200]) gaps.firstWord(ms);
          gaps.newCall();
          return gaps.summary().first_word;
        }""")
        assert first_word == {"count": 3, "last_ms": 200, "p50_ms": 200, "p90_ms": 300}


async def test_a_known_gap_is_found(browser: Browser) -> None:
    """Two tracks on one clock, read by the real meters: each gap is found to a render quantum and a meter's window."""
    true_ms = [30, 137, 411]
    async with sound_page(browser) as page:
        heard: dict[str, Any] = await page.evaluate(
            """async trueMs => {
              const { Levels, ResponseGaps } = await import("/static/firstword.js");
              const levels = new Levels(), tones = new Tones(), counted = [];
              levels.resume();
              let all;
              const done = new Promise(resolve => { all = resolve; });
              const gaps = new ResponseGaps(gap => { if (counted.push(gap) === trueMs.length) all(); });
              const caller = [], agent = [];
              let at = 0;
              for (const gap of trueMs) {
                caller.push([at, at + 0.3]);
                agent.push([at + 0.3 + gap / 1000, at + 0.6 + gap / 1000]);
                at += 1.3;
              }
              const sides = [tones.silent(), tones.silent()], running = new Set();
              const both = side => () => {
                if (running.size < 2 && running.add(side).size === 2) {
                  const from = tones.context.currentTime + 0.2;
                  sides[0].play(caller, from);
                  sides[1].play(agent, from);
                }
              };
              const stops = await Promise.all([
                levels.meter(sides[0].track, { ...gaps.caller, level: both(0) }),
                levels.meter(sides[1].track, { ...gaps.agent, level: both(1) }),
              ]);
              await done;
              for (const stop of stops) stop();
              await levels.close(); await tones.context.close();
              return { counted, summary: gaps.summary() };
            }""",
            true_ms,
        )
    assert heard["counted"] == pytest.approx(true_ms, abs=EXACT_MS)
    assert heard["summary"]["talked_over"] == heard["summary"]["interruptions"] == 0
