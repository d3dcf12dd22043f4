"""What is asked of LiveKit in which order: everything random comes from the seed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Part = Literal["calls", "restarts"]
SideName = Literal["pool", "shared", "new"]
Kind = Literal["read", "create", "dispatch"]

PARTS: dict[str, Part] = {"calls": "calls", "restarts": "restarts"}
SIDES: tuple[SideName, ...] = ("pool", "shared", "new")
BLOCKS = 10
# Of a hundred requests of a service: most look, some make a room, some send an agent, which must not be sent twice.
WEIGHTS: dict[Kind, int] = {"read": 70, "create": 10, "dispatch": 20}
OUTAGE_S = (0.2, 2.0)
"""From the kill until it is started again; the start itself takes 0.2 s and more."""
QUIET_S = 2.0
"""Load without a disturbance, before each kill."""


@dataclass(frozen=True)
class Options:
    """`calls`: of each side; `at_once`: tasks that call; `rate`: requests a second while LiveKit is restarted."""

    calls: int = 2000
    at_once: int = 50
    restarts: int = 10
    rate: int = 100
    seed: int = 1
    parts: tuple[Part, ...] = tuple(PARTS.values())
    quiet_s: float = QUIET_S

    @property
    def command(self) -> str:
        """The command that does the same again."""
        parts = "" if len(self.parts) == len(PARTS) else f" --parts {','.join(self.parts)}"
        return (
            f"agent.py bench clients{parts} --calls {self.calls} --at-once {self.at_once} "
            f"--restarts {self.restarts} --rate {self.rate} --seed {self.seed}"
        )


def parse_parts(text: str) -> tuple[Part, ...]:
    """Parts from "calls,restarts", each once, or "all". ValueError names what is not one."""
    if text.strip() == "all":
        return tuple(PARTS.values())
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in PARTS]
    if unknown or not names:
        raise ValueError(f"got {', '.join(unknown) or 'nothing'}, allowed: all, {', '.join(PARTS)} with commas between")
    return tuple(PARTS[name] for name in names)


def blocks(options: Options) -> Iterator[tuple[SideName, int]]:
    """Who calls how often: all in turns, each as often the first, the second and the last of a turn."""
    chance = Random(f"calls {options.seed}")
    turn = list(SIDES)
    chance.shuffle(turn)
    for number in range(BLOCKS):
        count = options.calls // BLOCKS + (number < options.calls % BLOCKS)
        if count:
            for side in turn:
                yield side, count
        turn.append(turn.pop(0))


def kinds(options: Options) -> Iterator[Kind]:
    """Without an end."""
    chance = Random(f"restarts {options.seed}")
    while True:
        yield chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]


def outages_s(options: Options) -> list[float]:
    chance = Random(f"outages {options.seed}")
    return [chance.uniform(*OUTAGE_S) for _ in range(options.restarts)]
