"""What a report says of an experiment whose truth is known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from accounts.experiments import Experiments, Known
from accounts.outcomes import Outcomes, read_outcomes
from accounts.report import build_report
from accounts.report_text import notes, sentence, tables
from accounts.sql.store import SqlStore
from accounts.variants import Experiment, Variant
from tests.accounts.calls import call_record
from tests.accounts.trials import Trial

if TYPE_CHECKING:
    from pathlib import Path

    from accounts.outcomes import Outcome
    from accounts.report import Finding, Report
    from tests.conftest import MakeSettings

RESAMPLES = 399
TRIAL = Trial(calls=300, slower=0.3)
EXPERIMENTS = """
openers: {by: call, variants: {on: {weight: 50}, off: {weight: 50, settings: {openers: false}}}}
trim: {by: caller, variants: {on: {weight: 50}, off: {weight: 50, settings: {trim_greeting: false}}}}
"""


def report_of(outcomes: list[Outcome], experiment: Experiment | None = TRIAL.experiment, **options: str) -> Report:
    return build_report("trial", outcomes, experiment, resamples=RESAMPLES, **options)


def finding(report: Report, title: str) -> Finding:
    (found,) = [each for each in report.findings if each.measure.title == title]
    return found


def shown(report: Report, width: int = 80) -> str:
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        for table in tables(report):
            console.print(table)
        for each in report.findings:
            console.print(sentence(each, report.unit_name), markup=False)
        for note in notes(report):
            console.print(note, markup=False)
    return capture.get()


def test_a_known_effect_is_told_in_a_sentence() -> None:
    """The verdict, its size with an interval around the truth, and of how many calls."""
    report = report_of(TRIAL.run(1))
    found = finding(report, "response gap")
    assert found.verdict == "worse"
    assert found.difference is not None
    truth_ms = 800 * 1.05 * 0.3  # the mean of such times is 5 % above their median
    assert found.difference.low < truth_ms < found.difference.high
    low, high, by = (round(each) for each in (found.difference.low, found.difference.high, found.difference.by))
    calls = f"{found.control.calls} and {found.variant.calls} calls"
    assert sentence(found, report.unit_name) == (
        f"response gap: b is worse by {by} ms (95 %: {low} to {high}), {calls}"
    )


def test_from_the_other_side_it_is_better() -> None:
    """The control is the first of the file, or the one that is asked for."""
    report = report_of(TRIAL.run(1), control="b")
    assert (report.control, report.variants) == ("b", ("b", "a"))
    assert finding(report, "response gap").verdict == "better"
    assert "response gap: a is better by" in shown(report, 200)
    with pytest.raises(ValueError, match="got 'c', allowed: a, b"):
        report_of(TRIAL.run(1), control="c")


def test_too_few_calls_are_no_verdict() -> None:
    """It says how many there are, and how many it takes."""
    few = report_of(Trial(calls=40, slower=3.0).run(1))
    assert {each.verdict for each in few.findings} == {"too few calls"}
    first = finding(few, "first word")
    counts = f"a has {first.control.calls} and b has {first.variant.calls}"
    assert sentence(first, few.unit_name) == f"first word: too few calls: {counts}; a verdict needs 30 calls in each"
    by_account = Trial(calls=200, accounts=8)
    report = build_report("trial", by_account.run(1), by_account.experiment)
    assert "a verdict needs 30 calls of 10 accounts in each" in sentence(report.findings[0], report.unit_name)


def test_what_never_happened() -> None:
    """No events with either variant are neither a difference nor too few calls."""
    calm = [replace(each, measures=replace(each.measures, errors=0)) for each in TRIAL.run(1)]
    found = finding(report_of(calm), "errors")
    calls = f"{found.control.calls} and {found.variant.calls} calls"
    assert sentence(found, "calls") == f"errors: none with a and none with b, {calls}"


def test_calls_whose_variant_was_chosen_are_left_out() -> None:
    """Who tries a variant out does not decide about it."""
    calls = TRIAL.run(1)
    chosen = [
        replace(
            each,
            call_id=f"chosen {each.call_id}",
            parts={"trial": replace(each.parts["trial"], variant="b", forced=True)},
            measures=replace(each.measures, gaps_ms=(9000.0,)),
        )
        for each in calls[:100]
    ]
    report, without = report_of(calls + chosen), report_of(calls)
    assert report.forced == 100
    assert replace(report, forced=0) == without
    assert "100 calls had their variant chosen by an override" in shown(report, 200)


def test_calls_of_an_earlier_definition_are_left_out() -> None:
    """Other weights or settings are another experiment under the same name."""
    calls = TRIAL.run(1)
    before = [
        replace(
            each,
            at=each.at - timedelta(days=1),
            parts={"trial": replace(each.parts["trial"], definition="0ld")},
        )
        for each in TRIAL.run(2)[:50]
    ]
    report = report_of(before + calls)
    assert (report.older, report.calls) == (50, 300)
    assert "50 calls were made before the experiment was changed" in shown(report, 200)
    assert report_of(before).calls == 0


def test_an_experiment_that_is_in_no_file_any_more() -> None:
    """Its newest definition counts, and the first by name is the control."""
    report = report_of(TRIAL.run(1), None)
    assert (report.by, report.control, report.calls) == (None, "a", 300)
    assert finding(report, "response gap").verdict == "worse"
    assert "It is in the file no more: a, the first by name, is taken for the control." in shown(report, 200)


def test_a_variant_whose_calls_are_lost_is_suspicious() -> None:
    """Sizes that do not fit the weights are told before any verdict is trusted."""
    calls = TRIAL.run(1)
    lost = [each for number, each in enumerate(calls) if each.parts["trial"].variant == "a" or number % 2]
    assert "do not fit their weights" in shown(report_of(lost), 200)
    assert "do not fit their weights" not in shown(report_of(calls), 200)


def test_three_variants_are_each_compared_with_the_first() -> None:
    """One correction over all of their lines."""
    variants = tuple(Variant(name, weight, {}) for name, weight in (("a", 40.0), ("b", 30.0), ("c", 30.0)))
    experiment = Experiment("trial", "call", variants)
    calls = [
        replace(
            each,
            parts={
                "trial": replace(
                    each.parts["trial"], definition=experiment.definition, variant=experiment.pick(each.call_id).name
                )
            },
        )
        for each in Trial(calls=400).run(1)
    ]
    report = report_of(calls, experiment)
    assert [each.variant.variant for each in report.findings[:2]] == ["b", "c"]
    assert len(report.findings) == 14
    p_values = [(each.difference.p, each.corrected_p or 0.0) for each in report.findings if each.difference]
    assert len(p_values) == 12
    assert all(alone <= among <= 1.0 for alone, among in p_values)


def test_an_interval_beside_zero_may_be_chance() -> None:
    """Among several lines; the sentence says so, where the interval alone would say otherwise."""
    found = finding(report_of(TRIAL.run(1)), "slow replies")
    assert found.verdict == "no difference found"
    assert found.difference is not None
    assert found.difference.low > 0
    assert "which may be chance among so many lines" in sentence(found, "calls")


def test_it_fits_eighty_columns() -> None:
    """Figures stay whole: nothing is cut, no line is longer."""
    text = shown(report_of(TRIAL.run(1)))
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_plain_data() -> None:
    """What a program reads has each figure of the table."""
    report = report_of(TRIAL.run(1))
    found = json.loads(json.dumps(report.as_dict()))
    assert (found["version"], found["experiment"], found["control"], found["calls"]) == (1, "trial", "a", 300)
    gap = next(each for each in found["findings"] if each["measure"] == "response gap")
    assert gap["unit"] == "ms"
    assert gap["verdict"] == "worse"
    assert gap["difference"]["low"] < gap["difference"]["by"] < gap["difference"]["high"]
    assert gap["variant"]["figures"].keys() == {"n", "p50", "p90", "p99"}
    assert gap["corrected_p"] < 0.05


async def test_from_the_draw_to_the_verdict(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Two experiments on the same calls, through the database: the one that does something is found, and no other."""
    file, settings = tmp_path / "experiments.yaml", make_settings()
    file.write_text(EXPERIMENTS)
    experiments = Experiments(file, settings)
    database = SqlStore(f"sqlite:///{tmp_path / 'outcomes.db'}")
    await database.ready()
    outcomes = Outcomes(database, pause_s=0.01)
    for number, call in enumerate(Trial(calls=300).run(5)):
        known = Known(call.call_id, caller=f"+4930{number % 120:06}")
        assigned = experiments.assign(settings, known, {})
        scale = 1.0 if assigned.settings.openers else 1.25
        gaps_ms = [each * scale for each in call.measures.gaps_ms]
        outcomes.ended(
            call_record(call.call_id, assigned.labels, gaps_ms=gaps_ms, at_s=call.at.timestamp()), experiments
        )
    await outcomes.aclose()
    found, unreadable = await read_outcomes(database)
    await database.aclose()
    assert (len(found), unreadable) == (300, 0)
    reports = {each.name: build_report(each.name, found, each, resamples=RESAMPLES) for each in experiments.running}
    assert finding(reports["openers"], "response gap").verdict == "worse"
    assert {each.verdict for each in reports["trim"].findings} == {"no difference found"}
    assert reports["trim"].findings[0].control.units < 70
