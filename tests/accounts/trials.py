"""Experiments whose true effect is known: calls as skewed and as alike within an account as real ones are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from accounts.measures import Measures
from accounts.outcomes import Outcome, Part
from accounts.variants import Experiment, Variant

START_S = 1_700_000_000


@dataclass(frozen=True)
class Trial:
    """`accounts` of very different sizes give `calls`; None: each call stands for itself.

    `slower`: by how much the second variant's times are longer than the first's; 0.15 is 15 percent.
    """

    calls: int
    accounts: int | None = None
    slower: float = 0.0

    @property
    def experiment(self) -> Experiment:
        by = "call" if self.accounts is None else "account"
        return Experiment("trial", by, (Variant("a", 50.0, {}), Variant("b", 50.0, {"openers": False})))

    def run(self, seed: int) -> list[Outcome]:
        """Every variant is drawn as a call's is; some first words hang for seconds, whatever the variant."""
        rng = np.random.default_rng(seed)
        experiment, names = self.experiment, self._units(rng, seed)
        own = {name: rng.lognormal(0, 0.15) for name in sorted(set(names))}
        found: list[Outcome] = []
        for number, name in enumerate(names):
            variant = experiment.pick(name).name
            scale = own[name] * (1 + self.slower * (variant == "b"))
            first_word_ms = rng.lognormal(np.log(300), 0.35) * scale + (rng.random() < 0.02) * 4000
            turns = int(rng.geometric(0.25))
            minutes = float(rng.exponential(2.0)) + 0.1
            measures = Measures(
                heard=True,
                first_word_ms=float(first_word_ms),
                gaps_ms=tuple(float(each) for each in rng.lognormal(np.log(800), 0.3, turns) * scale),
                turns=turns,
                minutes=minutes,
                cut_offs=int(rng.binomial(turns, 0.03)),
                false_interruptions=int(rng.poisson(0.1 * minutes * own[name])),
                errors=int(rng.poisson(0.05)),
            )
            part = Part(variant, name, experiment.definition, forced=False)
            at = datetime.fromtimestamp(START_S + number, UTC)
            found.append(Outcome(at, f"AJ_{seed}_{number}", name, {"trial": part}, measures))
        return found

    def _units(self, rng: np.random.Generator, seed: int) -> list[str]:
        if self.accounts is None:
            return [f"AJ_{seed}_{number}" for number in range(self.calls)]
        sizes = rng.lognormal(0, 1.0, self.accounts)
        chosen = rng.choice(self.accounts, self.calls, p=sizes / sizes.sum())
        return [f"account-{seed}-{number}" for number in chosen]
