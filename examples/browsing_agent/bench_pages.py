"""The pages of the benchmark, and what a viewer can read from a picture of them: which change it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from examples.browsing_agent.capture_types import Capture

BITS = 8
CELL = 24
"""Pixels of one bit of the stamp: whole cells survive JPEG."""
TOP = 600
BUTTON, TIMES = "Times", "times in ms: "

# The stamp is a row of black and white cells and the time of each change is kept by the page, so that the delay is
# measured from the moment in which the page changed and not from that in which somebody heard of it.
CANVAS_STYLE = f"position:fixed;left:0;top:{TOP}px"
STAMP = f"""<canvas id=stamp width={BITS * CELL} height={CELL} style="{CANVAS_STYLE}"></canvas><script>
const times = [performance.timeOrigin + performance.now()];
const pen = stamp.getContext("2d");
function draw(n) {{ for (let bit = 0; bit < {BITS}; bit++) {{
  pen.fillStyle = n >> bit & 1 ? "#fff" : "#000"; pen.fillRect(bit * {CELL}, 0, {CELL}, {CELL}) }} }}
function change() {{ draw(times.length); times.push(performance.timeOrigin + performance.now()) }}
function tell() {{ document.body.append("{TIMES}" + times.map(Math.round)) }}
draw(0);
</script><button style="position:fixed;right:0;top:0" onclick="tell()">{BUTTON}</button>"""
TEXT = "<p>" + "A garden needs water, patience and a good spade. " * 60
SPINNER = """<style>@keyframes turn { to { transform: rotate(360deg) } }
.spinner { width: 28px; height: 28px; background: #c33; animation: turn 1s linear infinite }</style>
<div class=spinner></div>"""
CANVAS = """<canvas id=clock width=48 height=48></canvas><script>
let turns = 0;
const p = clock.getContext("2d");
setInterval(() => { p.fillStyle = `hsl(${turns++ * 23 % 360}, 80%, 50%)`; p.fillRect(0, 0, 48, 48) }, 100)
</script>"""
SELDOM = "<script>setInterval(change, 1700)</script>"
OFTEN = """<script>setInterval(() => {
document.body.style.background = `hsl(${times.length * 17 % 360}, 60%, 85%)`; change() }, 100)</script>"""


@dataclass(frozen=True)
class BenchPage:
    name: str
    about: str
    body: str
    changes: bool


PAGES = (
    BenchPage("static", "text at rest", TEXT, changes=False),
    BenchPage("news", "text, one change each 1.7 s", TEXT + STAMP + SELDOM, changes=True),
    BenchPage("spinner", "a CSS spinner and the same changes", SPINNER + TEXT + STAMP + SELDOM, changes=True),
    BenchPage("canvas", "a small canvas at 10 Hz and the same changes", CANVAS + TEXT + STAMP + SELDOM, changes=True),
    BenchPage("fast", "the whole page, 10 times a second", TEXT + STAMP + OFTEN, changes=True),
)


def stamp_of(capture: Capture) -> int:
    """The number of the change that the picture shows, modulo 2 ** `BITS`."""
    pixels, width = capture.rgba(), capture.size[0]
    middle = (TOP + CELL // 2) * width
    return sum((pixels[(middle + bit * CELL + CELL // 2) * 4] > 128) << bit for bit in range(BITS))


def delays_ms(times_ms: list[float], seen: list[tuple[int, float]]) -> list[float]:
    """For each change the time until a picture showed it, or a later one.

    `times_ms`: when each change happened; `seen`: stamp and arrival of the pictures in their order. Changes that no
    picture shows until the end, and those before the first picture, are not among them.
    """
    delays: list[float] = []
    if not seen:
        return delays
    period, shown = 1 << BITS, seen[0][0]
    for stamp, arrived_ms in seen[1:]:
        newest = shown + (stamp - shown) % period
        delays += [arrived_ms - times_ms[each] for each in range(shown + 1, min(newest + 1, len(times_ms)))]
        shown = newest
    return delays
