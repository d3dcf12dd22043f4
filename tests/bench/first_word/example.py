"""A report as a run on two cores could give it, from a fixed seed: what the reports are tried on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bench.first_word.results import FirstWordReport, Row, Span, Step, Waterfall
from bench.first_word.targets import targets
from bench.machine import Machine

if TYPE_CHECKING:
    from bench.first_word.results import Arrival, Subject

MACHINE = Machine(2, "Test CPU", "Linux x86_64", "3.11.7", "1.8.9", "1.13.5", 0.5)
CALLS = 30


def example_report() -> FirstWordReport:
    """Every part is there: rows with and without a starter, one failed call, steps of every unit, waterfalls."""
    rows, call_memory_mb = _rows(), (4.1, 4.6, 4.4)
    return FirstWordReport(
        command="uv run agent.py bench first-word --calls 30 --seed 1",
        machine=MACHINE,
        seed=1,
        rows=rows,
        steps=_steps(),
        waterfalls=_waterfalls(),
        targets=targets(rows, call_memory_mb),
        call_memory_mb=call_memory_mb,
    )


class Draws:
    """Samples that look like a machine's: a floor, a spread to the right, one straggler in twenty."""

    def __init__(self) -> None:
        self._chance = np.random.default_rng(1)

    def around(self, middle_ms: float, count: int = CALLS, spread: float = 0.08) -> list[float]:
        drawn = middle_ms * (1 - spread / 2 + self._chance.gamma(2.0, spread / 3, count))
        drawn[self._chance.random(count) < 0.05] *= 1.3
        return [round(float(value), 1) for value in drawn]


def _rows() -> tuple[Row, ...]:
    draws = Draws()

    def row(name: str, title: str, arrival: Arrival, callers: int, *middles: float, click: float = 0) -> Row:
        """`middles`: of firstword, floor and starter, as far as they are called; in ms."""
        count = CALLS if callers == 1 else 3 * callers
        subjects: tuple[Subject, ...] = ("firstword", "floor", "starter")
        times: dict[Subject, list[float]] = {}
        for subject, middle in zip(subjects, middles, strict=False):
            times[subject] = draws.around(middle, count)
        return Row(name, title, arrival, callers, times, draws.around(click, count) if click else [])

    six = row("join-6", "dispatch on join, six at once", "join", 6, 980, 190, 3060)
    six.ttfw_ms["starter"].pop()
    six.failed["starter"] = ["no audio within 30 s <after> the connect call"]
    return (
        row("join", "dispatch on join", "join", 1, 291, 70, 1010),
        row("token", "dispatch with the token, 0.5 s before", "token", 1, 84, 70, 620, click=598),
        row("standby", "agent waiting in the room", "standby", 1, 76, 70, click=104),
        six,
        row("standby-6", "agents waiting, six at once", "standby", 6, 243, 190, click=290),
        row("join-20", "dispatch on join, 20 at once", "join", 20, 2380, 560),
        row("standby-20", "agents waiting, 20 at once", "standby", 20, 760, 560, click=900),
        row("join-random", "dispatch on join, random arrivals", "join", 1, 402, 85, 1460),
        row("standby-random", "agents waiting, random arrivals", "standby", 1, 97, 85, click=131),
        row("dev-first", "first call after dev", "token", 1, 101),
    )


def _steps() -> tuple[Step, ...]:
    draws = Draws()

    def step(name: str, title: str, setting: str, *middles: float, arrival: Arrival = "join") -> Step:
        sides = [draws.around(middle, 12) for middle in middles]
        return Step(name, title, setting, arrival, sides[0], sides[1], sides[2], sides[3])

    clicked = step("token", "dispatch at the token", "DISPATCH_AT=join", 596, 812, 1490, 1270, arrival="token")
    waiting = step("standby", "agent waits in the room", "STANDBY_ROOMS=0", 104, 596, 1490, 610, arrival="standby")
    start = step("imports", "lazy imports", "LAZY_IMPORTS=false", 1480, 2260, 2790, 2010)
    return (
        step("parallel", "stages run at once", "PARALLEL_STAGES=false", 291, 352, 1010, 942),
        step("pool", "pool of instances", "POOL_SIZE=0", 291, 338, 1010, 968),
        step("voice", "voice published first", "VOICE_FIRST=false", 291, 402, 1010, 934),
        step("greeting", "greeting from memory", "GREETING_CACHE=off", 291, 503, 1010, 812),
        step("trim", "leading silence cut", "TRIM_GREETING=false", 291, 488, 1010, 840),
        step("loop", "one loop for all calls", "ISOLATION=process", 291, 421, 1010, 872),
        step("phase", "the rest after the first word", "DEFER_PHASE_TWO=false", 291, 299, 1010, 1004),
        step("gc", "garbage frozen", "FREEZE_GARBAGE=false", 291, 290, 1010, 1012),
        replace(clicked, unit="click"),
        replace(waiting, unit="click"),
        replace(start, unit="ready"),
    )


def _waterfalls() -> tuple[Waterfall, ...]:
    return (
        Waterfall(
            "dispatch on join",
            "join",
            291.0,
            (
                Span("dispatch", 58.0, 121.0),
                Span("room", 122.0, 224.0),
                Span("account", 122.0, 126.0),
                Span("components", 122.0, 131.0),
                Span("greeting", 126.0, 139.0),
                Span("phase two", 296.0, 340.0),
            ),
            {"caller_joined": 224.0, "caller_subscribed": 251.0, "first_frame": 253.0, "first_audible_sample": 254.0},
        ),
        Waterfall(
            "dispatch with the token",
            "token",
            84.0,
            (
                Span("dispatch", -497.0, -431.0),
                Span("room", -430.0, -318.0),
                Span("account", -430.0, -426.0),
                Span("components", -430.0, -421.0),
                Span("greeting", -426.0, -410.0),
                Span("phase two", 90.0, 131.0),
            ),
            {"caller_joined": 46.0, "caller_subscribed": 57.0, "first_frame": 59.0, "first_audible_sample": 60.0},
        ),
        Waterfall(
            "agent waiting in the room",
            "standby",
            76.0,
            (
                Span("dispatch", -20497.0, -20431.0),
                Span("room", -20430.0, -20318.0),
                Span("account", -20430.0, -20426.0),
                Span("components", -20430.0, 31.0),
                Span("phase two", 90.0, 2131.0),
            ),
            {"caller_joined": 41.0, "caller_subscribed": 52.0, "first_frame": 53.0, "first_audible_sample": 54.0},
        ),
    )
