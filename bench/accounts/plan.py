"""What is called in which order: everything random comes from the seed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal, get_args

from bench.accounts.house import MOST_ACCOUNTS, account_id

if TYPE_CHECKING:
    from collections.abc import Iterator

Part = Literal["many", "new", "faults", "experiment"]
Arrival = Literal["join", "token"]
Kind = Literal["one", "any", "warm", "new"]
FaultName = Literal["slow", "down", "broken", "changed", "deleted"]

PARTS: dict[str, Part] = {"many": "many", "new": "new", "faults": "faults", "experiment": "experiment"}
ARRIVALS: tuple[Arrival, ...] = ("join", "token")
FAULTS: tuple[FaultName, ...] = get_args(FaultName)
AT_ONCE = 4
MOST_CALLED = 220
"""So many greetings of this length fit into the audio cache on disk."""

# Seconds of a quiet machine with two cores, for the estimate only.
START_S, PREPARE_S = 25.0, 0.15
CALL_S, NEW_CALL_S, EXPERIMENT_CALL_S = 2.2, 2.7, 2.4
FAULT_S, FAULT_CALL_S, APART_S = 5.0, 4.5, 13.0


@dataclass(frozen=True)
class Options:
    """`calls`: of a side and arrival in "many"; `new_calls`: the same in "new"; `fault_calls`: of each fault.

    `apart_calls`: rounds of `at_once` callers, in "faults". `called` of the `accounts` are called and known.
    """

    calls: int = 60
    new_calls: int = 20
    fault_calls: int = 8
    apart_calls: int = 10
    experiment_calls: int = 90
    accounts: int = 1000
    called: int = 200
    seed: int = 1
    parts: tuple[Part, ...] = tuple(PARTS.values())
    faults: tuple[FaultName, ...] = FAULTS
    at_once: int = AT_ONCE
    arrivals: tuple[Arrival, ...] = ARRIVALS

    def __post_init__(self) -> None:
        if not 1 <= self.accounts <= MOST_ACCOUNTS:
            raise ValueError(f"accounts: got {self.accounts}, allowed: 1 to {MOST_ACCOUNTS}")
        if not AT_ONCE <= self.called <= MOST_CALLED:
            raise ValueError(f"called: got {self.called}, allowed: {AT_ONCE} to {MOST_CALLED}")
        if self.called + self.unknown > self.accounts:
            raise ValueError(
                f"called: got {self.called}, allowed: {self.accounts - self.unknown} at most beside the new ones"
            )

    @property
    def unknown(self) -> int:
        """Accounts that must not have been called: each is a stranger once."""
        new = len(self.arrivals) * self.new_calls if "new" in self.parts else 0
        return new + (len(self.faults) * self.fault_calls if "faults" in self.parts else 0)

    @property
    def command(self) -> str:
        """The command that does the same again."""
        parts = "" if len(self.parts) == len(PARTS) else f" --parts {','.join(self.parts)}"
        return (
            f"agent.py bench accounts{parts} --calls {self.calls} --new-calls {self.new_calls} "
            f"--fault-calls {self.fault_calls} --apart-calls {self.apart_calls} "
            f"--experiment-calls {self.experiment_calls} --accounts {self.accounts} --called {self.called} "
            f"--seed {self.seed}"
        )


@dataclass(frozen=True)
class Turn:
    """One call: what it is compared as, how its agent comes, and the account's number."""

    kind: Kind
    arrival: Arrival
    account: int

    @property
    def account_id(self) -> str:
        return account_id(self.account)


def parse_parts(text: str) -> tuple[Part, ...]:
    """Parts from "many,new", each once, or "all". ValueError names what is not one."""
    if text.strip() == "all":
        return tuple(PARTS.values())
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in PARTS]
    if unknown or not names:
        raise ValueError(f"got {', '.join(unknown) or 'nothing'}, allowed: all, {', '.join(PARTS)} with commas between")
    return tuple(PARTS[name] for name in names)


def many_turns(options: Options) -> list[Turn]:
    """Always account 0, and any of the called: in turns, and which comes first is left to chance."""
    chance = Random(f"many {options.seed}")
    return [
        turn
        for _ in range(options.calls)
        for arrival in options.arrivals
        for turn in _shuffled(
            chance, Turn("one", arrival, 0), Turn("any", arrival, chance.randrange(1, options.called))
        )
    ]


def new_turns(options: Options) -> list[Turn]:
    """A stranger, and one whom the worker knows: in turns as well. Each stranger comes once."""
    chance, strangers = Random(f"new {options.seed}"), iter(range(options.called, options.accounts))
    return [
        turn
        for _ in range(options.new_calls)
        for arrival in options.arrivals
        for turn in _shuffled(
            chance,
            Turn("warm", arrival, chance.randrange(options.called)),
            Turn("new", arrival, next(strangers)),
        )
    ]


def strangers(options: Options) -> Iterator[int]:
    """Numbers of accounts for the faults: nobody has called them, and each is given once."""
    first = options.called + (len(options.arrivals) * options.new_calls if "new" in options.parts else 0)
    return iter(range(first, options.accounts))


def together(options: Options) -> list[tuple[int, ...]]:
    """Rounds of known accounts; in each, no two with the same tools."""
    chance = Random(f"apart {options.seed}")
    groups = [range(first, options.called, AT_ONCE) for first in range(AT_ONCE)]
    return [tuple(chance.choice(group) for group in groups[: options.at_once]) for _ in range(options.apart_calls)]


def count_calls(options: Options) -> int:
    calls = {
        "many": 2 * len(options.arrivals) * options.calls,
        "new": 2 * len(options.arrivals) * options.new_calls,
        "faults": len(options.faults) * options.fault_calls + options.at_once * options.apart_calls,
        "experiment": options.experiment_calls,
    }
    return sum(calls[part] for part in options.parts)


def estimate_s(options: Options) -> float:
    """About how long a run takes on a quiet machine."""
    parts = {
        "many": 2 * len(options.arrivals) * options.calls * CALL_S,
        "new": 2 * len(options.arrivals) * options.new_calls * NEW_CALL_S,
        "faults": len(options.faults) * (FAULT_S + options.fault_calls * FAULT_CALL_S) + options.apart_calls * APART_S,
        "experiment": START_S + options.experiment_calls * EXPERIMENT_CALL_S,
    }
    return START_S + options.called * PREPARE_S + sum(parts[part] for part in options.parts)


def _shuffled(chance: Random, *turns: Turn) -> list[Turn]:
    return chance.sample(turns, len(turns))
