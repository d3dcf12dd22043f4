"""The text of a turn as the framework sees it, and that the framework still sees it so."""

from __future__ import annotations

import inspect

from livekit.agents.voice import audio_recognition

from turns.turn_text import TurnText


def test_final_transcripts_come_before_the_open_segment() -> None:
    """With one space between, and none before."""
    text = TurnText()
    assert text.whole("I need") == "I need"
    text.final("I need")
    text.final("a table,")
    assert text.whole("for two") == "I need a table, for two"


def test_a_final_transcript_is_the_preflight_to_the_letter_or_not() -> None:
    """And only until it has come."""
    text = TurnText()
    text.final("Hello.")
    text.preflight("a table")
    assert text.is_preflight("a table")
    assert not text.is_preflight("a table.")
    text.final("a table.")
    assert not text.is_preflight("a table")


def test_a_committed_turn_leaves_what_came_too_late() -> None:
    """A final transcript between the framework's decision and its word belongs to the next turn."""
    text = TurnText()
    for final in ("Hello.", "A table for two", "at seven."):
        text.final(final)
    text.committed("Hello. A table for two")
    assert text.whole("Thanks.") == "at seven. Thanks."
    text.committed("at seven.")
    assert text.whole("Thanks.") == "Thanks."


def test_a_turn_of_other_words_leaves_nothing() -> None:
    """Whoever committed it, what was heard before is not in front of the next turn."""
    text = TurnText()
    text.final("Hello.")
    text.committed("something typed")
    assert text.whole("Thanks.") == "Thanks."


def test_the_framework_puts_the_turn_together_in_this_way() -> None:
    """Read from livekit-agents 1.8.9, `AudioRecognition`: look at turns/turn_text.py if it changed."""
    source = inspect.getsource(audio_recognition.AudioRecognition)
    for part in (
        'self._audio_transcript += f" {transcript}"',
        "self._audio_transcript = self._audio_transcript.lstrip()",
        "transcript_changed = self._audio_transcript != self._audio_preflight_transcript",
        'self._audio_preflight_transcript = (self._audio_transcript + " " + transcript).lstrip()',
        "if self._audio_preflight_transcript and self._audio_interim_transcript:",
    ):
        assert part in source, f"livekit-agents: AudioRecognition no longer has {part!r}"
