"""Each side of a step has the settings that its name says."""

from __future__ import annotations

import pytest

from bench.first_word.switches import STANDBY, SWITCHES, Switch, settings, worker_settings
from config import Settings

BY_ID = {switch.id: switch for switch in SWITCHES}


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.id)
def test_both_values_are_settings(switch: Switch) -> None:
    """The name is a field, and both values are in its range."""
    assert switch.name in Settings.model_fields
    for value in (switch.on, switch.off):
        assert getattr(Settings.model_validate({switch.name: value}), switch.name) == value


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.id)
def test_without_and_alone_differ_from_their_side_by_this_setting(switch: Switch) -> None:
    """And by what it cannot do without, which has an optimisation switched on."""
    pairs = (
        (settings(switch, "all"), settings(switch, "without")),
        (settings(switch, "none"), settings(switch, "alone")),
    )
    for (before, after), needs in zip(pairs, ((), switch.needs), strict=True):
        assert {name for name in before if before[name] != after[name]} == {switch.name, *needs}


def test_everything_is_on_but_standby_which_would_hide_the_others() -> None:
    """Only its own step has a standby room."""
    on = {switch.name: switch.on for switch in SWITCHES}
    assert settings(BY_ID["pool"], "all") == on | {STANDBY.name: 0}
    assert settings(STANDBY, "all") == on
    assert settings(STANDBY, "none") == {switch.name: switch.off for switch in SWITCHES}


def test_what_only_the_page_reads_needs_no_other_worker() -> None:
    """The dispatch at the token is the page's affair on both sides."""
    dispatch = BY_ID["dispatch"]
    assert worker_settings(dispatch, "none") == worker_settings(dispatch, "alone")
    assert worker_settings(BY_ID["pool"], "none") != worker_settings(BY_ID["pool"], "alone")


def test_the_setting_is_written_as_in_an_env_file() -> None:
    """As NAME=value that does without it."""
    assert [BY_ID[name].setting for name in ("pool", "trim", "loop", "standby")] == [
        "POOL_SIZE=0",
        "TRIM_GREETING=false",
        "ISOLATION=process",
        "STANDBY_ROOMS=0",
    ]
