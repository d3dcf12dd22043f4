"""A caller whose network is gone for two seconds; the longer cuts are the command's."""

from __future__ import annotations

import pytest

from bench.browser.cuts import measure_cuts
from bench.browser.plan import TRANSPORTS, Options, Transport
from tests.web.page_server import PAGE_STATIC


@pytest.mark.parametrize("way", TRANSPORTS)
async def test_the_call_goes_on(way: Transport) -> None:
    """The agent is heard again, the page has nothing to complain of, and in the end nobody is left in the server."""
    (cut,) = await measure_cuts(Options(transports=(way,), static=PAGE_STATIC), lambda _: None, (2.0,))
    assert cut.failed is None
    assert (cut.state, cut.at_the_end, cut.left) == ("live", "", 0)
    assert cut.back_s is not None
