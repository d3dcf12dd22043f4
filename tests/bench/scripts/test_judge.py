"""The judge finds each violation in a call that has it, and none in a call that has not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.scripts.judge import judge_call, shown
from bench.scripts.record import Heard
from tests.bench.scripts.example import asked, call, heard, said
from turns.profiles import PROFILES

if TYPE_CHECKING:
    from bench.scripts.judge import Judgement
    from bench.scripts.record import CallRecord

FAST = PROFILES["fast"]
TIME = "What time is it?"
TABLE = "I would like to cancel my reservation."
OPEN = "I would like to"
HOURS, SUNDAY = "What are your opening hours?", "Are you open on Sunday?"


def judged(record: CallRecord) -> Judgement:
    return judge_call(record, FAST)


def kinds(record: CallRecord) -> list[str]:
    return [violation.kind for violation in judged(record).violations]


def test_a_good_call_has_no_violation() -> None:
    """Two turns, each answered once; a reply that was begun early and not heard does not count."""
    words = (*said(TIME, 0, 1.0), *said("I would like to (0.5) cancel my reservation.", 1, 6.0))
    record = call(
        words,
        (heard(1, 3.0), heard(3, 10.0)),
        (asked(1, 2.3, TIME), asked(2, 7.4, OPEN, f"{TIME} {OPEN}"), asked(3, 9.0, TABLE, f"{TIME} {TABLE}")),
    )
    assert judged(record).violations == ()
    assert judged(record).turns == 2


def test_an_answer_into_a_pause_that_is_bridged_is_found() -> None:
    """With what was said, what was answered, when, and the seed that says it again."""
    record = call(
        said("I would like to (1.2) cancel my reservation.", 0, 1.0),
        (heard(1, 3.0, 0.4), heard(2, 5.5)),
        (asked(1, 2.3, OPEN), asked(2, 4.9, "cancel my reservation.", TABLE)),
    )
    (found,) = judged(record).violations
    assert (found.kind, found.script, found.seed, found.at_s) == ("unfinished", 3, "1/3", 3.0)
    assert found.said == "I would like to (1.20 s) cancel my reservation."
    assert found.answered == f"1: {OPEN}"
    assert "1.6 s is waited" in found.detail


def test_a_comma_that_was_not_recognised_cannot_be_waited_for() -> None:
    """It makes the sentence open: by the words that the agent was given, it was whole. Counted, not blamed."""
    words = said("Could I speak to a person, (1.0) please?", 0, 1.0)
    for recognised, ended in (("Could I speak to a person,", 0), ("Could I speak to a person", 1)):
        whole = asked(2, 8.0, "Could I speak to a person, please?")
        record = call(words, (heard(1, 4.0, 0.3), heard(2, 9.0)), (asked(1, 3.5, recognised), whole))
        assert judged(record).ended_in_pause == ended
        assert ("unfinished" in kinds(record)) == (not ended)


def test_an_answer_without_the_last_word_is_found() -> None:
    """It was begun before the recogniser had shown that one."""
    record = call(said(TIME, 0, 1.0), (heard(1, 3.0),), (asked(1, 2.3, "What time is"),))
    assert "unfinished" in kinds(record)


def test_a_click_is_no_answer() -> None:
    """A reply of which less than a tenth of a second was heard."""
    record = call(
        said("I would like to (1.2) cancel my reservation.", 0, 1.0),
        (heard(1, 3.0, 0.08), heard(2, 5.5)),
        (asked(1, 2.3, OPEN), asked(2, 4.9, TABLE)),
    )
    assert kinds(record) == []


def test_a_longer_pause_than_the_profile_waits_ends_a_turn() -> None:
    """Behind a whole sentence 0.6 s in `fast`, in the zone of the last 0.2 s nobody can know; counted, not blamed."""
    for pause_s, ended in ((0.3, 0), (0.45, 1), (0.9, 1)):
        record = call(
            (*said(f"{HOURS} ({pause_s}) {SUNDAY}", 0, 1.0),),
            (heard(1, 3.0, 0.3), heard(2, 6.5)),
            (asked(1, 2.9, HOURS), asked(2, 5.9, SUNDAY, f"{HOURS} {SUNDAY}")),
        )
        assert judged(record).ended_in_pause == ended
        assert kinds(record) == ([] if ended else ["unfinished"])


def test_the_words_since_the_last_pause_that_ended_the_turn_decide() -> None:
    """What was said before that pause has had its answer."""
    record = call(
        said(f"{HOURS} (0.9) I would like to (1.0) cancel my reservation.", 0, 1.0),
        (heard(1, 3.2, 0.3), heard(2, 5.6, 0.3), heard(3, 9.0)),
        (asked(1, 2.9, HOURS), asked(2, 5.5, OPEN, f"{HOURS} {OPEN}"), asked(3, 8.0, TABLE, f"{HOURS} {TABLE}")),
    )
    assert judged(record).ended_in_pause == 1
    (found,) = [each for each in judged(record).violations if each.kind == "unfinished"]
    assert found.answered == f"2: {OPEN}"


def test_words_that_the_llm_was_never_told_are_lost() -> None:
    """Named one by one."""
    record = call(
        said("I would like to (1.0) cancel my reservation.", 0, 1.0), (heard(1, 5.0),), (asked(1, 4.0, "I would like"),)
    )
    (lost,) = [each for each in judged(record).violations if each.kind == "lost"]
    assert lost.detail.startswith("never told: to cancel my reservation.;")


def test_words_that_the_recogniser_did_not_tell_are_told_apart() -> None:
    """Nobody behind it can have lost them; words of an earlier turn do not count for a later one."""
    words = (*said(TIME, 0, 1.0), *said(TIME, 1, 6.0))
    record = call(words, (heard(1, 3.0),), (asked(1, 2.3, TIME),))
    assert kinds(record) == ["lost"]
    assert kinds(replace(record, recognised=((2.4, TIME),))) == ["not recognised"]


def test_a_turn_without_any_request_is_lost() -> None:
    """Also when another one was answered before."""
    record = call((*said(TIME, 0, 1.0), *said(SUNDAY, 1, 6.0)), (heard(1, 3.0),), (asked(1, 2.3, TIME),))
    assert kinds(record) == ["lost"]


def test_a_turn_that_is_not_heard_answered_is_found() -> None:
    """The LLM was asked, and the caller heard nothing, or nothing but a click."""
    requests = (asked(1, 2.3, TIME),)
    assert kinds(call(said(TIME, 0, 1.0), (), requests)) == ["unanswered"]
    assert kinds(call(said(TIME, 0, 1.0), (heard(1, 3.0, 0.05),), requests)) == ["unanswered"]


def test_the_next_answer_may_answer_two_turns() -> None:
    """The caller went on before the first one was heard."""
    record = call(
        (*said(TIME, 0, 1.0), *said(SUNDAY, 1, 3.5)),
        (heard(2, 6.0),),
        (asked(1, 2.3, TIME), asked(2, 5.2, f"{TIME} {SUNDAY}")),
    )
    assert kinds(record) == []


def test_two_answers_to_the_same_words_are_found() -> None:
    """The second one's request does not know of the first one's sound."""
    record = call(said(TIME, 0, 1.0), (heard(1, 3.0), heard(2, 5.0)), (asked(1, 2.3, TIME), asked(2, 2.6, TIME)))
    (found,) = judged(record).violations
    assert (found.kind, found.at_s, found.answered) == ("twice", 5.0, f"2: {TIME}")


def test_an_answer_that_the_caller_broke_off_may_come_anew() -> None:
    """With the words that followed; heard to its end it may not."""
    words = (*said(TIME, 0, 1.0), *said(SUNDAY, 1, 3.2))
    requests = (asked(1, 2.3, TIME), asked(2, 5.2, f"{TIME} {SUNDAY}"))
    assert kinds(call(words, (heard(1, 2.95, 0.5), heard(2, 6.0)), requests)) == []
    later = (*said(TIME, 0, 1.0), *said(SUNDAY, 1, 5.2))
    whole = (asked(1, 2.3, TIME), asked(2, 7.0, f"{TIME} {SUNDAY}"))
    assert kinds(call(later, (heard(1, 2.95), heard(2, 8.0)), whole)) == ["twice"]


def test_words_that_nobody_said_are_found() -> None:
    """Once for a call, since the history keeps them; words that were said twice may be there twice."""
    doubled = call(said(TIME, 0, 1.0), (heard(1, 3.0),), (asked(1, 2.3, f"{TIME} {TIME}"),))
    assert kinds(doubled) == ["wrong words"]
    said_twice = (*said(TIME, 0, 1.0), *said(TIME, 1, 5.0))
    requests = (asked(1, 2.3, TIME), asked(2, 6.4, TIME, f"{TIME} {TIME}"))
    assert kinds(call(said_twice, (heard(1, 3.0), heard(2, 7.0)), requests)) == []


def test_a_listeners_words_want_no_answer() -> None:
    """Told to the LLM or not; an answer to them alone is no violation either."""
    words = (*said(TIME, 0, 1.0), *said("Yeah.", None, 3.5), *said(SUNDAY, 1, 6.0))
    for told in (f"{TIME} Yeah. {SUNDAY}", f"{TIME} {SUNDAY}"):
        requests = (asked(1, 2.3, TIME), asked(2, 7.3, told.removeprefix(TIME), told))
        assert kinds(call(words, (heard(1, 3.0), heard(2, 8.0)), requests)) == []
    alone = (asked(1, 2.3, TIME), asked(2, 4.2, "Yeah.", f"{TIME} Yeah."), asked(3, 7.3, SUNDAY, f"{TIME} {SUNDAY}"))
    assert kinds(call(words, (heard(1, 3.0), heard(2, 4.6, 0.5), heard(3, 8.0)), alone)) == []


def test_a_reply_that_was_broken_off_before_its_number_is_known_by_its_words() -> None:
    """The newest one that begins like that; without one its sound is counted."""
    record = call(said(TIME, 0, 1.0), (Heard(None, "Sure.", ((3.0, 3.4),)),), (asked(1, 2.3, TIME),))
    assert kinds(record) == []
    unknown = judged(replace(record, heard=(Heard(None, "Sorry.", ((3.0, 3.4),)),)))
    assert unknown.strange_sounds == 1
    assert [each.kind for each in unknown.violations] == ["unanswered"]


def test_a_reply_into_the_middle_of_the_callers_words_is_counted() -> None:
    """Not one that begins with them: nobody can stop that soon."""
    words = (*said(HOURS, 0, 1.0), *said("Are you open on Sunday? (0.1) Or not at all?", 1, 4.0))
    requests = (asked(1, 2.9, HOURS), asked(2, 7.0, words[-1].text, f"{HOURS} Are you open on Sunday? Or not at all?"))
    for begin_s, count in ((4.2, 0), (5.0, 1)):
        assert judged(call(words, (heard(1, begin_s, 0.4), heard(2, 8.0)), requests)).talked_over == count


def test_pauses_are_shown_in_seconds() -> None:
    """Those that a listener would notice."""
    assert shown(said("Can I (0.1) book (0.65) a table", 0, 2.0)) == "Can I book (0.65 s) a table"
