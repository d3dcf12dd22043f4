"""The two experiments: the file holds, and the report is asked the right question."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from accounts.experiment_file import parse_experiments
from accounts.outcomes import Part
from bench.accounts.experiment import EFFECT, FILE, NO_EFFECT, experiment_turns, judge
from bench.accounts.plan import Options
from tests.accounts.trials import Trial

if TYPE_CHECKING:
    from accounts.outcomes import Outcome
    from accounts.variants import Experiment
    from tests.conftest import MakeSettings


def outcomes_of(experiment: Experiment, *, later_ms: float) -> list[Outcome]:
    """Ninety calls, those of the second variant with a first word that comes later."""
    found: list[Outcome] = []
    for number, outcome in enumerate(Trial(90).run(1)):
        variant = experiment.pick(outcome.call_id)
        part = Part(variant.name, outcome.call_id, experiment.definition, forced=False)
        first_ms = 150.0 + number * 17 % 40 + later_ms * (variant is experiment.variants[1])
        measures = replace(outcome.measures, first_word_ms=first_ms, gaps_ms=(800.0,), errors=0, false_interruptions=0)
        found.append(replace(outcome, parts={experiment.name: part}, measures=replace(measures, cut_offs=0)))
    return found


def test_the_file_has_one_with_an_effect_and_one_without(make_settings: MakeSettings) -> None:
    """Both by call and by half; what has no effect changes no setting."""
    settings = make_settings()
    effect, nothing = parse_experiments(FILE, settings, name="experiments.yaml")
    assert (effect.name, nothing.name) == (EFFECT, NO_EFFECT)
    assert effect.changes == {"trim_greeting"}
    assert settings.trim_greeting
    assert nothing.changes == frozenset()


def test_an_effect_is_found_and_none_is_not(make_settings: MakeSettings) -> None:
    """By the report's verdict on the first word, and on nothing else."""
    effect, nothing = parse_experiments(FILE, make_settings(), name="experiments.yaml")
    found = judge(effect, outcomes_of(effect, later_ms=200.0))
    assert (found.first_word, found.others, found.wrong) == ("worse", (), 0)
    assert sum(found.calls.values()) == 90
    assert any("first word: untrimmed is worse by" in line for line in found.sentences)
    assert judge(nothing, outcomes_of(nothing, later_ms=0.0)).wrong == 0


def test_a_missed_effect_and_a_false_one_are_wrong(make_settings: MakeSettings) -> None:
    """The same calls, the other way round."""
    effect, nothing = parse_experiments(FILE, make_settings(), name="experiments.yaml")
    assert judge(effect, outcomes_of(effect, later_ms=0.0)).wrong == 1
    assert judge(nothing, outcomes_of(nothing, later_ms=200.0)).wrong == 1


def test_its_calls_are_of_known_accounts() -> None:
    """Whose greeting is ready in both variants."""
    options = Options(experiment_calls=50)
    turns = experiment_turns(options)
    assert len(turns) == 50
    assert all(turn.account < options.called and turn.arrival == "join" for turn in turns)
