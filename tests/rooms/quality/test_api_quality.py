"""What has changed between two looks at a pool."""

from __future__ import annotations

import pytest

from rooms.clients.figures import State
from rooms.performance.sections import QualityMonitoring
from rooms.quality.api_quality import api_between, connection_score
from tests.rooms.quality.pool_figures import client, pool

THRESHOLDS = QualityMonitoring()


def test_only_what_came_between_counts() -> None:
    """100 requests that failed before do not make the ten of now any worse."""
    quality = api_between(pool(client(100, 900.0, 100)), pool(client(110, 20.0, 101)), THRESHOLDS)
    assert (quality.requests, quality.failures, quality.success_rate) == (10, 1, 0.9)
    assert (quality.latency_ms, quality.grade) == (20.0, "fair")


def test_the_first_look_tells_of_all() -> None:
    """There is no look before it."""
    assert api_between(None, pool(client(4, 10.0)), THRESHOLDS).requests == 4


def test_a_client_that_is_gone_still_counts() -> None:
    """Its requests are among those of the pool; its last answer is not that of another one at its place."""
    before = pool(client(10, 10.0), client(50, 700.0))
    quality = api_between(before, pool(client(12, 30.0), gone=(52, 1)), THRESHOLDS)
    assert (quality.requests, quality.failures, quality.latency_ms) == (4, 1, 30.0)


def test_an_idle_client_tells_nothing_of_now() -> None:
    """An answer from the time of an outage is not the latency of today."""
    before = pool(client(10, 5000.0), client(10, 10.0))
    assert api_between(before, pool(client(11, 20.0), client(10, 5000.0)), THRESHOLDS).latency_ms == 20.0


@pytest.mark.parametrize(
    ("state", "rate"),
    [
        (State.FAILED, 0.0),
        (State.RECONNECTING, 0.0),
        (State.CONNECTED, None),
        (State.CONNECTING, None),
        (State.DISCONNECTED, None),
    ],
)
def test_nothing_asked(state: State, rate: float | None) -> None:
    """Without LiveKit nothing can succeed; else nothing is known, which is no failure."""
    still = pool(client(10, 10.0), state=state)
    quality = api_between(still, still, THRESHOLDS)
    assert (quality.success_rate, quality.score) == (rate, rate)
    assert quality.state == state.value


def test_no_free_client_is_a_failure() -> None:
    """Whoever got no client could not ask."""
    quality = api_between(pool(client(10, 10.0)), pool(client(13, 10.0), refused=1), THRESHOLDS)
    assert (quality.requests, quality.success_rate) == (4, 0.75)


def test_a_client_is_judged_since_it_was_made() -> None:
    """By the share that was answered and the average time; one that was not used is not judged."""
    assert connection_score(client(0, 0.0)) is None
    assert connection_score(client(10, 0.0)) == 1.0
    quick, slow, failing = client(10, 10.0), client(10, 900.0), client(10, 10.0, 2)
    scores = [connection_score(each) or 0.0 for each in (quick, slow, failing)]
    assert scores[0] > max(scores[1:])
    assert min(scores) > 0
    assert connection_score(client(3, 0.0, 3)) == 0.0
