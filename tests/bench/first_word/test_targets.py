"""Each target is computed from the samples that its words name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.first_word.results import Row
from bench.first_word.targets import DEV_FIRST, DEV_WARM, targets

if TYPE_CHECKING:
    from bench.target import Target

ROWS = (
    Row("join", "", "join", 1, {"starter": [1000.0] * 4, "firstword": [290.0] * 4, "floor": [70.0] * 4}),
    Row("token", "", "token", 1, {"starter": [600.0] * 4, "firstword": [84.0] * 4, "floor": [70.0] * 4}),
    Row("standby", "", "standby", 1, {"firstword": [77.0] * 3, "floor": [70.0] * 4}, [126.0] * 3),
    Row("join-6", "", "join", 6, {"starter": [3000.0] * 6, "firstword": [600.0] * 6, "floor": [190.0] * 6}),
    Row("standby-6", "", "standby", 6, {"firstword": [380.0] * 6, "floor": [190.0] * 6}),
    Row(DEV_FIRST, "", "token", 1, {"firstword": [240.0] * 3}),
    Row(DEV_WARM, "", "token", 1, {"firstword": [200.0] * 9}),
)


def found() -> dict[str, Target]:
    return {target.what: target for target in targets(ROWS, [4.0, 5.0, 9.0])}


@pytest.mark.parametrize(
    ("words", "p50", "p90", "n", "reached"),
    [
        ("standby: first word over the floor", 1.1, 1.1, 3, True),
        ("dispatched at the token, agent waiting: first word over the floor", 1.2, 1.2, 4, True),
        ("from the click (token request included), standby: over the floor's p50", 1.8, None, 3, False),
        ("dispatch on join: first word over the starter's", 0.29, 0.29, 4, True),
        ("first call after `dev` prints its address: over the warm p50", 1.2, None, 3, True),
        ("six at once, join: first word over the starter's", 0.2, 0.2, 6, True),
        ("six at once, standby: over the floor of six at once", 2.0, 2.0, 6, False),
        ("a further call's memory, PSS MB (not a ratio)", 5.0, None, 3, True),
    ],
)
def test_a_target_is_the_ratio_that_it_names(words: str, p50: float, p90: float | None, n: int, reached: bool) -> None:
    """With the number of samples of the smaller side."""
    target = found()[words]
    assert target.got_p50 == pytest.approx(p50)
    assert target.got_p90 == (None if p90 is None else pytest.approx(p90))
    assert (target.n, target.reached) == (n, reached)


def test_without_samples_nothing_is_reached_or_missed() -> None:
    """All targets are told, none with a figure."""
    empty = targets((), ())
    assert [target.what for target in empty] == list(found())
    assert {(target.got_p50, target.n, target.reached) for target in empty} == {(None, 0, None)}


def test_a_high_p90_misses_the_target() -> None:
    """The median alone is not enough where the p90 is limited too."""
    row = Row("standby", "", "standby", 1, {"firstword": [70.0] * 8 + [200.0] * 2, "floor": [70.0] * 10})
    target = targets((row,), ())[0]
    assert target.got_p50 == 1.0
    assert target.reached is False
