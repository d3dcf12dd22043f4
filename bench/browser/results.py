"""What a run of `bench browser` found. Plain data; times in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

from bench.browser.plan import Transport, Way  # noqa: TC001  # a file is read back by these types
from bench.machine import Machine  # noqa: TC001  # and by these
from bench.target import Target  # noqa: TC001  # and by these


@dataclass(frozen=True)
class Click:
    """One call. `sound_ms`: the click's own time stamp (of the floor: its connect call) to the first audible sample.

    `input_ms`: what of that was over before the page heard of the click; `answer_ms`: the request that opens the call,
    a token or an SDP answer, to its response. `is_fresh`: the first call of a browser that was just started.
    """

    way: Way
    sound_ms: float = 0.0
    input_ms: float = 0.0
    answer_ms: float | None = None
    is_fresh: bool = False
    failed: str | None = None


@dataclass(frozen=True)
class Talk:
    """One call with turns. `said`: the recordings' words, which the simulator tells; `shown`: the page's transcript.

    `gaps_ms`: the last audible sample of the microphone to the first one of the reply, on the page's audio clock.
    `told_gaps_ms`: what the page itself says, empty where it says nothing.
    """

    way: Transport
    said: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    replies: tuple[str, ...] = ()
    gaps_ms: tuple[float, ...] = ()
    told_gaps_ms: tuple[float, ...] = ()
    failed: str | None = None

    @property
    def is_same(self) -> bool:
        """Whether the page shows what the simulator heard."""
        return self.failed is None and self.said == self.shown


@dataclass(frozen=True)
class Round:
    """Chirps by one way, `delays_ms` from the microphone's sample to the same sample in the agent's track.

    `lost`: chirps that did not come back. `jitter_ms`: how long the page's jitter buffer held a sample, on average.
    """

    name: str
    delays_ms: tuple[float, ...] = ()
    lost: int = 0
    jitter_ms: float | None = None
    rtt_ms: float | None = None
    packets_sent: int = 0
    failed: str | None = None


@dataclass(frozen=True)
class Held:
    """What one page holds after a forced garbage collection. `listeners`, `nodes`: the browser's own counters.

    The other counts are the objects of a class that the collector left, closed or not.
    """

    heap_kb: float
    nodes: int
    listeners: int
    peers: int
    tracks: int
    contexts: int
    sockets: int
    audio_nodes: int


@dataclass(frozen=True)
class Leaks:
    """`opened`: calls in one page, of which `heard` brought sound. `before`: after the first few of them.

    `halfway`: what grows for ever has grown there by half of what it has in the end.
    """

    way: Transport
    opened: int
    heard: int
    before: Held
    after: Held
    left_in_rooms: int
    failed: str | None = None
    halfway: Held | None = None


@dataclass(frozen=True)
class Cut:
    """A call whose network was gone for `cut_s`. `back_s`: from its return to sound; None: the call was over.

    `meanwhile`, `at_the_end`: what the page told its caller. `left`: callers whom the server still had afterwards.
    """

    way: Transport
    cut_s: float
    back_s: float | None = None
    state: str = ""
    meanwhile: str = ""
    at_the_end: str = ""
    left: int = 0
    failed: str | None = None

    @property
    def wrong(self) -> str | None:
        """Why it is no success; None: the call went on, or ended with words, and nobody is left."""
        if self.failed or self.left:
            return self.failed or f"{self.left} callers left in the server"
        return None if self.back_s is not None or self.at_the_end else f"the call is {self.state}, without a word"


@dataclass(frozen=True)
class Load:
    """Calls from one browser at once. `cpu_cores`: of the browser with its children, while they were on."""

    way: Transport
    asked: int
    heard: int
    sounds_ms: tuple[float, ...]
    cpu_cores: float
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class BrowserReport:
    command: str
    machine: Machine
    seed: int
    browser: str = ""
    clicks: tuple[Click, ...] = ()
    talks: tuple[Talk, ...] = ()
    rounds: tuple[Round, ...] = ()
    leaks: tuple[Leaks, ...] = ()
    loads: tuple[Load, ...] = ()
    cuts: tuple[Cut, ...] = ()
    targets: tuple[Target, ...] = ()
    lost: tuple[str, ...] = ()
    """Parts that could not be measured, and why."""

    @property
    def failures(self) -> list[str]:
        """What did not work at all; a target that was missed is none."""
        found = [f"{each.way}: {each.failed}" for each in self.clicks if each.failed]
        for talk in self.talks:
            if talk.failed:
                found.append(f"{talk.way}, turns: {talk.failed}")
            elif not talk.is_same:
                found.append(
                    f"{talk.way}, turns: the page shows {list(talk.shown)}, the simulator heard {list(talk.said)}"
                )
        found += [f"echo, {each.name}: {each.failed}" for each in self.rounds if each.failed]
        found += [f"{each.way}, leaks: {each.failed}" for each in self.leaks if each.failed]
        found += [f"{each.way}, cut of {each.cut_s:g} s: {each.wrong}" for each in self.cuts if each.wrong]
        found += [f"{each.way}, load: {line}" for each in self.loads for line in each.failures]
        return [*found, *self.lost]
