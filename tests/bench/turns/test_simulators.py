"""The process of the simulated providers understands what the run's callers say."""

from __future__ import annotations

import sys

import pytest

from bench.turns.simulators import arguments, parse


def test_what_a_run_chose_arrives() -> None:
    """Delays, seed and pauses, as the interpreter is called with them."""
    option, module, *argv = arguments("published", 7, (900, 2200))
    assert (option, module) == ("-m", parse.__module__)
    assert module in sys.modules
    chosen = parse(argv)
    assert (chosen.latency, chosen.seed, chosen.pauses) == ("published", 7, (900, 2200))


def test_a_pause_that_nobody_can_say_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With the option's name, and without one at all."""
    for argv in (["--pauses", "99"], []):
        with pytest.raises(SystemExit):
            parse(argv)
        assert "--pauses" in capsys.readouterr().err
