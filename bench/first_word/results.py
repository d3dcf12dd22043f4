"""What a run of `bench first-word` has found: plain data, which the reports and the JSON file are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bench.machine import Machine  # noqa: TC001  # json_file reads the fields' types
from bench.target import Target  # noqa: TC001  # json_file reads the fields' types

Arrival = Literal["join", "token", "standby"]
"""When the agent is sent for: by the caller's join, by the token request 0.5 s before it, or long before (standby)."""

Subject = Literal["starter", "firstword", "floor"]


@dataclass(frozen=True)
class Row:
    """One situation. `ttfw_ms`: connect call -> first audible sample, one value a completed call, by subject.

    `click_ms`: token request -> first audible sample, of this project, where a token was asked for. `callers`: how
    many at once. `failed`: one line a call that was not completed.
    """

    id: str
    title: str
    arrival: Arrival
    callers: int
    ttfw_ms: dict[Subject, list[float]]
    click_ms: list[float] = field(default_factory=list[float])
    failed: dict[Subject, list[str]] = field(default_factory=dict[Subject, "list[str]"])


@dataclass(frozen=True)
class Step:
    """One optimisation. `setting`: what switches it off, as NAME=value.

    `all_ms` and `without_ms` were measured in turns; so were `none_ms` (every one off) and `alone_ms` (only this one
    on). What `unit` is not "TTFW" counts something else, in ms too: "ready" is the worker's start.
    """

    id: str
    title: str
    setting: str
    arrival: Arrival
    all_ms: list[float]
    without_ms: list[float]
    none_ms: list[float]
    alone_ms: list[float]
    unit: Literal["TTFW", "click", "ready"] = "TTFW"


@dataclass(frozen=True)
class Span:
    name: str
    begin_ms: float
    end_ms: float


@dataclass(frozen=True)
class Waterfall:
    """One call of this project, from the caller's connect call (0 ms) to the first audible sample (`ttfw_ms`)."""

    title: str
    arrival: Arrival
    ttfw_ms: float
    spans: tuple[Span, ...]
    marks: dict[str, float]


@dataclass(frozen=True)
class FirstWordReport:
    command: str
    machine: Machine
    seed: int
    rows: tuple[Row, ...]
    steps: tuple[Step, ...]
    waterfalls: tuple[Waterfall, ...]
    targets: tuple[Target, ...]
    call_memory_mb: tuple[float, ...] = ()
    """PSS of this project's worker for each further call, one value a measurement."""
    failed: tuple[str, ...] = ()
    """Calls beside the rows that were not completed, a line each."""

    @property
    def failures(self) -> list[str]:
        """Every call that was not completed, a line each."""
        rows = [
            f"{subject}, {row.title}: {why}"
            for row in self.rows
            for subject, lines in row.failed.items()
            for why in lines
        ]
        return [*rows, *self.failed]
