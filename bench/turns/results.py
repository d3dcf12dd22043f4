"""What a run of `bench turns` has found: plain data, which the reports and the JSON file are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from bench.machine import Machine  # noqa: TC001  # report_file reads the fields' types
from bench.target import Target  # noqa: TC001  # report_file reads the fields' types
from bench.workers import Side  # noqa: TC001  # report_file reads the fields' types

if TYPE_CHECKING:
    from collections.abc import Iterable

Part = Literal["gap", "pause", "arabic", "noise", "echo", "barge"]
PARTS: tuple[Part, ...] = ("gap", "pause", "arabic", "noise", "echo", "barge")

Outcome = Literal["answered", "cut off", "lost"]
"""Cut off: the agent was heard before the caller had finished. Lost: it was not heard at all."""
FALSE_STOP_MS = 500.0
"""Silence inside a reply from which it is a false interruption; a voice makes shorter ones between two sentences."""


@dataclass(frozen=True)
class Turn:
    """One sentence of a caller and what was heard of the agent.

    `gap_ms`: the caller's last audible sample -> the reply's first one; None where the caller was cut off or the turn
    was lost. `early_ms`: how long before the caller's end the agent was heard, of a caller who was cut off. `replies`:
    what the agent said by its own transcript. `to_a_part`: its last words answered only a part of the sentence.
    `opener`: the reply's first clause was played from memory; None where the agent does not tell.
    """

    part: Part
    recording: str
    pause_ms: int | None
    outcome: Outcome
    gap_ms: float | None = None
    early_ms: float | None = None
    replies: tuple[str, ...] = ()
    to_a_part: bool = False
    opener: bool | None = None


@dataclass(frozen=True)
class Disturbance:
    """One noise while the agent spoke. `silent_ms`: the longest silence of the agent's for it, 0 if none.

    `broken_off`: what was left of the reply never came.
    """

    noise: str
    silent_ms: float = 0.0
    broken_off: bool = False

    @property
    def stopped(self) -> bool:
        """A false interruption."""
        return self.broken_off or self.silent_ms >= FALSE_STOP_MS

    @property
    def hesitated(self) -> bool:
        return not self.stopped and self.silent_ms > 0


@dataclass(frozen=True)
class LongReply:
    """A long reply with noises in it, or without any for comparison. `heard_s`: how long it was audible, in s.

    `stops`: silences of 250 ms and more inside it; those of a reply without noises are the agent's own.
    """

    noises: tuple[Disturbance, ...]
    heard_s: float
    stops: int


@dataclass(frozen=True)
class EchoReply:
    """A long reply to a caller who says nothing, whose device lets it back in `loss_db` softer.

    `heard_s`: how long the agent was audible, in s. `stops`: silences of 250 ms and more while it was. `whole`: the
    long reply was heard to its end. `answers`: further replies, to nobody but itself.
    """

    loss_db: float
    heard_s: float
    stops: int
    whole: bool
    answers: int


@dataclass(frozen=True)
class BargeIn:
    """`stop_ms`: the caller's first loud sample -> the agent's last audible one. `answered`: a reply followed."""

    when: Literal["early", "late"]
    stop_ms: float
    answered: bool


@dataclass(frozen=True)
class Cost:
    """What a call took, or some at once: `sentences` said in `duration_s`, and what the providers counted for it."""

    part: Part
    sentences: int
    duration_s: float
    llm_calls: int
    llm_tokens: int
    tts_characters: int


@dataclass
class SideResult:
    """All of one side. `log_lines` is what its worker said in `call_s` seconds of calls.

    `torn`: sentences said again, because this process was too busy to speak them without a gap. `failed`: one line a
    call that was not completed, or a worker that did not serve.
    """

    id: str
    title: str
    side: Side
    turns: list[Turn] = field(default_factory=list[Turn])
    long_replies: list[LongReply] = field(default_factory=list[LongReply])
    echo_replies: list[EchoReply] = field(default_factory=list[EchoReply])
    barge_ins: list[BargeIn] = field(default_factory=list[BargeIn])
    costs: list[Cost] = field(default_factory=list[Cost])
    log_lines: int = 0
    call_s: float = 0.0
    torn: int = 0
    failed: list[str] = field(default_factory=list[str])

    def of(self, *parts: Part) -> list[Turn]:
        return [turn for turn in self.turns if turn.part in parts]


@dataclass(frozen=True)
class TurnsReport:
    """`providers_ms`: LLM and TTS of one turn, which no agent can take off the gap; p50 of the latencies.

    `pauses_ms`: how long the callers paused in a sentence, the shortest first.
    """

    command: str
    machine: Machine
    latency: str
    seed: int
    pauses_ms: tuple[int, ...]
    providers_ms: float
    sides: tuple[SideResult, ...]
    targets: tuple[Target, ...]

    @property
    def failures(self) -> list[str]:
        """Every call that was not completed, a line each."""
        return [f"{side.title}: {why}" for side in self.sides for why in side.failed]


def gaps_ms(turns: Iterable[Turn]) -> list[float]:
    """Of those that have one."""
    return [turn.gap_ms for turn in turns if turn.gap_ms is not None]
