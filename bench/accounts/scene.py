"""What the calls of the faults share: the worker, its store from outside, and who is to be heard where."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.accounts.house import DEFAULT_GREETING, account_id
from bench.accounts.visit import FAILURES, told, visit
from bench.accounts.whose_voice import nearest, scores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from accounts.record import Account
    from accounts.sql.store import SqlStore
    from bench.accounts.visit import Said
    from bench.accounts.worker import AccountsWorker, Place
    from bench.workers import Surroundings
    from sim.voice import Voice

OWN, DEFAULT = "its own", "the service's"


@dataclass(frozen=True)
class Call:
    """A caller of `account`, who is to hear its words, or the service's own (`expected` None)."""

    account_id: str
    expected: Account | None


@dataclass
class Scene:
    """`accounts` by number; `strangers`: numbers of those that nobody has called yet."""

    place: Surroundings
    worker: AccountsWorker
    files: Place
    store: SqlStore
    accounts: tuple[Account, ...]
    strangers: Iterator[int]
    default_voice: str
    speaker: Voice
    told: Callable[[], None]
    versions: list[Account] = field(default_factory=list["Account"])
    """Accounts as they were changed to in this run, beside `accounts`."""
    voices: list[str | None] = field(default_factory=list["str | None"])
    """Each voice that was looked at; None: nobody could tell whose it was."""

    def stranger(self) -> Account:
        return self.accounts[next(self.strangers)]

    async def hear(self, calls: Iterable[Call]) -> list[str]:
        """All of them at once; what was wrong, a line for each call that was not as expected, or not at all."""
        found = await asyncio.gather(*(self._hear(call) for call in calls))
        return [line for line in found if line is not None]

    async def problem(self, greeting: Said, call: Call) -> str | None:
        """What is wrong with a greeting; None: words and voice are those that were to be heard."""
        expected = DEFAULT_GREETING if call.expected is None else call.expected.greeting
        if greeting.words != expected:
            return f"{call.account_id}: heard {greeting.words!r}, to be heard: {expected!r}"
        own = None if call.expected is None else call.expected.voice
        voices = {OWN: own or self.default_voice, **self._others(own)}
        line = await self.whose(greeting, expected, voices)
        return line and f"{call.account_id}: {line}"

    async def whose(self, said: Said, words: str, voices: Mapping[str, str]) -> str | None:
        """A line if it sounds like another voice than the one called OWN. What came in pieces tells nothing."""
        found = await scores(said.sound, words, voices, self.speaker)
        heard = nearest(found)
        self.voices.append(heard)
        if heard in (OWN, None):
            return None
        return f"{words!r} was heard in the voice of {heard} ({found[heard]:.2f}, {found[OWN]:.2f})"

    def _others(self, own: str | None) -> dict[str, str]:
        """Some voices that it could be by mistake: the service's, and those of a few accounts."""
        others = {DEFAULT: self.default_voice, **{each.id: each.voice or "" for each in self.accounts[:4]}}
        return {name: voice for name, voice in others.items() if voice != (own or self.default_voice)}

    async def _hear(self, call: Call) -> str | None:
        try:
            async with visit(self.place, self.worker.agent_name, call.account_id) as visited:
                greeting = await visited.greeted()
        except FAILURES as error:
            return f"{call.account_id}: {told(error)}"
        finally:
            self.told()
        return await self.problem(greeting, call)


def known(scene: Scene, numbers: Iterable[int]) -> list[Call]:
    """Callers of accounts that the worker has in memory."""
    return [Call(account_id(number), scene.accounts[number]) for number in numbers]
