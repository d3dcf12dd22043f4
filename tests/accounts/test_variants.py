"""Who gets which variant."""

from __future__ import annotations

from collections import Counter

from accounts.variants import CALL_SETTINGS, DISPATCH_SETTINGS, Experiment, Variant, pseudonym
from config import Settings

UNITS = [f"AJ_{number}" for number in range(6000)]


def experiment(name: str = "openers", **weights: float) -> Experiment:
    return Experiment(name, "call", tuple(Variant(each, weight, {}) for each, weight in weights.items()))


def test_the_settings_of_a_call_are_settings() -> None:
    """Each of them is a field; what belongs to the worker is not among them."""
    assert set(CALL_SETTINGS) <= set(Settings.model_fields)
    assert set(DISPATCH_SETTINGS) <= set(CALL_SETTINGS)
    worker = {"pool_size", "freeze_garbage", "isolation", "workers", "standby_rooms", "dispatch_at", "lazy_imports"}
    assert worker.isdisjoint(CALL_SETTINGS)


def test_a_unit_keeps_its_variant() -> None:
    """Asked again, on another machine or after a restart, it is the same one."""
    again = {unit: experiment(on=50, off=50).pick(unit).name for unit in UNITS}
    assert {unit: experiment(on=50, off=50).pick(unit).name for unit in UNITS} == again
    assert [again[f"AJ_{number}"] for number in range(8)] == ["on", "off", "on", "on", "off", "off", "off", "on"]


def test_variants_get_their_weights() -> None:
    """Shares are those of the file, within what chance does (5 standard deviations)."""
    counts = Counter(experiment(a=60, b=30, c=10, d=0).pick(unit).name for unit in UNITS)
    for name, share in (("a", 0.6), ("b", 0.3), ("c", 0.1)):
        assert abs(counts[name] / len(UNITS) - share) < 5 * (share * (1 - share) / len(UNITS)) ** 0.5
    assert counts["d"] == 0


def test_of_two_variants_only_those_move_that_have_to() -> None:
    """From 50 to 60 percent a tenth of all units moves, all in one direction."""
    before, after = experiment(on=50, off=50), experiment(on=60, off=40)
    moves = Counter((before.pick(unit).name, after.pick(unit).name) for unit in UNITS)
    assert moves["on", "off"] == 0
    assert 0.08 < moves["off", "on"] / len(UNITS) < 0.12


def test_a_new_variant_takes_from_all_and_moves_nobody_else() -> None:
    """Whatever its place in the file is."""
    before, after = experiment(a=60, b=40), experiment(new=50, b=20, a=30)
    moves = Counter((before.pick(unit).name, after.pick(unit).name) for unit in UNITS)
    assert moves["a", "b"] == moves["b", "a"] == 0
    assert moves["a", "new"] > 0
    assert moves["b", "new"] > 0


def test_experiments_are_independent() -> None:
    """Who is in a variant of one experiment has the usual chance in another."""
    one, other = experiment("one", on=50, off=50), experiment("other", on=50, off=50)
    both = Counter((one.pick(unit).name, other.pick(unit).name) for unit in UNITS)
    assert all(abs(count / len(UNITS) - 0.25) < 0.03 for count in both.values())


def test_a_definition_changes_with_what_makes_calls_incomparable() -> None:
    """Weights, settings and whose variant it is count; the kill switch does not."""
    first = Experiment("x", "call", (Variant("on", 50, {}), Variant("off", 50, {"openers": False})))
    others = (
        Experiment("x", "account", first.variants),
        Experiment("x", "call", (Variant("on", 40, {}), Variant("off", 60, {"openers": False}))),
        Experiment("x", "call", (Variant("on", 50, {}), Variant("off", 50, {"openers": True}))),
    )
    assert len({each.definition for each in (first, *others)}) == 4
    assert Experiment("x", "call", first.variants, enabled=False).definition == first.definition


def test_a_pseudonym_does_not_hold_the_number() -> None:
    """Short enough that several numbers of the world share it, and the same each time."""
    assert pseudonym("+493012345678") == pseudonym("+493012345678") != pseudonym("+493012345679")
    assert len(pseudonym("+493012345678")) == 8
