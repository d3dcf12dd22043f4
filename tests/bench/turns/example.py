"""A report as a run on two cores could give it, from a fixed seed: what the reports are tried on."""

from __future__ import annotations

import numpy as np

from bench.machine import Machine
from bench.turns.corpus import PAUSES_MS
from bench.turns.results import BargeIn, Cost, Disturbance, EchoReply, LongReply, SideResult, Turn, TurnsReport
from bench.turns.sides import SideSpec, parse_sides
from bench.turns.summary import summarize
from bench.turns.targets import targets

MACHINE = Machine(2, "Test CPU", "Linux x86_64", "3.11.7", "1.8.9", "1.13.5", 0.5)
PROVIDERS_MS = 700.0
TURNS = 60
GAPS_MS = {
    "starter-v1-mini": 2980,
    "starter-stt": 1860,
    "starter-vad": 1870,
    "fast": 950,
    "production": 1090,
    "steady": 1420,
}
CUT_OFF = {"starter-v1-mini": 1, "starter-stt": 8, "starter-vad": 9, "fast": 6, "production": 3, "steady": 2}


def example_report() -> TurnsReport:
    """Every part is there, of every side; one call failed, one turn was lost."""
    sides = tuple(_side(spec) for spec in parse_sides("all"))
    sides[0].failed.append("gap: no audio within 15 s <after> the connect call")
    sides[1].turns[0] = Turn("gap", "time", None, "lost")
    return TurnsReport(
        command="agent.py bench turns --turns 60 --seed 1",
        machine=MACHINE,
        latency="fixed",
        seed=1,
        pauses_ms=PAUSES_MS,
        providers_ms=PROVIDERS_MS,
        sides=sides,
        targets=targets({side.id: summarize(side, PROVIDERS_MS) for side in sides}, fixed=True),
    )


def gap_turn(gap_ms: float, *, opener: bool | None = None) -> Turn:
    return Turn("gap", "time", None, "answered", gap_ms, replies=("It is late.",), opener=opener)


def pause_turn(pause_ms: int, *, cut_off: bool) -> Turn:
    if cut_off:
        return Turn("pause", "cancel", pause_ms, "cut off", early_ms=120.0, replies=("And then?",), to_a_part=True)
    return Turn("pause", "cancel", pause_ms, "answered", 1000.0, replies=("It is late.",))


def _side(spec: SideSpec) -> SideResult:
    chance = np.random.default_rng(1)
    middle_ms, ours = GAPS_MS[spec.id], spec.side == "firstword"
    result = SideResult(spec.id, spec.title, spec.side, log_lines=30, call_s=400.0)
    for number in range(TURNS):
        hit = ours and number % 3 == 0
        gap_ms = float(middle_ms + chance.gamma(2.0, 20.0) - 130 * hit)
        result.turns.append(gap_turn(round(gap_ms, 1), opener=hit if ours else None))
        is_cut_off = number % 4 == 3 and number // 4 < CUT_OFF[spec.id]
        result.turns.append(pause_turn(PAUSES_MS[number % 4], cut_off=is_cut_off))
    result.turns += [Turn("arabic", "arabic_hours", None, "answered", middle_ms + 40.0) for _ in range(12)]
    result.costs += [Cost("gap", 5, 31.0, 6, 90, 200), Cost("pause", 5, 42.0, 9, 110, 240)]
    if spec.id not in ("starter-stt", "starter-vad"):
        noisy = (Disturbance("mm_hm", 320.0, broken_off=not ours), Disturbance("cough"))
        result.long_replies += [LongReply((), 14.0, 0), LongReply(noisy, 13.0, int(not ours))]
        result.echo_replies += [EchoReply(20.0, 3.1, 1, ours, int(not ours)), EchoReply(30.0, 14.2, 0, True, 0)]
        result.barge_ins += [BargeIn("early", 210.0, True), BargeIn("late", 240.0, True)] * 10
    return result
