"""What a run of `bench accounts` has found: plain data, which the tables and the JSON file are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.accounts.cached_memory import CachedMemory  # noqa: TC001  # report_file reads the fields' types
from bench.accounts.plan import Arrival, Kind  # noqa: TC001  # report_file reads the fields' types
from bench.first_word.results import Waterfall  # noqa: TC001  # report_file reads the fields' types
from bench.machine import Machine  # noqa: TC001  # report_file reads the fields' types
from bench.target import Target  # noqa: TC001  # report_file reads the fields' types


@dataclass(frozen=True)
class Pair:
    """Two kinds of calls in turns. `ttfw_ms`: connect call -> first audible sample, one value a completed call."""

    title: str
    arrival: Arrival
    ttfw_ms: dict[Kind, list[float]]
    kinds: tuple[Kind, Kind]
    """The one that is compared, and what it is compared with."""


@dataclass(frozen=True)
class Audio:
    """The greetings' sound that one worker keeps, each beside its bound."""

    in_memory: int
    most_in_memory: int
    memory_bytes: int
    disk_bytes: int
    most_disk_bytes: int


@dataclass(frozen=True)
class Synthesis:
    """What the simulated TTS needs for a greeting: to the first byte, and to the last one."""

    first_byte_ms: float
    whole_ms: float
    sound_ms: float


@dataclass(frozen=True)
class Fault:
    """What became of the calls while something was wrong with the store.

    `own`, `default`: calls that were to hear the account's own words, and the service's own. `wrong`: one line for
    each call that heard something else, or in another voice. `counts`: by how much the worker's counters grew, and
    `expected` how far they have to grow at least. `lines`: warnings of the worker about accounts; there is
    to be one for each of the `events`.
    """

    name: str
    title: str
    own: int
    default: int
    wrong: tuple[str, ...]
    counts: dict[str, int]
    expected: dict[str, int]
    lines: int
    events: int

    @property
    def calls(self) -> int:
        return self.own + self.default

    @property
    def miscounted(self) -> int:
        """Of all reasons together, what is missing."""
        return sum(max(least - self.counts.get(reason, 0), 0) for reason, least in self.expected.items())


@dataclass(frozen=True)
class Apart:
    """Calls of different accounts at the same time. Each of the last fields has a line for what was mixed up.

    `requests`: all that the LLM was asked in this run. `voices`: greetings and answers of this run, those of the faults
    too, whose voice was known; `unclear` came in such pieces that nobody could tell.
    """

    calls: int
    requests: int
    voices: int
    unclear: int
    words: tuple[str, ...] = ()
    voice: tuple[str, ...] = ()
    instructions: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    transcript: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What the report says of one experiment, and what it should. `first_word`: its verdict on the first word."""

    experiment: str
    effect: str
    calls: dict[str, int]
    first_word: str
    should_be: str
    others: tuple[str, ...]
    """Measures in which it found something, other than the first word."""
    sentences: tuple[str, ...]

    @property
    def wrong(self) -> int:
        return int(self.first_word != self.should_be) + len(self.others)


@dataclass(frozen=True)
class AccountsReport:
    """Parts that were not measured are empty, or None."""

    command: str
    machine: Machine
    seed: int
    accounts: int
    called: int
    many: tuple[Pair, ...] = ()
    new: tuple[Pair, ...] = ()
    store_ms: float = 0.0
    synthesis: Synthesis | None = None
    waterfalls: tuple[Waterfall, ...] = ()
    memory: CachedMemory | None = None
    audio: Audio | None = None
    faults: tuple[Fault, ...] = ()
    apart: Apart | None = None
    verdicts: tuple[Verdict, ...] = ()
    targets: tuple[Target, ...] = ()
    failed: tuple[str, ...] = field(default=())
    """Calls that were not completed, and parts that were not measured, a line each."""
