"""Two experiments on the same calls, one with a known effect and one with none: what does the report find?"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from accounts.experiment_file import read_experiments
from accounts.outcomes import read_outcomes
from accounts.report import build_report
from accounts.report_text import sentence
from accounts.sql.store import SqlStore
from bench.accounts.plan import Turn
from bench.accounts.results import Verdict
from config import load_settings

if TYPE_CHECKING:
    from accounts.outcomes import Outcome
    from accounts.variants import Experiment
    from bench.accounts.plan import Options
    from bench.accounts.worker import Place

EFFECT, NO_EFFECT = "silence", "nothing"
FILE = f"""
{EFFECT}:
  by: call
  variants:
    trimmed: {{weight: 50}}
    untrimmed: {{weight: 50, settings: {{trim_greeting: false}}}}
{NO_EFFECT}:
  by: call
  variants:
    one: {{weight: 50}}
    other: {{weight: 50}}
"""
EFFECTS = {
    EFFECT: "the greeting keeps the 200 ms of silence before it",
    NO_EFFECT: "none: both variants are the same",
}
SHOULD_BE = {EFFECT: "worse", NO_EFFECT: "no difference found"}
FIRST_WORD = "first word"
FOUND = ("better", "worse")


def experiment_turns(options: Options) -> list[Turn]:
    """Calls of known accounts, each by join."""
    chance = Random(f"experiment {options.seed}")
    return [Turn("any", "join", chance.randrange(options.called)) for _ in range(options.experiment_calls)]


async def find_verdicts(files: Place) -> list[Verdict]:
    """What the report says of all calls in the store, the worker's first one among them. Raises `StoreError`."""
    store = SqlStore(files.url)
    try:
        outcomes, _ = await read_outcomes(store)
    finally:
        await store.aclose()
    experiments = read_experiments(files.experiments, load_settings())
    return [judge(each, outcomes) for each in experiments]


def judge(experiment: Experiment, outcomes: list[Outcome]) -> Verdict:
    """The report's words on one experiment, and what they should be."""
    report = build_report(experiment.name, outcomes, experiment)
    first = next(each for each in report.findings if each.measure.title == FIRST_WORD)
    calls = Counter(each.parts[experiment.name].variant for each in outcomes if experiment.name in each.parts)
    others = [each.measure.title for each in report.findings if each is not first and each.verdict in FOUND]
    return Verdict(
        experiment.name,
        EFFECTS[experiment.name],
        {each.name: calls[each.name] for each in experiment.variants},
        first.verdict,
        SHOULD_BE[experiment.name],
        tuple(others),
        tuple(sentence(each, report.unit_name) for each in report.findings),
    )
