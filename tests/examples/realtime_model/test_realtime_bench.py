"""What the benchmark makes of its calls; that it runs is seen by its own command."""

from __future__ import annotations

from rich.console import Console

from bench.measure import CallSample
from examples.realtime_model.bench import WAYS, Samples, order, table


def test_every_way_begins_as_often() -> None:
    """Who is first meets a machine that has rested longer."""
    assert sorted(order(number)[0] for number in range(3)) == sorted(WAYS)
    assert all(sorted(order(number)) == sorted(WAYS) for number in range(3))


def test_the_example_is_compared_with_both_others() -> None:
    """First words with the naive way's, gaps with the pipeline's; a call that failed counts nowhere and is told."""
    samples = Samples()
    samples.calls["plain"] = [CallSample("join", 3000.0), CallSample("join", failed="nobody came")]
    samples.calls["example"] = [CallSample("join", 1000.0, gaps_ms=(1500.0, 1500.0))]
    samples.calls["pipeline"] = [CallSample("join", 1.0, gaps_ms=(750.0,))]
    first_word, gap = samples.comparisons()
    assert first_word.ratios is not None
    assert (first_word.ratios.p50, first_word.starter and first_word.starter.n) == (3.0, 1)
    assert gap.ratios is not None
    assert gap.ratios.p50 == 0.5
    assert samples.failed() == ["plain: nobody came"]
    console = Console(width=120, record=True, quiet=True)
    console.print(table(samples.comparisons()))


def test_what_was_not_measured_is_a_dash() -> None:
    """A run without a call that was completed still tells that."""
    console = Console(width=120)
    with console.capture() as told:
        console.print(table(Samples().comparisons()))
    assert told.get().count(" -") >= 4
