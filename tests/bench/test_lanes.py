"""What a figure of lanes is made of: text that is text, the page's colours, ids of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from bench.lanes import FIRSTWORD, NARROW, PAINTS, SVG, WIDE, Axis, Lane, Layout, Line, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AXIS = Axis(-50, 400, "ms")


def bar(axes: Axes, middle: float) -> None:
    axes.barh(middle, 200, color=FIRSTWORD)


LANES = (Lane("one $lane$ & <more>", "12 to 34", bar), Lane("another", "none", None, is_soft=True))


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{{{SVG}}}text")]


@pytest.mark.parametrize("layout", [WIDE, NARROW])
def test_names_and_figures_are_text(layout: Layout) -> None:
    """They can be searched, copied and read aloud; a dollar or a bracket in them is itself."""
    found = texts(draw("a", layout, AXIS, LANES, [Line(0, "begin", FIRSTWORD)]))
    for part in ("one $lane$ & <more>", "12 to 34", "another", "none", "begin", "ms"):
        assert part in found


def test_colours_are_the_pages() -> None:
    """So one drawing is readable in light and in dark; no stand-in is left, none of its own is there."""
    svg = draw("a", WIDE, AXIS, LANES)
    assert "fill: var(--accent)" in svg
    assert not [stand_in for stand_in in PAINTS if stand_in in svg]
    assert set(re.findall(r"#[0-9a-f]{6}\b", svg)) == set()


def test_ids_are_its_own_and_each_is_found() -> None:
    """Two drawings on a page share no id, and whatever refers to an id finds it."""
    ids = {name: set(re.findall(r'\bid="([^"]+)"', draw(name, WIDE, AXIS, LANES))) for name in ("a", "b")}
    assert ids["a"]
    assert not ids["a"] & ids["b"]
    svg = draw("a", WIDE, AXIS, LANES)
    used = set(re.findall(r'href="#([^"]+)"', svg)) | set(re.findall(r"url\(#([^)]+)\)", svg))
    assert used
    assert used <= ids["a"]


def test_it_scales_and_brings_nothing_for_the_page() -> None:
    """A view box without a size; no style sheet, no metadata, nothing that is fetched."""
    root = ElementTree.fromstring(draw("a", WIDE, AXIS, LANES))
    assert root.get("viewBox", "").startswith("0 0 760 ")
    assert root.get("width") is None
    assert {element.tag for element in root.iter()}.isdisjoint({f"{{{SVG}}}style", f"{{{SVG}}}metadata"})


def test_a_long_name_is_wrapped() -> None:
    """Its words are all there, on several lines, and the lane is as high as they need."""
    words = "a name that is much longer than what stands before a lane of a wide drawing"
    svg, usual = (draw("a", WIDE, AXIS, [Lane(name, "1", bar)]) for name in (words, "short"))
    assert words in " ".join(texts(svg))
    assert words not in texts(svg)
    assert _height(svg) > _height(usual)


def test_the_same_drawing_is_the_same_text() -> None:
    """A report that is made again does not change."""
    assert draw("a", NARROW, AXIS, LANES) == draw("a", NARROW, AXIS, LANES)


@pytest.mark.parametrize(("high_ms", "ticks"), [(2000, ["50", "100", "200", "500", "1000"]), (80, ["50", "60", "70"])])
def test_a_log_axis_has_round_ticks(high_ms: float, ticks: list[str]) -> None:
    """1, 2, 5 of each decade; every one where there is less than a decade."""
    found = texts(draw("a", WIDE, Axis(45, high_ms, is_log=True), [Lane("x", "y", bar)]))
    assert [text for text in found if text.isdigit()][: len(ticks)] == ticks


def _height(svg: str) -> float:
    return float(ElementTree.fromstring(svg).get("viewBox", "").split()[3])
