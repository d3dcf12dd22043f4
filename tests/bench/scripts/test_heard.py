"""Sound and transcripts come by different ways, and are put together."""

from __future__ import annotations

from bench.scripts.heard import Transcript, replies

HELLO = Transcript(-2.0, "Hello.", None)
FIRST, SECOND = Transcript(2.9, "Answer 1, yes.", 1), Transcript(6.1, "Answer 2, no.", 2)


def test_each_sound_belongs_to_the_transcript_before_it() -> None:
    """A reply that stood still and went on is one."""
    first, second = replies([(3.0, 3.5), (3.8, 4.2), (6.3, 7.0)], [HELLO, FIRST, SECOND])
    assert (first.number, first.spans) == (1, ((3.0, 3.5), (3.8, 4.2)))
    assert round(first.length_s, 3) == 0.9
    assert (second.number, second.begin_s, second.end_s) == (2, 6.3, 7.0)


def test_a_transcript_may_be_a_little_late() -> None:
    """By the way through the server, and no more."""
    assert [each.number for each in replies([(6.0, 7.0)], [FIRST, SECOND])] == [2]
    assert [each.number for each in replies([(5.5, 7.0)], [FIRST, SECOND])] == [1]


def test_the_greeting_is_no_reply() -> None:
    """Sound from before the talk is left out; what has no transcript has no number."""
    assert replies([(-2.0, -1.0)], [HELLO]) == ()
    (strange,) = replies([(1.0, 2.0)], [FIRST])
    assert (strange.number, strange.text) == (None, "")


def test_a_transcript_without_sound_was_not_heard() -> None:
    """Its reply was taken back in time."""
    assert [each.number for each in replies([(6.3, 7.0)], [FIRST, SECOND])] == [2]
