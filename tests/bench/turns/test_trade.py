"""The figure of gap against cut-offs: a line a side, a mark for each pause that was said."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from bench.lanes import SVG
from bench.turns.results import SideResult, Turn
from bench.turns.trade import MARKS, trade_drawings
from tests.bench.turns.example import example_report

PAUSES_MS = (900, 1200, 2200)
REPORT = replace(example_report(), pauses_ms=PAUSES_MS)


def turn(pause_ms: int, gap_ms: float | None) -> Turn:
    return Turn("pause", f"cancel.4.{pause_ms}", pause_ms, "cut off" if gap_ms is None else "answered", gap_ms)


FAST = SideResult("fast", "fast", "firstword", turns=[turn(900, 1100.0), turn(1200, 1200.0), turn(2200, None)])
STEADY = SideResult("steady", "steady", "firstword", turns=[turn(pause, 1500.0) for pause in PAUSES_MS])
STARTER = SideResult("starter-stt", "starter, stt", "starter", turns=[turn(900, 2600.0), turn(2200, 2600.0)])
LOST = SideResult("starter-vad", "starter, vad", "starter", turns=[turn(900, None)])


def marks(svg: str, color: str) -> list[tuple[float, float, bool]]:
    """Where a colour's marks stand, from the top left, and whether they are filled; those of the key are left out."""
    found: list[tuple[float, float, bool]] = []
    for element in ElementTree.fromstring(svg).iter(f"{{{SVG}}}use"):
        style = element.get("style", "")
        if f"stroke: var(--{color})" in style and "opacity" in style:
            found.append((float(element.get("x", 0)), float(element.get("y", 0)), "fill: var" in style))
    return found


def test_each_pause_of_each_side_is_a_mark() -> None:
    """In its side's colour, wide and narrow; none for a pause that was not said."""
    (drawing,) = trade_drawings(replace(REPORT, sides=(FAST, STEADY, STARTER)))
    for svg in (drawing.wide, drawing.narrow):
        assert (len(marks(svg, "accent")), len(marks(svg, "starter"))) == (6, 2)
        for words in ("fast", "steady", "starter, stt", "small to large: 900, 1200, 2200 ms", "100 %"):
            assert f">{words}<" in svg


def test_a_mark_stands_at_its_gap_and_its_share() -> None:
    """Longer gaps to the right, more cut-offs higher up; hollow where nobody was heard out."""
    (drawing,) = trade_drawings(replace(REPORT, sides=(FAST,)))
    short, middle, cut = marks(drawing.wide, "accent")
    assert short[0] < cut[0] < middle[0]
    assert short[1] == middle[1] > cut[1]
    assert [filled for *_, filled in (short, middle, cut)] == [True, True, False]


def test_it_is_told_in_words() -> None:
    """Also of a side that has no line, since all of its callers were cut off."""
    (drawing,) = trade_drawings(replace(REPORT, sides=(FAST, STARTER, LOST)))
    for words in (
        "fast: 900 ms gap 1100 ms, 0 % cut off; 1200 ms gap 1200 ms, 0 % cut off; 2200 ms no gap, 100 % cut off",
        "starter, stt: 900 ms gap 2600 ms, 0 % cut off; 1200 ms not measured",
        "starter, vad: 900 ms no gap, 100 % cut off",
    ):
        assert words in drawing.words
    assert "starter, vad" not in drawing.wide


def test_without_a_gap_there_is_no_figure() -> None:
    """Of nobody, of plain questions alone, of callers who were all cut off."""
    assert trade_drawings(replace(REPORT, sides=())) == []
    assert trade_drawings(replace(REPORT, sides=(LOST, replace(FAST, turns=[])))) == []


def test_one_pause_of_one_side_is_a_figure() -> None:
    """A range of nothing has room around it, and gaps are never negative."""
    side = replace(FAST, turns=[turn(900, 20.0)])
    (drawing,) = trade_drawings(replace(REPORT, sides=(side,), pauses_ms=(900,)))
    assert len(marks(drawing.wide, "accent")) == 1
    assert "\N{MINUS SIGN}" not in drawing.wide


def test_sides_of_a_colour_have_marks_of_their_own() -> None:
    """As many as there are; the wide figure has room for the key of many."""
    count = len(MARKS["firstword"])
    sides = [replace(FAST, id=f"fast:{number}", title=f"side {number}") for number in range(3 * count)]
    (drawing,) = trade_drawings(replace(REPORT, sides=tuple(sides)))
    root = ElementTree.fromstring(drawing.wide)
    height = float(root.get("viewBox", "").split()[3])
    texts = [element for element in root.iter(f"{{{SVG}}}text") if (element.text or "").startswith("side ")]
    assert len(texts) == len(sides)
    assert height > 16 * len(sides)
