"""What the folder `rooms` does in a service's calls reaches it; a fault of performance.yaml is told in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from livekit.agents import Agent

from cli.with_rooms import with_rooms
from rooms.channel import agent_end
from rooms.quality.service_watch import Observers
from service import Service

SERVICE = Service(agent=lambda: Agent(instructions="Answer."), greeting="Hello.")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_file_reaches_the_watch_of_each_call() -> None:
    """Its sections of quality and sound; without a file the defaults."""
    assert isinstance(with_rooms(SERVICE).observers, Observers)
    Path("performance.yaml").write_text(
        "quality_monitoring: {interval_s: 3}\naudio_optimization: {jitter_buffer_ms: 300}\nworkers: 2\n"
    )
    observers = with_rooms(SERVICE).observers
    assert isinstance(observers, Observers)
    assert (observers.settings.interval_s, observers.audio.jitter_buffer_ms) == (3, 300)


def test_who_wants_no_watch_has_none() -> None:
    """What the caller writes is answered all the same."""
    Path("performance.yaml").write_text("quality_monitoring: {enabled: false}\n")
    assert isinstance(with_rooms(SERVICE).observers, agent_end.Observers)


def test_each_fault_is_a_line() -> None:
    """Named, with what was found and what is allowed."""
    Path("performance.yaml").write_text("quality_monitoring: {interval_s: 0, fair: 2}\n")
    with pytest.raises(ValueError, match="interval_s") as caught:
        with_rooms(SERVICE)
    first, second = str(caught.value).splitlines()
    assert first.startswith("performance.yaml: quality_monitoring.interval_s: got 0, allowed:")
    assert second.startswith("performance.yaml: quality_monitoring.fair: got 2, allowed:")
