"""A reply is begun on words that the recogniser still holds for provisional, and kept if they turn out to be final.

The framework begins one at each PREFLIGHT_TRANSCRIPT, and throws the standing one away for it without a look at the
words. It begins one at a FINAL_TRANSCRIPT that is not the preflight's text to the letter, and stops the standing one
at an interim with other words. So what passes here is rewritten: a preflight when the caller has fallen quiet on new
words, and the begun words' own spelling for as long as they are the same words.

All of it is decided here, from events and times; `speculation_stream.py` is the shell with the timer.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from livekit.agents.stt import SpeechEventType

from turns.same_words import normalized
from turns.speculation_budget import SpeculationCounts, TurnCost
from turns.turn_text import TurnText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from livekit.agents.stt import SpeechEvent

    from turns.speculation_budget import SpeculationBudget

# From 23 recordings, words shown 150 ms late in responses 60 ms apart: a reply on all words 155 ms after the last sound
# in every pair from 0.11/0.19 to 0.11/0.3, with 1.6 replies begun a turn at 0.19 and 1.25 from 0.25 on.
NEWS_QUIET_S = 0.11
"""Silence in which words that arrive now are the caller's last: a recogniser shows them about 150 ms late."""
SETTLED_QUIET_S = 0.25
"""Silence after which no more words are on their way."""
SOONEST_S = 0.01  # a frame: the gate knows no more before the next one
RETRY_S = 0.05
LAPSE_S = 2.0  # words this old without silence behind them are left to the final transcript
INTERIM, PREFLIGHT = SpeechEventType.INTERIM_TRANSCRIPT, SpeechEventType.PREFLIGHT_TRANSCRIPT
FINAL = SpeechEventType.FINAL_TRANSCRIPT

Words = tuple[str, ...]


class Quiet(Protocol):
    """`QuietGate`, or a test's."""

    @property
    def quiet_s(self) -> float: ...


@dataclass(slots=True)
class _Begun:
    """The reply that stands in the framework."""

    words: Words
    """Of the whole turn, as they are compared."""
    whole: str
    """The turn's text that it was begun on."""
    spelling: str | None
    """The open segment's part of that; None once its final transcript has passed."""


@dataclass(slots=True)
class _Candidate:
    """The newest words that no reply was begun on."""

    event: SpeechEvent
    arrived_s: float
    """When the words came first: a recogniser repeats them."""


class Speculation:
    """One call's speculation. What it may be handed:

    `worth(text)`: is the turn so far a thing to reply to? An open phrase is not.
    `ready()`: would the framework begin a reply now? Not while the agent's own speech is not interrupted.
    `permit(allowed)`: told before a final transcript that the framework may begin a reply at it, or may not, and
    before a preflight that it may. Without it the framework begins one at each final transcript with new words.
    """

    def __init__(
        self,
        gate: Quiet,
        budget: SpeculationBudget,
        *,
        worth: Callable[[str], bool] = lambda _: True,
        ready: Callable[[], bool] = lambda: True,
        permit: Callable[[bool], None] = lambda _: None,
        news_quiet_s: float = NEWS_QUIET_S,
        settled_quiet_s: float = SETTLED_QUIET_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = SpeculationCounts()
        self._counted = SpeculationCounts()  # at the turn's begin
        self._gate = gate
        self._budget = budget
        self._worth = worth
        self._ready = ready
        self._permit = permit
        self._news_quiet_s = news_quiet_s
        self._settled_quiet_s = settled_quiet_s
        self._clock_s = clock_s
        self._text = TurnText()
        self._begun: _Begun | None = None
        self._candidate: _Candidate | None = None
        self._declined: Words = ()

    def heard(self, event: SpeechEvent) -> Iterator[SpeechEvent]:
        """What goes on to the framework for one event of the STT."""
        text = event.alternatives[0].text if event.alternatives else ""
        if event.type in (INTERIM, PREFLIGHT) and text:
            yield self._interim(event, text)
        elif event.type is FINAL and text:
            yield from self._final(event, text)
        else:
            yield event

    def time_passed(self) -> Iterator[SpeechEvent]:
        """The preflight of words that were followed by silence, once it is time for it."""
        waiting = self._candidate
        if waiting is None:
            return
        text = waiting.event.alternatives[0].text
        words = normalized(self._text.whole(text))
        if self._gate.quiet_s >= self._settled_quiet_s and self._begins(text, words):
            yield replace(waiting.event, type=PREFLIGHT, created_at=time.time())
        elif self._candidate is not None and self._clock_s() - waiting.arrived_s >= LAPSE_S:
            self._candidate, self._declined = None, words

    def wait_s(self) -> float | None:
        """How long `time_passed` has nothing to look at; None: not before the next event."""
        if self._candidate is None:
            return None
        missing_s = self._settled_quiet_s - self._gate.quiet_s
        return max(missing_s, SOONEST_S) if missing_s > 0 else RETRY_S

    def committed(self, text: str) -> TurnCost:
        """The turn with this text was committed; a reply that was begun on another is thrown away."""
        begun, counts, before = self._begun, self.counts, self._counted
        kept = begun is not None and begun.whole.split() == text.split()
        counts.turns += 1
        counts.kept += kept
        counts.thrown_away += begun is not None and not kept
        self._counted = replace(counts)
        self._text.committed(text)
        self._begun, self._declined = None, ()
        self._budget.new_turn()
        return TurnCost(
            begun=counts.begun - before.begun,
            kept=kept,
            refused=counts.refused - before.refused,
            vetoed=counts.vetoed - before.vetoed,
        )

    def _interim(self, event: SpeechEvent, text: str) -> SpeechEvent:
        words = normalized(self._text.whole(text))
        begun, waiting = self._begun, self._candidate
        self._candidate = None
        if begun is not None and begun.spelling is not None:
            if words == begun.words:
                return _spelled(event, INTERIM, begun.spelling)
            self._drop()  # so does the framework, at an interim with other words
        if not words or words == self._declined or (begun is not None and words == begun.words):
            return replace(event, type=INTERIM)
        if waiting is not None and normalized(self._text.whole(waiting.event.alternatives[0].text)) == words:
            waiting.event, enough_s = event, self._settled_quiet_s
        else:
            waiting, enough_s = _Candidate(event, self._clock_s()), self._news_quiet_s
        self._candidate = waiting
        if self._gate.quiet_s >= enough_s and self._begins(text, words):
            return replace(event, type=PREFLIGHT)
        return replace(event, type=INTERIM)

    def _final(self, event: SpeechEvent, text: str) -> Iterator[SpeechEvent]:
        whole = self._text.whole(text)
        words = normalized(whole)
        begun = self._begun
        self._candidate = None
        if begun is not None and begun.spelling is not None and words == begun.words:
            self._text.final(begun.spelling)
            event = _spelled(event, FINAL, begun.spelling)
            begun.spelling = None
            yield event
            return
        if begun is not None and begun.spelling is not None:
            self._drop()
        hesitation = self._begun is not None and words == self._begun.words
        allowed = not hesitation and self._ready() and self._allowed(words, whole, final=True)
        self._permit(allowed)
        if allowed:
            self._note(words, whole, None)
            if self._text.is_preflight(text):  # to the letter, so the framework takes the dropped reply for standing
                yield replace(event, type=PREFLIGHT)
        self._text.final(text)
        yield event

    def _begins(self, text: str, words: Words) -> bool:
        """Whether a reply is begun on the candidate now. What is not ready stays the candidate, a no is a no."""
        if not self._ready():
            return False
        self._candidate = None
        whole = self._text.whole(text)
        if not self._allowed(words, whole, final=False):
            return False
        self._note(words, whole, text)
        self._text.preflight(text)
        self._permit(True)
        return True

    def _allowed(self, words: Words, whole: str, *, final: bool) -> bool:
        first = words != self._declined
        if not self._worth(whole):
            self.counts.vetoed += first
        elif not self._budget.take(final=final):
            self.counts.refused += first
        else:
            return True
        self._declined = words
        return False

    def _note(self, words: Words, whole: str, spelling: str | None) -> None:
        self._drop()
        self._begun = _Begun(words, whole, spelling)
        self.counts.begun += 1

    def _drop(self) -> None:
        self.counts.thrown_away += self._begun is not None
        self._begun = None


def _spelled(event: SpeechEvent, kind: SpeechEventType, text: str) -> SpeechEvent:
    first, *others = event.alternatives
    return replace(event, type=kind, alternatives=[replace(first, text=text), *others])
