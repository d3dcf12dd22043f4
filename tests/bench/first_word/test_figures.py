"""The figures of a report: each call, each step and each stage is in them, and told in words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from bench.first_word.figures import row_drawings, step_drawings, waterfall_drawings
from bench.first_word.results import Row, Span, Waterfall
from bench.lanes import SVG
from tests.bench.first_word.example import example_report

if TYPE_CHECKING:
    from bench.drawing import Drawing

REPORT = example_report()
ROW = Row("join", "on join", "join", 1, {"firstword": [300.0, 310.0, 320.0], "floor": [60.0]})
CALL = Waterfall(
    "on join",
    "join",
    100.0,
    (Span("long_before", -9000.0, -8000.0), Span("room", 10.0, 60.0)),
    {"first_frame": 80.0, "much_later": 5000.0},
)


def drawn(drawing: Drawing, color: str) -> int:
    """How many shapes of the wide drawing are filled with one of the page's colours."""
    root = ElementTree.fromstring(drawing.wide)
    return sum(
        f"fill: var(--{color})" in element.get("style", "") for element in root.iter() if "text" not in element.tag
    )


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{{{SVG}}}text")]


def test_each_call_is_a_dot() -> None:
    """As many as there are samples; the subject's colour says whose."""
    (drawing,) = row_drawings(replace(REPORT, rows=(ROW,)))
    shapes = ElementTree.fromstring(drawing.wide).iter(f"{{{SVG}}}use")
    dots = [element.get("style", "") for element in shapes if "fill-opacity" in element.get("style", "")]
    assert len([style for style in dots if "--accent" in style]) == 3
    assert len([style for style in dots if "--floor" in style]) == 1


def test_a_subject_without_calls_is_named() -> None:
    """Not measured and failed are different things; both are in the words too."""
    (drawing,) = row_drawings(replace(REPORT, rows=(replace(ROW, failed={"floor": ["late"]}),)))
    assert "starter not measured" in drawing.words
    assert "floor p50 60, p90 60, 1 failed" in drawing.words
    for svg in (drawing.wide, drawing.narrow):
        assert "not measured" in texts(svg)
    failed = Row("join", "on join", "join", 1, {"firstword": [], "floor": [60.0]}, failed={"firstword": ["late"] * 2})
    (drawing,) = row_drawings(replace(REPORT, rows=(failed,)))
    assert "firstword none of 2 completed" in drawing.words


def test_situations_can_be_compared() -> None:
    """All of them have the same ticks; one without any completed call has no figure."""
    drawings = row_drawings(replace(REPORT, rows=(*REPORT.rows, Row("none", "none", "join", 1, {}))))
    assert [drawing.title for drawing in drawings] == [row.title for row in REPORT.rows]
    ticks = {tuple(text for text in texts(drawing.wide) if text.isdigit()) for drawing in drawings}
    assert len(ticks) == 1
    assert len(next(iter(ticks))) >= 4


def test_each_step_has_its_two_differences() -> None:
    """A filled bar for what is lost, a figure for both, and its setting; a figure for each thing measured."""
    drawings = step_drawings(REPORT)
    assert len(drawings) == 3
    for drawing in drawings:
        steps = [step for step in REPORT.steps if step.title in drawing.words]
        assert steps
        assert drawn(drawing, "accent") == len(steps)
        for step in steps:
            assert step.setting in texts(drawing.wide)
            assert step.setting in texts(drawing.narrow)
    assert sum(drawing.words.count("lost") for drawing in drawings) == len(REPORT.steps)


def test_a_step_that_was_measured_in_part_says_so() -> None:
    """A side without samples is not measured; one sample is few."""
    step = replace(REPORT.steps[0], all_ms=[300.0], without_ms=[310.0], alone_ms=[])
    (drawing,) = step_drawings(replace(REPORT, steps=(step,)))
    assert {"lost 10 (few calls)", "gained: not measured"} <= set(texts(drawing.wide))
    assert "gained: not measured" in drawing.words


def test_a_waterfall_tells_every_span_and_mark() -> None:
    """On the caller's clock, with a true minus sign; what lies beyond the axis is told all the same."""
    (drawing,) = waterfall_drawings(replace(REPORT, waterfalls=(CALL,)))
    minus = "\N{MINUS SIGN}"
    for svg in (drawing.wide, drawing.narrow):
        found = texts(svg)
        for part in (
            "long before",
            f"{minus}9000 to {minus}8000",
            "room",
            "10 to 60",
            "first frame",
            "at 80",
            "at 5000",
        ):
            assert part in found
        assert "first audible sample, 100 ms" in found
    assert "room 10 to 60" in drawing.words


def test_only_what_is_in_sight_is_a_bar() -> None:
    """The span of long before is a triangle at the edge, so that the rest is not squeezed."""
    (drawing,) = waterfall_drawings(replace(REPORT, waterfalls=(CALL,)))
    assert drawn(drawing, "accent") == 1
    ticks = [text for text in texts(drawing.wide) if text.lstrip("\N{MINUS SIGN}").isdigit()]
    assert "0" in ticks
    assert not [text for text in ticks if len(text) > 4]


def test_a_call_without_stages_is_drawn() -> None:
    """Its first audible sample is known, and what is missing is said."""
    (drawing,) = waterfall_drawings(replace(REPORT, waterfalls=(replace(CALL, spans=(), marks={}),)))
    assert "no stage was told" in texts(drawing.narrow)
    assert "no stage was told" in drawing.words


def test_nothing_measured_is_no_figure() -> None:
    """No empty axes."""
    empty = replace(REPORT, rows=(), steps=(), waterfalls=())
    assert row_drawings(empty) == step_drawings(empty) == waterfall_drawings(empty) == []
