"""Profiles, and what is set by itself put over them."""

from __future__ import annotations

import itertools
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any

import pytest

from turns.profiles import PROFILES, turn_profile

if TYPE_CHECKING:
    from tests.conftest import MakeSettings


@pytest.mark.parametrize("name", PROFILES)
def test_profile_names_the_profile(make_settings: MakeSettings, name: str) -> None:
    """PROFILE alone: exactly that row of the table."""
    assert turn_profile(make_settings(profile=name)) == PROFILES[name]  # pyright: ignore[reportArgumentType]  # each name is a key


def test_from_fast_to_steady_nothing_gets_quicker() -> None:
    """`fast` waits least and `steady` most, in every number: whoever changes a row keeps the order."""
    # Fewer begun replies are the slower ones.
    rows = [
        astuple(replace(profile, speculations_a_turn=-profile.speculations_a_turn))
        for profile in (PROFILES["fast"], PROFILES["production"], PROFILES["steady"])
    ]
    for quick, slow in itertools.pairwise(rows):
        assert all(less <= more for less, more in zip(quick, slow, strict=True))


@pytest.mark.parametrize("name", PROFILES)
def test_each_profile_is_one_that_the_providers_take(name: str) -> None:
    """Soniox refuses an endpoint delay outside 500 to 3000 ms; a turn must be able to end."""
    profile = PROFILES[name]  # pyright: ignore[reportArgumentType]  # each name is a key
    assert 500 <= profile.stt_max_endpoint_delay_ms <= 3000
    assert profile.min_endpointing_delay_s <= profile.max_endpointing_delay_s
    assert 0 < profile.vad_activation_threshold < 1


@pytest.mark.parametrize(
    ("setting", "field", "value"),
    [
        ("min_endpointing_delay", "min_endpointing_delay_s", 0.6),
        ("max_endpointing_delay", "max_endpointing_delay_s", 2.5),
        ("interruption_threshold", "interruption_min_duration_s", 1.1),
        ("stt_max_endpoint_delay_ms", "stt_max_endpoint_delay_ms", 900),
    ],
)
def test_a_setting_goes_over_its_field_alone(
    make_settings: MakeSettings, setting: str, field: str, value: float
) -> None:
    """MIN_ENDPOINTING_DELAY, MAX_ENDPOINTING_DELAY and INTERRUPTION_THRESHOLD; the profile keeps the rest."""
    found: dict[str, Any] = vars(turn_profile(make_settings(profile="production", **{setting: value})))
    assert found == {**vars(PROFILES["production"]), field: value}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"min_endpointing_delay": 2.0}, (2.0, 2.0)),
        ({"max_endpointing_delay": 0.2}, (0.2, 0.2)),
        ({"min_endpointing_delay": 0.2, "max_endpointing_delay": 0.3}, (0.2, 0.3)),
        ({"min_endpointing_delay": 2.0, "max_endpointing_delay": 2.0}, (2.0, 2.0)),
    ],
)
def test_the_delay_that_was_set_wins_over_the_profiles_other_one(
    make_settings: MakeSettings, settings: dict[str, float], expected: tuple[float, float]
) -> None:
    """One alone may cross the profile's other bound (0.3 to 1.5 s): it moves that bound to itself."""
    profile = turn_profile(make_settings(profile="fast", **settings))
    assert (profile.min_endpointing_delay_s, profile.max_endpointing_delay_s) == expected
