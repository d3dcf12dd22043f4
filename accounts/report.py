"""What an experiment's calls say: figures of each variant, and a plain verdict for each measure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from accounts.measures import MEASURES
from accounts.statistics import (
    RESAMPLES,
    Group,
    chance_of_sizes,
    corrected,
    difference,
    verdict,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.measures import Measure
    from accounts.outcomes import Outcome
    from accounts.statistics import Difference, Verdict
    from accounts.variants import Experiment

JSON_VERSION = 1
UNITS = {"call": "calls", "caller": "callers", "account": "accounts"}


@dataclass(frozen=True)
class Times:
    """All times of a variant in one measure, in ms."""

    n: int
    p50: float
    p90: float
    p99: float


@dataclass(frozen=True)
class Rate:
    """`events` in all calls of a variant; `rate` in the measure's unit."""

    events: float
    rate: float


@dataclass(frozen=True)
class Side:
    """A variant in one measure: calls that gave a value, and the callers or accounts that they are of."""

    variant: str
    calls: int
    units: int
    figures: Times | Rate | None


@dataclass(frozen=True)
class Finding:
    """A variant beside the control in one measure. `difference` is None if there is nothing to compute it from."""

    measure: Measure
    control: Side
    variant: Side
    verdict: Verdict
    difference: Difference | None
    corrected_p: float | None = None


@dataclass(frozen=True)
class Report:
    """One experiment. `by` is None for one that is in no file any more: its control is then the first by name.

    `forced` calls had their variant chosen by somebody, `older` ones were made before the experiment was changed:
    neither can be compared, and neither is in any figure. `alone`: calls of an unknown caller or account, each of
    which stands for itself. `sizes_chance`: how likely the sizes of the variants are by their weights.
    """

    experiment: str
    by: str | None
    control: str
    variants: tuple[str, ...]
    findings: tuple[Finding, ...]
    calls: int
    forced: int
    older: int
    alone: int
    sizes_chance: float

    @property
    def unit_name(self) -> str:
        return UNITS.get(self.by or "", "callers or accounts")

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON. `version` changes when a field does."""
        findings = [
            asdict(replace(each, measure=None)) | {"measure": each.measure.title, "unit": each.measure.unit}
            for each in self.findings
        ]
        return {"version": JSON_VERSION, **asdict(replace(self, findings=())), "findings": findings}


def build_report(
    name: str,
    outcomes: Sequence[Outcome],
    experiment: Experiment | None,
    *,
    control: str | None = None,
    resamples: int = RESAMPLES,
) -> Report:
    """`experiment` as its file says now, None if it is not in there: then at least one call has to be of it.

    Raises ValueError for a `control` that is no variant.
    """
    ours = [each for each in outcomes if name in each.parts]
    if experiment is None:
        definition = max(ours, key=lambda each: each.at).parts[name].definition
    else:
        definition = experiment.definition
    present = [each for each in ours if each.parts[name].definition == definition]
    chosen = [each for each in present if not each.parts[name].forced]
    variants = _variants(chosen, name, experiment, control)
    by_variant = {each: [call for call in chosen if call.parts[name].variant == each] for each in variants}
    alone = sum(each.parts[name].unit == each.call_id for each in chosen)
    by = None if experiment is None else experiment.by
    return Report(
        experiment=name,
        by=by,
        control=variants[0],
        variants=tuple(variants),
        findings=tuple(_findings(name, by_variant, resamples)),
        calls=len(chosen),
        forced=len(present) - len(chosen),
        older=len(ours) - len(present),
        alone=0 if by == "call" else alone,
        sizes_chance=1.0 if experiment is None else _sizes_chance(by_variant, experiment),
    )


def _variants(chosen: Sequence[Outcome], name: str, experiment: Experiment | None, control: str | None) -> list[str]:
    if experiment is None:
        variants = sorted({each.parts[name].variant for each in chosen}) or ["-"]
    else:
        variants = [each.name for each in experiment.variants]
    if control is not None:
        if control not in variants:
            raise ValueError(f"got {control!r}, allowed: {', '.join(variants)}")
        variants.sort(key=lambda each: each != control)
    return variants


def _findings(name: str, by_variant: dict[str, list[Outcome]], resamples: int) -> list[Finding]:
    found: list[Finding] = []
    for measure in MEASURES:
        groups = {variant: _group(measure, name, calls) for variant, calls in by_variant.items()}
        sides = {variant: _side(measure, variant, group) for variant, group in groups.items()}
        control, *others = by_variant
        for other in others:
            compared = difference(groups[control], groups[other], resamples=resamples)
            enough = groups[control].enough and groups[other].enough
            outcome = "no difference found" if enough else "too few calls"
            found.append(Finding(measure, sides[control], sides[other], outcome, compared))
    compared = [(each, each.difference) for each in found if each.difference is not None]
    right = corrected([difference.p for _, difference in compared])
    judged = {
        id(each): replace(each, verdict=verdict(difference, p), corrected_p=p)
        for (each, difference), p in zip(compared, right, strict=True)
    }
    return [judged.get(id(each), each) for each in found]


def _group(measure: Measure, name: str, calls: Sequence[Outcome]) -> Group:
    """The calls that have a value in it, their units numbered."""
    numbers: dict[str, int] = {}
    values: list[float] = []
    per: list[float] = []
    units: list[int] = []
    counted = 0
    for call in calls:
        added = _values(measure, call)
        if added:
            counted += 1
            unit = numbers.setdefault(call.parts[name].unit, len(numbers))
            values += [value for value, _ in added]
            per += [divisor for _, divisor in added]
            units += [unit] * len(added)
    rates = None if measure.rate is None else np.asarray(per, np.float64)
    return Group(np.asarray(values, np.float64), np.asarray(units, np.int64), counted, rates)


def _values(measure: Measure, call: Outcome) -> list[tuple[float, float]]:
    if measure.times is not None:
        return [(time, 1.0) for time in measure.times(call.measures)]
    if measure.rate is None:
        return []
    value, per = measure.rate(call.measures)
    return [(value * measure.scale, per)] if per > 0 else []


def _side(measure: Measure, variant: str, group: Group) -> Side:
    if not len(group.values):
        return Side(variant, group.calls, group.unit_count, None)
    if group.per is not None:
        events = float(group.values.sum()) / measure.scale
        figures = Rate(events, float(group.values.sum() / group.per.sum()))
    else:
        p50, p90, p99 = (float(each) for each in np.quantile(group.values, (0.5, 0.9, 0.99)))
        figures = Times(len(group.values), p50, p90, p99)
    return Side(variant, group.calls, group.unit_count, figures)


def _sizes_chance(by_variant: dict[str, list[Outcome]], experiment: Experiment) -> float:
    units = [len({each.parts[experiment.name].unit for each in by_variant[one.name]}) for one in experiment.variants]
    return chance_of_sizes(units, [variant.weight for variant in experiment.variants])
