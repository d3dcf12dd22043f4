"""What `agent.py` hands in: who speaks, the first words, who is called and what listens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from utils.greeting_text import GreetingText, split_greeting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from livekit.agents import Agent, JobContext

    from config import Settings
    from observe.observer import CallObserver, CallRecord


@dataclass(frozen=True)
class Choice:
    """What is decided for one call at its dispatch, before anything is loaded.

    `settings` are the call's own. `labels` are the names under which it is counted: the variant of each experiment.
    """

    settings: Settings
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Brief:
    """Who speaks in one call, and the first words.

    `greeting` may call the caller by name after a whole sentence without it: "This is the desk. Hello {name}!" Raises
    `GreetingTextError` for one that cannot be said. `settings`: the call's own; None: as they were chosen.
    """

    agent: Agent
    greeting: str
    settings: Settings | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """More names under which the call is counted: the account."""
    max_call_s: float | None = None
    """From dispatch; the agent then says goodbye."""
    hangs_up: bool = False
    """The greeting is all that is said: the call is refused."""

    def __post_init__(self) -> None:
        _ = self.words

    @cached_property
    def words(self) -> GreetingText:
        """The greeting as what is said to everybody and what only to this caller."""
        return split_greeting(self.greeting)


Prepare = Callable[["Settings", str], Awaitable[None]]
"""Have the sound of a greeting ready for calls with these settings; raises what keeps it from being made."""


class AccountsUnusable(ValueError):
    """What is set for the accounts cannot be used: a line that names it, what was found and what is allowed."""


class Accounts(ABC):
    """Finds out who is being called. Whatever it raises, the call goes on with the service's own brief."""

    async def open(self, settings: Settings, prepare: Prepare) -> None:  # noqa: B027  # a hook, not a duty
        """Before the worker's first call. Raises `AccountsUnusable`, and the worker does not start."""

    def choose(self, context: JobContext, settings: Settings) -> Choice:
        """At dispatch, at once: what this call does otherwise than the worker's `settings` say."""
        return Choice(settings)

    @abstractmethod
    async def find(self, context: JobContext, choice: Choice) -> Brief:
        """May wait for the caller, if only they can tell whom they call: a limit runs from when they are there."""

    def ended(self, call: CallRecord) -> None:  # noqa: B027  # a hook, not a duty
        """Of each call for which `choose` was asked, at its end."""

    async def aclose(self) -> None:  # noqa: B027  # a hook, not a duty
        """After the worker's last call."""


@dataclass(frozen=True)
class Service:
    """A voice agent: who speaks, the first words (as in `Brief`), who is called and what listens.

    `openers`: first clauses that its replies often begin with, as the LLM writes them ("Of course."). Their sound is
    ready before the first call; others are learned from the replies. `room_settings`: asked at dispatch, before
    anything is chosen, for what the call's room wants otherwise; whatever it raises, the call goes by the settings.

    With ISOLATION=process it crosses a process border: what it holds must be importable by name.
    """

    agent: Callable[[], Agent]
    greeting: str
    accounts: Accounts | None = None
    observers: Callable[[JobContext], Sequence[CallObserver]] | None = None
    openers: Sequence[str] = ()
    room_settings: Callable[[JobContext, Settings], Settings] | None = None

    def __post_init__(self) -> None:
        split_greeting(self.greeting)

    def brief(self, settings: Settings) -> Brief:
        """The brief of a call that no account claims."""
        return Brief(self.agent(), settings.greeting or self.greeting)
