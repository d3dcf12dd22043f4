"""What `agent.py` hands in: who speaks, the first words, who is called and what listens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from utils.greeting_text import GreetingText, split_greeting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from livekit.agents import Agent, JobContext

    from config import Settings
    from observe.observer import CallObserver


@dataclass(frozen=True)
class Brief:
    """Who speaks in one call, and the first words.

    `greeting` may call the caller by name after a whole sentence without it: "This is the desk. Hello {name}!" Raises
    `GreetingTextError` for one that cannot be said.
    """

    agent: Agent
    greeting: str

    def __post_init__(self) -> None:
        _ = self.words

    @cached_property
    def words(self) -> GreetingText:
        """The greeting as what is said to everybody and what only to this caller."""
        return split_greeting(self.greeting)


class Accounts(Protocol):
    """Finds out who is being called. Whatever it raises, the call goes on with the service's own brief."""

    async def find(self, context: JobContext) -> Brief: ...


@dataclass(frozen=True)
class Service:
    """A voice agent: who speaks, the first words (as in `Brief`), who is called and what listens.

    `openers`: first clauses that its replies often begin with, as the LLM writes them ("Of course."). Their sound is
    ready before the first call; others are learned from the replies.

    With ISOLATION=process it crosses a process border: what it holds must be importable by name.
    """

    agent: Callable[[], Agent]
    greeting: str
    accounts: Accounts | None = None
    observers: Callable[[JobContext], Sequence[CallObserver]] | None = None
    openers: Sequence[str] = ()

    def __post_init__(self) -> None:
        split_greeting(self.greeting)

    def brief(self, settings: Settings) -> Brief:
        """The brief of a call that no account claims."""
        return Brief(self.agent(), settings.greeting or self.greeting)
