"""Speculation against a model of the framework: what is begun, what is kept, and that nothing is lost."""

from __future__ import annotations

import inspect
import random
from typing import TYPE_CHECKING

import pytest
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.agents.voice import agent_activity

from tests.turns.framework_model import FINAL, INTERIM, PREFLIGHT, Framework, equivalent, event
from turns.same_words import same_words
from turns.speculation import LAPSE_S, NEWS_QUIET_S, RETRY_S, SETTLED_QUIET_S, Speculation
from turns.speculation_budget import SpeculationBudget, SpeculationCounts, TurnCost

if TYPE_CHECKING:
    from collections.abc import Callable


class Call:
    """A speculation, its framework, and time that only moves when it is told to."""

    def __init__(self, *, most_a_turn: int = 3, most_a_minute: int = 20) -> None:
        self.quiet_s = 0.0
        self.now_s = 50.0
        self.open_phrases: set[str] = set()
        self.worth: Callable[[str], bool] = lambda text: text not in self.open_phrases
        self.framework = Framework()
        self.speculation = Speculation(
            self,
            SpeculationBudget(most_a_turn, most_a_minute, clock_s=lambda: self.now_s),
            worth=lambda text: self.worth(text),
            ready=lambda: not self.framework.speaking,
            permit=self.framework.permit,
            clock_s=lambda: self.now_s,
        )

    @property
    def counts(self) -> SpeculationCounts:
        return self.speculation.counts

    def hear(self, kind: SpeechEventType, text: str, *, quiet_s: float | None = None) -> list[tuple[str, str]]:
        """What the framework was given for it, as (type, text)."""
        self.quiet_s = self.quiet_s if quiet_s is None else quiet_s
        return [told(each) for each in self.framework.take(self.speculation.heard(event(kind, text)))]

    def wait(self, seconds: float, *, quiet: bool = True) -> list[tuple[str, str]]:
        """Let time pass, with silence or with sound, and ask the timer when it wants to be asked."""
        given: list[tuple[str, str]] = []
        while seconds > 1e-9:
            step_s = min(self.speculation.wait_s() or seconds, seconds)
            self.now_s += step_s
            self.quiet_s = self.quiet_s + step_s if quiet else 0.0
            seconds -= step_s
            given += [told(each) for each in self.framework.take(self.speculation.time_passed())]
        return given

    def commit(self) -> TurnCost:
        return self.speculation.committed(self.framework.commit())


def told(each: SpeechEvent) -> tuple[str, str]:
    return each.type.value.removesuffix("_transcript"), each.alternatives[0].text if each.alternatives else ""


def test_words_that_arrive_in_silence_are_begun_on_at_once() -> None:
    """And kept for a final transcript that only writes them in another way: one call of the LLM."""
    call = Call()
    assert call.hear(INTERIM, "what are your opening", quiet_s=0.0) == [("interim", "what are your opening")]
    assert call.hear(INTERIM, "what are your opening hours", quiet_s=NEWS_QUIET_S) == [
        ("preflight", "what are your opening hours")
    ]
    assert call.hear(FINAL, "What are your opening hours?") == [("final", "what are your opening hours")]
    assert call.commit() == TurnCost(begun=1, kept=True, refused=0, vetoed=0)
    assert call.framework.replied == [("what are your opening hours", True)]


def test_words_that_arrive_while_there_is_sound_wait_for_the_silence() -> None:
    """Nothing newer came: the timer begins, as soon as no more words can be on their way."""
    call = Call()
    assert call.hear(INTERIM, "who are you", quiet_s=0.05) == [("interim", "who are you")]
    assert call.wait(SETTLED_QUIET_S - 0.07) == []
    assert call.wait(0.03) == [("preflight", "who are you")]
    assert call.speculation.wait_s() is None


def test_sound_puts_it_off() -> None:
    """A caller who goes on speaking is not answered before the recogniser has said what."""
    call = Call()
    call.hear(INTERIM, "I need", quiet_s=0.1)
    assert call.wait(0.5, quiet=False) == []
    assert call.hear(INTERIM, "I need a table", quiet_s=0.0) == [("interim", "I need a table")]
    assert call.wait(SETTLED_QUIET_S + 0.02) == [("preflight", "I need a table")]
    assert call.framework.begun == ["I need a table"]


def test_a_repeated_interim_is_no_news() -> None:
    """A recogniser repeats itself: that the words came again in silence does not make them the last ones."""
    call = Call()
    call.hear(INTERIM, "book a table", quiet_s=0.0)
    assert call.hear(INTERIM, "book a table", quiet_s=NEWS_QUIET_S) == [("interim", "book a table")]
    assert call.hear(INTERIM, "book a table for two", quiet_s=0.15) == [("preflight", "book a table for two")]


def test_the_same_words_are_not_begun_on_twice() -> None:
    """Not with other marks, not when the plugin takes them for stable, not by the timer."""
    call = Call()
    call.hear(INTERIM, "who are you", quiet_s=0.2)
    assert call.hear(INTERIM, "Who are you?") == [("interim", "who are you")]
    assert call.hear(PREFLIGHT, "Um, who are you?") == [("interim", "who are you")]
    assert call.wait(1.0) == []
    assert call.hear(FINAL, "Who are you?") == [("final", "who are you")]
    assert call.framework.begun == ["who are you"]


def test_the_plugins_own_preflight_is_used_where_it_is_the_first() -> None:
    """In silence; while there is sound, words may be stable and yet not the last ones."""
    call = Call()
    assert call.hear(PREFLIGHT, "I need", quiet_s=0.0) == [("interim", "I need")]
    assert call.hear(PREFLIGHT, "I need help.", quiet_s=0.15) == [("preflight", "I need help.")]


def test_other_final_words_are_begun_on_anew() -> None:
    """The framework begins at the final transcript; the first reply is wasted, and counted."""
    call = Call()
    call.hear(INTERIM, "I do want it", quiet_s=0.2)
    assert call.hear(FINAL, "I do not want it.") == [("final", "I do not want it.")]
    assert call.framework.begun == ["I do want it", "I do not want it."]
    assert call.commit() == TurnCost(begun=2, kept=True, refused=0, vetoed=0)
    assert (call.counts.kept, call.counts.thrown_away, call.counts.calls_a_turn) == (1, 1, 2.0)


def test_a_pause_in_the_middle_is_one_turn() -> None:
    """Two final transcripts: the second preflight is compared with the whole turn, as the framework does."""
    call = Call()
    call.hear(INTERIM, "my name is anna", quiet_s=0.2)
    call.hear(FINAL, "My name is Anna.")
    assert call.hear(INTERIM, "and I have a question", quiet_s=0.2) == [("preflight", "and I have a question")]
    assert call.hear(FINAL, "and I have a question!") == [("final", "and I have a question")]
    assert call.framework.begun == ["my name is anna", "my name is anna and I have a question"]
    assert call.commit() == TurnCost(begun=2, kept=True, refused=0, vetoed=0)


def test_the_same_words_in_the_next_turn_are_another_turn() -> None:
    """And in the next segment: "five", "five" is not "five"."""
    call = Call()
    for _ in range(2):
        assert call.hear(INTERIM, "yes", quiet_s=0.2) == [("preflight", "yes")]
        assert call.hear(FINAL, "Yes.") == [("final", "yes")]
        assert call.commit().kept
    call.hear(INTERIM, "five", quiet_s=0.2)
    call.hear(FINAL, "Five,")
    assert call.hear(INTERIM, "five", quiet_s=0.2) == [("preflight", "five")]


def test_an_open_phrase_is_not_begun_on() -> None:
    """Neither at the interim nor by the framework at the final transcript; said once, however often it is asked."""
    call = Call()
    call.open_phrases = {"my number is five", "My number is five,"}
    for _ in range(3):
        assert call.hear(INTERIM, "my number is five", quiet_s=0.2) == [("interim", "my number is five")]
    call.wait(0.5)
    call.hear(FINAL, "My number is five,")
    assert call.framework.begun == []
    assert call.hear(INTERIM, "five five", quiet_s=0.2) == [("preflight", "five five")]
    call.hear(FINAL, "five five.")
    assert call.commit() == TurnCost(begun=1, kept=True, refused=0, vetoed=1)


def test_an_open_phrase_throws_no_complete_one_away_in_silence() -> None:
    """What was begun on less than the turn is not kept for the turn."""
    call = Call()
    call.open_phrases = {"book a table and"}
    call.hear(INTERIM, "book a table", quiet_s=0.2)
    call.hear(FINAL, "book a table")
    call.hear(FINAL, "and")
    assert call.commit() == TurnCost(begun=1, kept=False, refused=0, vetoed=1)
    assert call.framework.replied == [("book a table and", False)]


def test_no_more_than_the_budget_whatever_the_recogniser_does() -> None:
    """One is left for the final words; the next segment has none, and its reply is begun at the commit."""
    call = Call(most_a_turn=3)
    for i in range(6):
        call.hear(INTERIM, " ".join(["word"] * (i + 1)), quiet_s=0.2)
    call.hear(FINAL, "quite other words")
    assert call.framework.begun == ["word", "word word", "quite other words"]
    call.hear(FINAL, "and more")
    assert call.commit() == TurnCost(begun=3, kept=False, refused=5, vetoed=0)
    assert len(call.framework.begun) == 3


def test_words_that_come_back_are_begun_on_again_only_if_their_reply_is_gone() -> None:
    """An interim with other words has stopped it in the framework: no reply stands, so this is not a second one."""
    call = Call()
    call.hear(INTERIM, "I want tea", quiet_s=0.2)
    call.hear(INTERIM, "I want teas", quiet_s=0.0)
    assert call.framework.standing is None
    assert call.hear(INTERIM, "I want tea", quiet_s=0.2) == [("preflight", "I want tea")]
    call.hear(FINAL, "I want tea.")
    assert call.commit() == TurnCost(begun=2, kept=True, refused=0, vetoed=0)


def test_a_final_transcript_without_a_standing_reply_gets_one() -> None:
    """To the letter the last preflight's, which an interim has stopped: the framework sees no change."""
    call = Call()
    call.hear(INTERIM, "I want tea", quiet_s=0.2)
    call.hear(INTERIM, "I want teas", quiet_s=0.0)
    assert call.hear(FINAL, "I want tea") == [("preflight", "I want tea"), ("final", "I want tea")]
    assert call.commit() == TurnCost(begun=2, kept=True, refused=0, vetoed=0)


def test_nothing_is_begun_while_the_framework_would_refuse() -> None:
    """The agent still speaks: the words wait for it to be interrupted, and are begun on then."""
    call = Call()
    call.framework.speaking = True
    assert call.hear(INTERIM, "wait stop", quiet_s=0.2) == [("interim", "wait stop")]
    assert call.wait(0.3) == []
    call.framework.speaking = False
    assert call.wait(2 * RETRY_S) == [("preflight", "wait stop")]


def test_words_lapse() -> None:
    """Sound that never stops, or an agent that never does: the timer goes to sleep, the final transcript decides."""
    call = Call()
    call.hear(INTERIM, "hello there", quiet_s=0.0)
    assert call.wait(LAPSE_S + 0.5, quiet=False) == []
    assert call.speculation.wait_s() is None
    call.hear(INTERIM, "hello there", quiet_s=0.3)
    assert call.framework.begun == []
    call.hear(FINAL, "Hello there.")
    assert call.framework.begun == ["Hello there."]


def test_hesitation_alone_changes_no_reply() -> None:
    """A segment of "um" behind a sentence is passed on, and no second reply is begun for it."""
    call = Call()
    call.hear(INTERIM, "a table for two", quiet_s=0.2)
    call.hear(FINAL, "A table for two.")
    assert call.hear(INTERIM, "um", quiet_s=0.2) == [("interim", "um")]
    assert call.hear(FINAL, "Um,") == [("final", "Um,")]
    assert call.framework.begun == ["a table for two"]


@pytest.mark.parametrize("text", ["", "...", " "])
def test_nothing_said_is_not_begun_on(text: str) -> None:
    """Empty transcripts pass and change nothing."""
    call = Call()
    assert call.hear(INTERIM, text, quiet_s=1.0) == [("interim", text)]
    assert call.wait(1.0) == []
    assert call.framework.begun == []


def test_what_is_no_transcript_passes_untouched() -> None:
    """The same object: start and end of speech, usage."""
    call = Call()
    for kind in (SpeechEventType.START_OF_SPEECH, SpeechEventType.END_OF_SPEECH, SpeechEventType.RECOGNITION_USAGE):
        given = SpeechEvent(type=kind)
        assert [each is given for each in call.speculation.heard(given)] == [True]


WORDS = ["I", "want", "not", "a", "table", "for", "two", "tomorrow", "um", "please", "five", "7"]


def caller_script(draws: random.Random, call: Call) -> tuple[list[str], list[str]]:
    """One random turn of one to four segments: the recogniser's final texts, and the texts that reached the framework.

    Interims grow, are misheard, change their marks, are repeated and come as the plugin's own preflights, in
    random silence.
    """
    finals: list[str] = []
    passed: list[str] = []
    for _ in range(draws.randint(1, 4)):
        said = draws.choices(WORDS, k=draws.randint(1, 6))
        for end in range(1, len(said) + 1):
            for _ in range(draws.choice([0, 1, 1, 2, 3])):
                heard = said[:end]
                if draws.random() < 0.15:
                    heard = [*heard[:-1], heard[-1] + "s"]
                text = " ".join(heard) + draws.choice(["", "", ".", "?", ","])
                kind = PREFLIGHT if draws.random() < 0.1 else INTERIM
                given = call.hear(kind, text, quiet_s=draws.choice([0.0, 0.0, 0.05, 0.12, 0.2]))
                assert len(given) == 1
                call.wait(draws.choice([0.0, 0.05, 0.2, 0.5]), quiet=draws.random() < 0.5)
        final = " ".join(said if draws.random() < 0.85 else [*said, draws.choice(WORDS)])
        final = final.capitalize() + draws.choice([".", "?", "", "!"])
        finals.append(final)
        passed += [text for kind, text in call.hear(FINAL, final) if kind == "final"]
        call.framework.speaking = draws.random() < 0.05
    return finals, passed


@pytest.mark.parametrize("seed", range(8))
def test_in_random_turns_nothing_is_lost_begun_twice_or_wrongly_kept(seed: int) -> None:
    """60 turns each, with random limits: every final transcript passes once with its words and in order; no reply is
    begun on the words of the one that stands, none is kept for other words, one is kept wherever the last begun words
    are the turn's; no turn goes over its budget, and the counts are the framework's own."""
    draws = random.Random(seed)
    most_a_turn = draws.choice([1, 2, 3, 9])
    call = Call(most_a_turn=most_a_turn, most_a_minute=draws.choice([5, 20, 1000]))
    if draws.random() < 0.5:
        call.worth = lambda text: len(text) % 3 > 0
    framework = call.framework
    for turn in range(60):
        before = len(framework.begun)
        finals, passed = caller_script(draws, call)
        where = f"seed {seed}, turn {turn}: {finals}"
        assert len(passed) == len(finals), where
        assert all(same_words(*pair) for pair in zip(passed, finals, strict=True)), where
        begun = framework.begun[before:]
        last = framework.standing
        cost = call.commit()
        text, kept = framework.replied[-1]
        assert text == " ".join(passed), where
        assert (cost.begun, cost.kept) == (len(begun), kept), where
        assert len(begun) <= most_a_turn, where
        assert kept == (last is not None and equivalent(last, text)), where
        assert not kept or same_words(begun[-1], " ".join(finals)), where
        framework.speaking = False
    assert [pair for pair in framework.restarted if same_words(*pair)] == []
    counts = call.counts
    assert counts.begun == len(framework.begun) == counts.kept + counts.thrown_away
    assert (counts.turns, counts.kept > 0) == (60, True)


def test_the_framework_begins_and_keeps_replies_in_this_way() -> None:
    """Read from livekit-agents 1.8.9, `AgentActivity`: look at turns/speculation.py and the model if it changed."""
    source = inspect.getsource(agent_activity.AgentActivity)
    for part in (
        'not preemptive_opts["enabled"]',
        "or (self._current_speech is not None and not self._current_speech.interrupted)",
        'self._preemptive_generation_count >= preemptive_opts["max_retries"]',
        "preemptive.info.new_transcript, info.new_transcript",
        "preemptive.info.new_transcript, user_message.raw_text_content",
        "preemptive.chat_ctx.is_equivalent(temp_mutable_chat_ctx)",
    ):
        assert part in source, f"livekit-agents: AgentActivity no longer has {part!r}"
