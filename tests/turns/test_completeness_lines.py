"""How often the words are judged right, on callers' lines cut where a caller could pause.

`caller_lines/en.txt` and `ar.txt` are what the tables were written with, `*_held_out.txt` what they have not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from turns.completeness import Verdict, judge

FOLDER = Path(__file__).parent / "caller_lines"
FILES = ("en", "en_held_out", "ar", "ar_held_out")
GOES_ON, COULD_END = ">", "/"
MARKS = ".?!,؟،"


@dataclass(frozen=True)
class Cut:
    """The words up to a place in a line, and what has to be said of them: GOES_ON, COULD_END, "" (nothing), END."""

    text: str
    label: str
    language: str
    question: bool

    @property
    def bare(self) -> str:
        return self.text.rstrip(MARKS)

    @property
    def as_written_by_a_recogniser(self) -> str:
        """With the mark that it puts behind a pause, as if the sentence were over."""
        if self.label == END:
            return self.text
        return self.bare + (("؟" if self.language == "ar" else "?") if self.question else ".")


END = "end"


@cache
def cuts(file: str) -> tuple[Cut, ...]:
    """Every word boundary of every line of a file."""
    found: list[Cut] = []
    for line in (FOLDER / f"{file}.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        parts = line.replace(GOES_ON, f" {GOES_ON} ").replace(COULD_END, f" {COULD_END} ").split()
        said: list[str] = []
        for number, part in enumerate(parts, 1):
            if part in (GOES_ON, COULD_END):
                continue
            said.append(part)
            label = END if number == len(parts) else parts[number] if parts[number] in (GOES_ON, COULD_END) else ""
            found.append(Cut(" ".join(said), label, file[:2], line[-1] in "?؟"))
    return tuple(found)


def check(judged: list[tuple[str, Verdict]], right: set[Verdict], at_least: float) -> None:
    """At least that share of the texts has a right verdict; the message has the share and each that is wrong."""
    assert judged
    wrong = [f"{verdict.value}: {text}" for text, verdict in judged if verdict not in right]
    share = 1 - len(wrong) / len(judged)
    assert share >= at_least, f"{share:.3f} of {len(judged)} < {at_least}\n" + "\n".join(wrong)


def labelled(file: str, label: str) -> list[Cut]:
    return [cut for cut in cuts(file) if cut.label == label]


@pytest.mark.parametrize("file", FILES)
def test_what_has_to_go_on_is_open(file: str) -> None:
    """Recall of OPEN, without a mark and with the recogniser's own one."""
    for form in ("bare", "as_written_by_a_recogniser"):
        texts = [getattr(cut, form) for cut in labelled(file, GOES_ON)]
        check([(text, judge(text, file[:2]).verdict) for text in texts], {Verdict.OPEN}, 0.9)


@pytest.mark.parametrize("file", FILES)
def test_hardly_anything_that_has_to_go_on_is_complete(file: str) -> None:
    """What is not known to be open is at least not sure: the short wait is taken for very few of them."""
    texts = [cut.as_written_by_a_recogniser for cut in labelled(file, GOES_ON)]
    check([(text, judge(text, file[:2]).verdict) for text in texts], set(Verdict) - {Verdict.COMPLETE}, 0.95)


@pytest.mark.parametrize("file", FILES)
def test_a_whole_sentence_is_complete(file: str) -> None:
    """Recall of COMPLETE and STATEMENT on lines with their mark."""
    texts = [cut.text for cut in labelled(file, END)]
    check([(text, judge(text, file[:2]).verdict) for text in texts], {Verdict.COMPLETE, Verdict.STATEMENT}, 0.95)


@pytest.mark.parametrize("file", FILES)
def test_a_whole_sentence_is_not_open_without_its_mark(file: str) -> None:
    """The interim words lack it. A dictated number is the exception: it is over only with a mark."""
    judged = [(cut.bare, judge(cut.bare, file[:2])) for cut in [*labelled(file, END), *labelled(file, COULD_END)]]
    plain = [(text, found.verdict) for text, found in judged if "at least" not in found.reason]
    check(plain, {Verdict.COMPLETE, Verdict.UNKNOWN}, 0.95)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_what_is_open_has_to_go_on(language: str) -> None:
    """Precision of OPEN among all cuts with a label, held-out ones too."""
    known = [cut for file in FILES if file.startswith(language) for cut in cuts(file) if cut.label]
    judged = [(cut, judge(cut.as_written_by_a_recogniser, language).verdict) for cut in known]
    check([(cut.text, verdict) for cut, verdict in judged if cut.label != GOES_ON], set(Verdict) - {Verdict.OPEN}, 0.97)


@pytest.mark.parametrize("file", FILES)
def test_a_part_of_a_sentence_is_seldom_complete_without_a_mark(file: str) -> None:
    """At every other word boundary the interim words end no turn: only a short answer is complete by itself."""
    texts = [cut.bare for cut in cuts(file) if cut.label in ("", GOES_ON)]
    check([(text, judge(text, file[:2]).verdict) for text in texts], {Verdict.OPEN, Verdict.UNKNOWN}, 0.95)


def test_there_are_lines_enough() -> None:
    """120 English and 60 Arabic ones, a third of them unseen."""
    lines = {file: len(labelled(file, END)) for file in FILES}
    assert lines["en"] + lines["en_held_out"] >= 120
    assert lines["ar"] + lines["ar_held_out"] >= 60
    assert lines["en_held_out"] * 4 >= lines["en"]
    assert lines["ar_held_out"] * 2 >= lines["ar"]
