"""The meter on the audio thread: what it costs, what it measures, and what is left of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.web.page_server import PAGE_STATIC
from tests.web.sound_page import sound_page

if TYPE_CHECKING:
    from playwright.async_api import Browser, CDPSession, Page

# The worklet's own code in a scope that stands for the audio thread's; `make(extra)` gives a processor.
WORKLET = """source => {
  let frame = 0;
  class AudioWorkletProcessor {
    port = { posted: 0, postMessage(report) { this.posted += 1; this.last = report; } };
  }
  let Meter;
  const scope = new Function("sampleRate", "AudioWorkletProcessor", "registerProcessor", "clock",
    source.replaceAll("currentFrame", "clock.frame"));
  const clock = { frame: 0 };
  scope(48000, AudioWorkletProcessor, (_, processor) => { Meter = processor; }, clock);
  const quiet = new Float32Array(128), loud = new Float32Array(128).map((_, i) => Math.sin(i / 8));
  window.kept = 0;
  window.run = (blocks, wasteful) => {
    const meter = window.meter ??= new Meter();
    const inputs = [[quiet]];
    for (let block = 0; block < blocks; block++) {
      // Speech: a second of sound, half a second of silence.
      inputs[0][0] = block % 560 < 375 ? loud : quiet;
      meter.process(inputs);
      if (wasteful) window.kept = { block };
      // The same hours of sound again: what is measured is the meter, not the numbers of this harness.
      clock.frame = (clock.frame + 128) % 2 ** 29;
    }
    return meter.port.posted;
  };
}"""
BLOCKS = 200_000  # nine minutes of sound
METER = {"process", "judge", "gate", "firstAbove", "lastAbove", "below", "clear"}


async def allocated_bytes(cdp: CDPSession, page: Page, *, wasteful: bool) -> tuple[float, float]:
    """What the meter and its harness take from the heap in a run, be it collected again or not."""
    every = {"samplingInterval": 64, "includeObjectsCollectedByMajorGC": True, "includeObjectsCollectedByMinorGC": True}
    await cdp.send("HeapProfiler.startSampling", every)
    reports = await page.evaluate("([blocks, wasteful]) => window.run(blocks, wasteful)", [BLOCKS, wasteful])
    profile: dict[str, Any] = (await cdp.send("HeapProfiler.stopSampling"))["profile"]
    assert reports > BLOCKS / 15
    meter = harness = 0.0
    nodes = [profile["head"]]
    while nodes:
        node = nodes.pop()
        nodes += node["children"]
        if node["callFrame"]["functionName"] in METER:
            # Whatever it calls counts as its own.
            within = [node]
            while within:
                inner = within.pop()
                within += inner["children"]
                meter += inner["selfSize"]
        elif node["callFrame"]["functionName"] == "window.run":
            harness += node["selfSize"]
    return meter, harness


async def test_process_makes_no_garbage(browser: Browser) -> None:
    """In nine minutes of speech not one byte in 20 blocks: one number for each report would be 20 times as much.

    The harness then makes an object of 12 bytes for each block, and that is seen.
    """
    page = await browser.new_page()
    cdp = await page.context.new_cdp_session(page)
    await page.evaluate(WORKLET, (PAGE_STATIC / "meter.js").read_text())
    await page.evaluate("window.run(100_000, false)")  # until it is compiled
    meter, harness = await allocated_bytes(cdp, page, wasteful=False)
    _, control = await allocated_bytes(cdp, page, wasteful=True)
    await page.close()
    assert meter < BLOCKS / 20
    assert harness < BLOCKS < 10 * BLOCKS < control


async def test_a_track_is_measured_to_the_sample(browser: Browser) -> None:
    """Level, peak, and the beginning and end of each span; at most 30 reports a second; the first one told once."""
    async with sound_page(browser) as page:
        heard = await page.evaluate(
            """async () => {
              const { Levels } = await import("/static/firstword.js");
              const levels = new Levels(), tones = new Tones();
              levels.resume();
              const heard = { levels: [], began: [], ended: [], first: [] };
              const { track, play } = tones.silent();
              // Too short for speech, speech with a gap that is too short for an end, and speech.
              const spans = [[0, 0.002], [0.2, 0.5], [0.53, 0.7], [1, 1.25, 0.1]];
              let stop;
              await new Promise(done => levels.meter(track, {
                level: (level, peak) => {
                  if (heard.levels.push([level, peak, performance.now()]) === 1) play(spans);
                },
                firstAudible: at => heard.first.push(at),
                speechBegan: at => heard.began.push(at),
                speechEnded: at => { heard.ended.push(at); if (heard.ended.length === 2) done(); },
              }).then(meter => { stop = meter; }));
              stop();
              const reports = heard.levels.length;
              await new Promise(done => setTimeout(done, 200));
              heard.silentAfterStop = heard.levels.length === reports;
              await levels.close(); await tones.context.close();
              return heard;
            }"""
        )
    first, second = heard["began"]
    assert heard["first"] == [first]
    assert heard["ended"][0] - first == pytest.approx(500, abs=8)
    assert second - first == pytest.approx(800, abs=8)
    assert heard["ended"][1] - second == pytest.approx(250, abs=8)
    loudest = max(heard["levels"])
    assert loudest[:2] == pytest.approx([1 - 9.03 / 60, 1 - 6.02 / 60], abs=0.01)  # a sine of half of full scale
    assert 0 in [level for level, *_ in heard["levels"]]
    seconds = (heard["levels"][-1][2] - heard["levels"][0][2]) / 1000
    assert len(heard["levels"]) - 1 <= 30 * (seconds + 0.1)
    assert heard["silentAfterStop"]


@pytest.mark.parametrize(("calls", "meters"), [(1, 100), (20, 2)])
async def test_meters_leave_nothing(browser: Browser, calls: int, meters: int) -> None:
    """Be they in one call or in many: no context, node, processor or listener is there that was not before."""
    async with sound_page(browser) as page:
        cdp = await page.context.new_cdp_session(page)
        await cdp.send("Performance.enable")
        await page.evaluate("""() => { window.tones = new Tones(); window.track = tones.track([[0, 1000]]); }""")
        before = await counts(cdp)
        await page.evaluate(
            """async ([calls, meters]) => {
              const { Levels } = await import("/static/firstword.js");
              const levels = new Levels();
              for (let call = 0; call < calls; call++) {
                levels.resume();
                for (let meter = 0; meter < meters; meter++) {
                  let stop;
                  await new Promise(heard => levels.meter(track, { level: level => { if (level > 0) heard(); } })
                    .then(stopper => { stop = stopper; }));
                  stop();
                }
                levels.suspend();
              }
            }""",
            [calls, meters],
        )
        await counts(cdp, before)


async def counts(cdp: CDPSession, wanted: dict[str, float] | None = None) -> dict[str, float]:
    """What of a page is alive after collections: once it is as `wanted`, or as soon as it stays the same."""
    # The observers of a page's life: every AudioContext is one.
    names = ("AudioHandlers", "AudioWorkletProcessors", "ContextLifecycleStateObservers", "JSEventListeners")
    looks: list[dict[str, float]] = []
    deadline = asyncio.get_running_loop().time() + 20
    while True:
        await cdp.send("HeapProfiler.collectGarbage")
        metrics = (await cdp.send("Performance.getMetrics"))["metrics"]
        looks.append({entry["name"]: entry["value"] for entry in metrics if entry["name"] in names})
        if looks[-1] == wanted or (wanted is None and len(looks) > 5 and len({*map(str, looks[-5:])}) == 1):
            return looks[-1]
        assert asyncio.get_running_loop().time() < deadline, f"alive: {looks[-1]}, wanted: {wanted}"
