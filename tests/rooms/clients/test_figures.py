"""The counters of a client."""

from __future__ import annotations

from rooms.clients.figures import AVERAGED, Figures


def test_the_average_is_of_all_answers_at_first() -> None:
    """Failures have no time."""
    figures = Figures()
    for ms in (10.0, 20.0):
        figures.answered(ms)
    figures.failed()
    figures.answered(30.0)
    assert (figures.average_ms, figures.last_ms) == (20.0, 30.0)
    assert (figures.requests, figures.failures) == (4, 1)


def test_the_average_forgets() -> None:
    """A server that has become slow is seen."""
    figures = Figures()
    for _ in range(5 * AVERAGED):
        figures.answered(10.0)
    for _ in range(5 * AVERAGED):
        figures.answered(100.0)
    assert figures.average_ms is not None
    assert 99 < figures.average_ms < 100


def test_an_answer_after_failures_is_one_reconnect() -> None:
    """However many failed."""
    figures = Figures()
    for _ in range(3):
        figures.failed()
    for _ in range(2):
        figures.answered(1.0)
    assert figures.reconnects == 1
