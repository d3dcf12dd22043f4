"""Memory of a further call, from what is held with more and more of them."""

from __future__ import annotations

import os
import sys

import pytest

from bench.first_word.call_memory import per_call_mb, pss_mb


def test_each_step_is_divided_by_its_calls() -> None:
    """From 0 to 4 calls 20 MB, from 4 to 8 another 16."""
    assert per_call_mb([(0, 200.0), (4, 220.0), (8, 236.0)]) == (5.0, 4.0)
    assert per_call_mb([(0, 200.0)]) == ()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the PSS")
def test_a_process_that_runs_holds_something() -> None:
    """This one more than a megabyte; one that is gone nothing."""
    assert (pss_mb(os.getpid()) or 0.0) > 1.0
    assert pss_mb(2**22 + 1) == 0.0
