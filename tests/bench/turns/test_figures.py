"""The figures of a report: every turn and every share is in them."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from bench.lanes import SVG
from bench.turns.figures import barge_in_drawings, curve_drawings, gap_drawings
from bench.turns.results import SideResult
from tests.bench.turns.example import example_report, gap_turn, pause_turn

REPORT = example_report()
FAST = SideResult("fast", "fast", "firstword", turns=[gap_turn(900.0), gap_turn(950.0), gap_turn(990.0)])
STARTER = SideResult("starter-stt", "starter, stt", "starter", turns=[gap_turn(1900.0)])


def filled(svg: str, color: str, shape: str) -> int:
    """How many shapes of a drawing are filled with one of the page's colours."""
    elements = ElementTree.fromstring(svg).iter(f"{{{SVG}}}{shape}")
    return sum(f"fill: var(--{color})" in element.get("style", "") for element in elements)


def test_each_turn_is_a_dot() -> None:
    """In the colour of its side, which is told in words; a line says what no agent can take off."""
    (drawing,) = gap_drawings(replace(REPORT, sides=(FAST, STARTER)))
    assert filled(drawing.wide, "accent", "use") == 3
    assert filled(drawing.wide, "starter", "use") == 1
    assert "fast p50 950, p90 982; starter, stt p50 1900" in drawing.words
    assert "LLM + TTS, 700 ms" in drawing.wide


def test_each_pause_has_a_bar() -> None:
    """None where no sentence had it; the side's gap stands beside its cut-offs."""
    turns = [*FAST.turns, *(pause_turn(900, cut_off=number < 1) for number in range(4)), pause_turn(300, cut_off=False)]
    (drawing,) = curve_drawings(replace(REPORT, sides=(replace(FAST, turns=turns),)))
    assert filled(drawing.wide, "accent", "path") == 2
    for words in (
        "fast: gap p50 950 ms, 20 % (1 of 5)",
        "300 ms: 0 % (0 of 1)",
        "500 ms: not measured",
        "25 % (1 of 4)",
    ):
        assert words in drawing.words


def test_who_was_not_interrupted_is_not_drawn() -> None:
    """A starter's other modes; without any interruption there is no figure."""
    (drawing,) = barge_in_drawings(REPORT)
    assert "starter, v1-mini p50 225" in drawing.words
    assert "stt" not in drawing.words
    assert barge_in_drawings(replace(REPORT, sides=(FAST,))) == []
    assert gap_drawings(replace(REPORT, sides=())) == curve_drawings(replace(REPORT, sides=())) == []
