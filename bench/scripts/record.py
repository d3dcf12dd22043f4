"""What one call leaves behind: the caller's words with their times, what was heard, and what each reply answers.

Plain data. Times are seconds since the caller's connect call.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """One word of the caller's, as the recogniser writes it.

    `turn`: number of the turn from 0; None in what the caller says aside, as a listener, and wants no answer to.
    """

    text: str
    begin_s: float
    end_s: float
    turn: int | None


@dataclass(frozen=True)
class Request:
    """What the LLM was asked, for reply `number`: the caller's words since the agent was heard last, and all of them.

    A reply may be begun on words that are not final, and never be heard.
    """

    number: int
    at_s: float
    answered: str
    told: str
    reply: str = ""
    """What it says when it is heard to its end."""
    agent_said: tuple[str, ...] = ()
    """The agent's own messages in it, as the history holds them."""


@dataclass(frozen=True)
class Heard:
    """A reply that the caller heard something of, by the agent's transcript.

    `spans`: its audible pieces, begin and end. `number` None: nobody can tell which one it is.
    """

    number: int | None
    text: str
    spans: tuple[tuple[float, float], ...]

    @property
    def begin_s(self) -> float:
        return self.spans[0][0]

    @property
    def end_s(self) -> float:
        return self.spans[-1][1]

    @property
    def length_s(self) -> float:
        return sum(end - begin for begin, end in self.spans)


@dataclass(frozen=True)
class CallRecord:
    """One script as it went. `busy`: share of the machine's cores that worked meanwhile, from 0 to 1.

    On a machine that is always busy each process is late, and the times of a call say little about the agent.
    """

    script: int
    seed: str
    words: tuple[Word, ...]
    heard: tuple[Heard, ...]
    requests: tuple[Request, ...] = ()
    recognised: tuple[tuple[float, str], ...] = ()
    """The caller's words as the agent's recogniser told them, and when: provisional ones too, each time anew."""
    busy: float = 0.0
