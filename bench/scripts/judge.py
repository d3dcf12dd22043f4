"""Is anything answered that was not finished, lost, or answered twice? Judged from what one call left behind. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench.scripts.matching import Told, match
from bench.scripts.promise import is_bridged, wait_s
from bench.turns.dialogue import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bench.scripts.record import CallRecord, Heard, Request, Word
    from turns.profiles import TurnProfile

Kind = Literal["unfinished", "lost", "not recognised", "unanswered", "twice", "wrong words"]
"""Unfinished: answered in the middle, within a pause that the profile bridges by what was said and by what was
recognised of it. Lost: words that the LLM was never told,
though the recogniser had told them. Not recognised: it had not, so that nobody behind it can be blamed. Unanswered:
the LLM was told, and nothing was heard. Wrong words: the LLM was told what nobody said.
"""
KINDS: tuple[Kind, ...] = ("unfinished", "lost", "not recognised", "unanswered", "twice", "wrong words")

HEARD_S = 0.1
"""Less sound than this of a reply is a click to a caller, and no answer."""
PAUSE_S = 0.2
"""From here on a silence between two words is shown."""
OVER_S = 0.5
"""A reply that begins so long after the caller did, and before the caller has stopped, talks over them."""
BESIDE_S = 0.3
"""Sound of the caller's this close to a reply may have broken it off."""


@dataclass(frozen=True)
class Violation:
    """`at_s`: when it was heard or, for what was not, when the turn was over; since the call's begin."""

    kind: Kind
    script: int
    seed: str
    at_s: float
    said: str
    answered: str
    detail: str


@dataclass(frozen=True)
class Judgement:
    """One call. `ended_in_pause`: answers to words before a pause that was longer than the profile waits.

    `talked_over`: replies that began while the caller was speaking. `strange_sounds`: sound of which nobody knows what
    it answers. Neither of the three is a violation.
    """

    turns: int
    violations: tuple[Violation, ...]
    ended_in_pause: int = 0
    talked_over: int = 0
    strange_sounds: int = 0


@dataclass(frozen=True)
class _Answer:
    """A reply that was heard, and what it was asked."""

    heard: Heard
    request: Request
    told: Told


def judge_call(record: CallRecord, profile: TurnProfile) -> Judgement:
    """All of it that was heard long enough to be heard."""
    sounds = [each for each in record.heard if each.length_s > HEARD_S]
    found = [(each, _request(each, record.requests)) for each in sounds]
    answers = [
        _Answer(each, asked, match(asked.told, asked.answered, record.words, asked.at_s))
        for each, asked in found
        if asked is not None
    ]
    early = [(each, bridged) for each in answers for bridged in _in_the_middle(each, record, profile)]
    violations = [
        *(_unfinished(each, record, profile) for each, bridged in early if bridged),
        *_without_answer(answers, record),
        *_twice(answers, record),
        *_wrong_words(answers, record),
    ]
    return Judgement(
        len(_turns(record)),
        tuple(sorted(violations, key=lambda each: each.at_s)),
        ended_in_pause=sum(not bridged for _, bridged in early),
        talked_over=sum(_talks_over(each, record.words) for each in sounds),
        strange_sounds=len(found) - len(answers),
    )


def _request(heard: Heard, requests: Sequence[Request]) -> Request | None:
    """By its number; what was broken off before that, by the words until there."""
    if heard.number is not None:
        return next((each for each in requests if each.number == heard.number), None)
    text = heard.text.strip()
    fit = [each for each in requests if text and each.at_s < heard.begin_s and each.reply.startswith(text)]
    return fit[-1] if fit else None


def _in_the_middle(answer: _Answer, record: CallRecord, profile: TurnProfile) -> Iterator[bool]:
    """Nothing if the last turn that it answers is whole; else whether the pause there had to be bridged."""
    last = _last(answer, record)
    if last is None or not (rest := _rest(last, record.words)):
        return
    pause_s = _pause_s(last, rest[0], record.words)
    # A recogniser may leave out the comma that was said: by the words that it gave, the wait was long enough.
    yield all(
        is_bridged(text, pause_s, profile) for text in (_before(last, record.words, profile), answer.request.answered)
    )


def _unfinished(answer: _Answer, record: CallRecord, profile: TurnProfile) -> Violation:
    last = _last(answer, record)
    assert last is not None
    rest = _rest(last, record.words)
    pause_s = _pause_s(last, rest[0], record.words)
    before = _before(last, record.words, profile)
    detail = (
        f"a pause of {pause_s:.2f} s where {profile.min_endpointing_delay_s:g} s is the least and "
        f"{wait_s(before, profile):g} s is waited; heard for {answer.heard.length_s:.2f} s, "
        f"{answer.heard.begin_s - record.words[last].end_s:.2f} s after the last word that it answers"
    )
    return _violation("unfinished", record, answer.heard.begin_s, record.words[last].turn, answer, detail)


def _without_answer(answers: Sequence[_Answer], record: CallRecord) -> Iterator[Violation]:
    for number, turn in _turns(record).items():
        end_s = record.words[turn[-1]].end_s
        behind = [
            each for each in answers if each.heard.end_s > end_s and each.request.at_s > record.words[turn[-1]].begin_s
        ]
        if any(each.told.said.issuperset(turn) for each in behind):
            continue
        newest = max(behind, key=lambda each: each.heard.begin_s, default=None)
        told_ever = [match(each.told, each.answered, record.words, each.at_s).said for each in record.requests]
        most = max(told_ever, key=lambda said: len(said & set(turn)), default=frozenset[int]())
        if most.issuperset(turn):
            detail = "the LLM was told all of it, and no answer to all of it was heard"
            yield _violation("unanswered", record, end_s, number, newest, detail)
        else:
            known = newest.told.said if newest is not None else most
            missing = [record.words[index] for index in turn if index not in known]
            kind: Kind = "lost" if all(_is_recognised(word, record) for word in missing) else "not recognised"
            said = " ".join(word.text for word in missing)
            yield _violation(kind, record, end_s, number, newest, f"never told: {said}")


def _is_recognised(word: Word, record: CallRecord) -> bool:
    return any(at_s > word.begin_s and set(words(word.text)) <= set(words(text)) for at_s, text in record.recognised)


def _twice(answers: Sequence[_Answer], record: CallRecord) -> Iterator[Violation]:
    for place, second in enumerate(answers):
        for first in answers[:place]:
            same = {index for index in first.told.newest & second.told.newest if record.words[index].turn is not None}
            if not same:
                continue
            has_more = max(second.told.newest) > max(first.told.newest)
            if has_more and _is_beside(first.heard, record.words):
                continue  # the caller went on, and is answered anew
            detail = f"answer {first.request.number} at {first.heard.begin_s:.2f} s had answered it for "
            detail += f"{first.heard.length_s:.2f} s"
            turn = record.words[max(same)].turn
            yield _violation("twice", record, second.heard.begin_s, turn, second, detail)


def _wrong_words(answers: Sequence[_Answer], record: CallRecord) -> Iterator[Violation]:
    for answer in answers:
        if answer.told.strange:
            last = _last(answer, record)
            turn = None if last is None else record.words[last].turn
            detail = f"nobody said, or not so often: {' '.join(answer.told.strange)}"
            yield _violation("wrong words", record, answer.heard.begin_s, turn, answer, detail)
            return  # the history keeps it: one for the call


def _last(answer: _Answer, record: CallRecord) -> int | None:
    """The last word that it answers, of those that want an answer."""
    return max((index for index in answer.told.newest if record.words[index].turn is not None), default=None)


def _rest(last: int, words: Sequence[Word]) -> list[Word]:
    """What follows in the same turn."""
    return [word for word in words[last + 1 :] if word.turn == words[last].turn]


def _pause_s(last: int, following: Word, words: Sequence[Word]) -> float:
    return following.begin_s - words[last].end_s


def _before(last: int, words: Sequence[Word], profile: TurnProfile) -> str:
    """The turn's words until there, from the last pause on that has ended it."""
    said: list[Word] = []
    for word in (word for word in words[: last + 1] if word.turn == words[last].turn):
        so_far = " ".join(each.text for each in said)
        if said and not is_bridged(so_far, word.begin_s - said[-1].end_s, profile):
            said = []
        said.append(word)
    return " ".join(word.text for word in said)


def _talks_over(heard: Heard, words: Sequence[Word]) -> bool:
    """Whether its first sound comes in the middle of what the caller says."""
    before = [word for word in words if word.begin_s <= heard.begin_s]
    if not before or before[-1].end_s <= heard.begin_s:
        return False
    begin_s = before[-1].begin_s
    for word in reversed(before):
        if begin_s - word.end_s > PAUSE_S:
            break
        begin_s = word.begin_s
    return heard.begin_s - begin_s > OVER_S


def _is_beside(heard: Heard, words: Iterable[Word]) -> bool:
    """Whether the caller made a sound while it was heard."""
    return any(word.begin_s < heard.end_s + BESIDE_S and word.end_s > heard.begin_s - BESIDE_S for word in words)


def _turns(record: CallRecord) -> dict[int, list[int]]:
    """The words of each turn, by their place in the call."""
    turns: dict[int, list[int]] = {}
    for index, word in enumerate(record.words):
        if word.turn is not None:
            turns.setdefault(word.turn, []).append(index)
    return turns


def shown(words: Iterable[Word]) -> str:
    """The words, with the silences between them."""
    said: list[str] = []
    end_s: float | None = None
    for word in words:
        if end_s is not None and word.begin_s - end_s > PAUSE_S:
            said.append(f"({word.begin_s - end_s:.2f} s)")
        said.append(word.text)
        end_s = word.end_s
    return " ".join(said)


def _violation(
    kind: Kind, record: CallRecord, at_s: float, turn: int | None, answer: _Answer | None, detail: str
) -> Violation:
    said = shown(word for word in record.words if turn is not None and word.turn == turn)
    answered = "" if answer is None else f"{answer.request.number}: {answer.request.answered}"
    detail = f"{detail}; the machine was {record.busy:.0%} busy"
    return Violation(kind, record.script, record.seed, round(at_s, 2), said, answered, detail)
