"""The lines for a terminal tell every time, and why there is none."""

from __future__ import annotations

from array import array
from pathlib import Path

from examples.simple_test_client.audio_utils import Played
from examples.simple_test_client.report import report
from examples.simple_test_client.talk import Talk, Turn
from examples.simple_test_client.transcript import Line


def played(*, audible: bool = True, torn_ms: float = 0.0, faults: int = 0) -> Played:
    times = (1.0, 2.5) if audible else (None, None)
    return Played(2.0, 1.0, 3.0, *times, torn_ms, faults, array("d", [0.5] * 98 + [1.5, 3.0]))


def test_a_good_call() -> None:
    """Join, first word, each file with its frames and its gap, the recording, and who said what."""
    talk = Talk(
        join_ms=41.2,
        first_word_ms=312.4,
        turns=[Turn(Path("question.mp3"), played(), 801.6)],
        lines=[Line("agent-1", "Hello.", True), Line("me", " Are you open? ", True)],
        recorded_s=4.25,
    )
    assert report(talk, identity="me", record=Path("a.wav")) == [
        "joined                    41 ms",
        "time to first word       312 ms",
        "question.mp3          2.0 s, frames late p50 0.5, p99 1.5 ms",
        "  response gap           802 ms",
        "recorded              4.2 s in a.wav",
        "",
        "transcript",
        "  agent-1: Hello.",
        "  you: Are you open?",
    ]
    assert talk.answered


def test_a_bad_call() -> None:
    """Each thing that is missing says so, and the machine's part in it is told."""
    talk = Talk(
        turns=[
            Turn(Path("a.wav"), played(torn_ms=80.0, faults=2), None),
            Turn(Path("b.wav"), played(audible=False), None),
        ]
    )
    told = "\n".join(report(talk, identity="me", record=Path("a.wav")))
    for words in (
        "time to first word    nothing was said",
        "torn by 80 ms: this machine was too busy",
        "2 packets could not be decoded",
        "  response gap        no answer",
        "  response gap        the file is silent",
        "recorded              nothing, the other side sent no sound",
        "no transcript",
    ):
        assert words in told
    assert not talk.answered
