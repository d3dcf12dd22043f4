"""What can be asked for."""

from __future__ import annotations

import pytest

from bench.quality.plan import NETWORKS, Options, parse_networks


def test_networks_by_name() -> None:
    """All of them, or those that are named, each once."""
    assert parse_networks("all") == tuple(NETWORKS)
    assert parse_networks("delay, loss,delay") == ("delay", "loss")


@pytest.mark.parametrize("text", ["", "los", "loss,,both"])
def test_no_such_network(text: str) -> None:
    """The error names what was given and what is allowed."""
    with pytest.raises(ValueError, match="must be 'all' or of loss, delay, both"):
        parse_networks(text)


@pytest.mark.parametrize("interval_s", [0.5, float("nan"), float("inf")])
def test_an_interval_in_which_nothing_is_measured(interval_s: float) -> None:
    """A second is the least."""
    with pytest.raises(ValueError, match="interval: got"):
        Options(interval_s=interval_s)
