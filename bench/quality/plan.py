"""What `bench quality` is asked for, and the networks that it tries."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.lossy_link import Conditions

NETWORKS: dict[str, Conditions] = {
    "loss": Conditions(loss=0.15),
    "delay": Conditions(delay_ms=350),
    "both": Conditions(loss=0.1, delay_ms=200, jitter_ms=150),
}
"""Each way, on the network of both sides: what goes from one to the other meets it twice."""
SHORTEST_S = 1.0


@dataclass(frozen=True)
class Options:
    """`interval_s`: between two looks. Raises ValueError for one in which nothing can be measured."""

    rounds: int = 3
    interval_s: float = 5.0
    networks: tuple[str, ...] = tuple(NETWORKS)
    seed: int = 1

    def __post_init__(self) -> None:
        if not (math.isfinite(self.interval_s) and self.interval_s >= SHORTEST_S):
            raise ValueError(f"interval: got {self.interval_s}, allowed: {SHORTEST_S:g} s or more")


def parse_networks(text: str) -> tuple[str, ...]:
    """Raises ValueError for what is no network."""
    if text == "all":
        return tuple(NETWORKS)
    chosen = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in chosen:
        if name not in NETWORKS:
            raise ValueError(f"got {name!r}, must be 'all' or of {', '.join(NETWORKS)}")
    return chosen
