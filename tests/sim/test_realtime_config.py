"""What a session may be set to, and that a wrong update changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from sim.realtime_config import Invalid, SessionConfig


def config() -> SessionConfig:
    return SessionConfig("sess_1", "gpt-realtime")


def heard(**turn_detection: Any) -> dict[str, Any]:
    return {"type": "realtime", "audio": {"input": {"turn_detection": turn_detection}}}


def test_only_what_is_named_changes() -> None:
    """Nested settings are merged; a turn detection is taken as a whole, and null takes it away."""
    session = config()
    session.update({"type": "realtime", "audio": {"output": {"voice": "cedar"}}}, has_spoken=False)
    session.update({"type": "realtime", "instructions": "Be brief."}, has_spoken=False)
    assert (session.voice, session.instructions, session.transcribes) == ("cedar", "Be brief.", False)
    session.update(heard(type="server_vad", silence_duration_ms=200, create_response=False), has_spoken=False)
    assert session.turns is not None
    assert (session.turns.silence_ms, session.turns.creates, session.turns.interrupts) == (200, False, True)
    session.update(heard(type="semantic_vad"), has_spoken=False)
    assert session.turns.creates
    session.update({"type": "realtime", "audio": {"input": {"turn_detection": None}}}, has_spoken=False)
    assert session.turns is None


@pytest.mark.parametrize(
    ("change", "param"),
    [
        (None, "session"),
        ({"instructions": "x"}, "session.type"),
        ({"type": "realtime", "temperature": 1}, "session.temperature"),
        ({"type": "realtime", "output_modalities": ["audio", "text"]}, "session.output_modalities"),
        ({"type": "realtime", "tools": [{}]}, "session.tools[0].name"),
        ({"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}}}}, "session.audio.input.format"),
        (heard(type="ears"), "session.audio.input.turn_detection.type"),
        (heard(type="server_vad", threshold=2), "session.audio.input.turn_detection.threshold"),
        (heard(type="semantic_vad", eagerness="very"), "session.audio.input.turn_detection.eagerness"),
    ],
)
def test_what_is_wrong_is_named(change: Any, param: str) -> None:
    """The error has the place of the fault, and the session is as it was."""
    session = config()
    before = session.view
    with pytest.raises(Invalid) as refused:
        session.update(change, has_spoken=False)
    assert refused.value.param == param
    assert refused.value.body("mine")["event_id"] == "mine"
    assert session.view == before


def test_the_voice_stands_once_it_has_been_heard() -> None:
    """The same one may be named again, as clients do with each update."""
    session = config()
    session.update({"type": "realtime", "audio": {"output": {"voice": "marin"}}}, has_spoken=True)
    with pytest.raises(Invalid, match="voice"):
        session.update({"type": "realtime", "audio": {"output": {"voice": "cedar"}}}, has_spoken=True)
