"""Some calls in one page; 500 are `agent.py bench browser --parts leaks`."""

from __future__ import annotations

import pytest

from bench.browser.leaks import measure_leaks
from bench.browser.plan import TRANSPORTS, Options
from bench.workers import Surroundings
from tests.web.page_server import PAGE_STATIC

pytestmark = pytest.mark.alone  # beside others its calls have not ended in time

CALLS = 7
OF_ONE_CALL = 6
"""Tracks and listeners that the browser lets go of a while after the last call."""


async def test_a_page_lets_go_of_its_calls() -> None:
    """Connections, audio contexts, sockets are as many as before; of tracks and listeners not one a call stays."""
    async with Surroundings("fixed", 1) as place:
        leaks = await measure_leaks(place, Options(leak_calls=CALLS, static=PAGE_STATIC), lambda _: None)
    assert len(leaks) == len(TRANSPORTS)
    for leak in leaks:
        assert leak.failed is None
        assert (leak.opened, leak.left_in_rooms) == (CALLS, 0)
        before, after = leak.before, leak.after
        assert after.peers <= before.peers
        assert after.contexts <= before.contexts
        assert after.sockets <= before.sockets
        assert after.audio_nodes <= before.audio_nodes
        assert after.tracks <= before.tracks + OF_ONE_CALL
        assert after.listeners <= before.listeners + OF_ONE_CALL
