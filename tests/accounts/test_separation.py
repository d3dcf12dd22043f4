"""Nobody hears another's words: many calls on one loop, on a store with delays, errors and changes."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest
from livekit.agents import Agent, function_tool

import accounts.cache
import accounts.manager
import accounts.refresh
from accounts.manager import AccountManager
from accounts.store import Key, StoreError
from tests.accounts.jobs import ended, job
from tests.accounts.memory_store import MemoryStore
from tests.accounts.store_promises import account, phone
from tests.accounts.test_briefing import tools_of

if TYPE_CHECKING:
    from accounts.record import Account
    from config import Settings
    from service import Brief
    from tests.conftest import MakeSettings

ACCOUNTS, CALLS, CALLERS = 14, 240, 24
DEFAULT = "The service's own words."
NUMBERS = [phone(number) for number in range(ACCOUNTS * 2)]


@function_tool
async def everybody() -> str:
    """A tool that each account allows."""
    return ""


class Tooled(Agent):
    """It has a tool for each account, and one for all."""

    def __init__(self) -> None:
        tools = [
            function_tool(nothing, name=f"tool_of_a{number}", description="Its own.") for number in range(ACCOUNTS)
        ]
        super().__init__(instructions=DEFAULT, tools=[*tools, everybody])


async def nothing() -> str:
    return ""


def version(number: int, edition: int, numbers: list[str], **fields: Any) -> Account:
    """Every word of it says whose it is, and from which edition."""
    mark = f"a{number} edition {edition}"
    return account(
        f"a{number}",
        instructions=f"You are {mark}.",
        greeting=f"Hello from {mark}.",
        voice=f"voice-a{number}-{edition}",
        tools=[f"tool_of_a{number}", "everybody"],
        phone_numbers=numbers,
        hosts=[f"a{number}.example.com"],
        **fields,
    )


class World(MemoryStore):
    """A store that is slow, fails and changes by chance; it remembers who ever had a number."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.calm = False
        self.edition = 0
        self.numbers = {number: [NUMBERS[2 * number], NUMBERS[2 * number + 1]] for number in range(ACCOUNTS)}
        self.owners = {each: {f"a{number}"} for number, owned in self.numbers.items() for each in owned}
        super().__init__(*(version(number, 0, owned) for number, owned in self.numbers.items()))

    async def find(self, key: Key) -> Account | None:
        if self.calm:
            return await super().find(key)
        await asyncio.sleep(self.chance.choice((0, 0, 0.001, 0.004)))
        if self.chance.random() < 0.1:
            raise StoreError("by chance")
        found = await super().find(key)
        await asyncio.sleep(self.chance.choice((0, 0.001, 0.003)))
        return found

    async def changes(self, since: int) -> Any:
        if not self.calm and self.chance.random() < 0.2:
            raise StoreError("by chance")
        return await super().changes(since)

    async def happen(self) -> None:
        """One change: new words, a number that moves, an account that goes, comes, is switched off, or breaks."""
        self.edition += 1
        number, other = self.chance.sample(range(ACCOUNTS), 2)
        name = f"a{number}"
        what = self.chance.random()
        if what < 0.15:
            await self.delete(name)
            return
        self.broken.discard(name)
        if what < 0.3:
            self.broken.add(name)
        elif what < 0.5 and self.numbers[other]:
            moved = self.numbers[other].pop()
            self.numbers[number].append(moved)
            self.owners[moved].add(name)
            if f"a{other}" in self.accounts:
                self.write(version(other, self.edition, self.numbers[other]))
        self.write(version(number, self.edition, self.numbers[number], enabled=what < 0.9))


def whose(brief: Brief) -> str | None:
    """The account whose the brief is, in every part of it; None: the service's. Fails if it is not of one piece."""
    said = str(brief.agent.instructions)
    assert brief.settings is not None
    if said == DEFAULT:
        assert brief.greeting == "Hello."
        assert brief.labels == {}
        assert not brief.settings.tts_voice.startswith("voice-")
        return None
    name, _, edition = said.removeprefix("You are ").removesuffix(".").split(" ")
    assert brief.greeting == f"Hello from {name} edition {edition}."
    assert brief.settings.tts_voice == f"voice-{name}-{edition}"
    assert tools_of(brief.agent) == {f"tool_of_{name}", "everybody"}
    assert brief.labels == {"account": name}
    return name


def allowed(world: World, metadata: dict[str, str]) -> set[str | None]:
    """Who may answer: the account of that id or host, one that has or had the number, or the service."""
    if "number" in metadata:
        return {None, *world.owners[metadata["number"]]}
    return {None, metadata.get("account") or metadata["host"].partition(".")[0]}


def some_key(chance: random.Random) -> dict[str, str]:
    name = f"a{chance.randrange(ACCOUNTS)}"
    keys = ({"account": name}, {"host": f"{name}.example.com"}, {"number": chance.choice(NUMBERS)})
    return chance.choice(keys)


async def prepare(_settings: Settings, _greeting: str) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(6))
async def test_no_account_has_another_ones_words(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Each brief is of one piece and of an account that its key names; when all is calm, of the newest edition."""
    monkeypatch.setattr(accounts.refresh, "LOOK_INTERVAL_S", 0.003)
    monkeypatch.setattr(accounts.cache, "RETRY_S", 0.01)
    monkeypatch.setattr(accounts.cache, "ABSENT_S", 0.01)
    monkeypatch.setattr(accounts.manager, "STORE_LIMIT_S", 0.02)
    chance = random.Random(seed)
    world = World(chance)
    settings = make_settings(accounts_cache_size=ACCOUNTS - 4, accounts_preload=5, accounts_ttl=1.0)
    manager = AccountManager(Tooled, "Hello.", store=lambda _: world)
    await manager.open(settings, prepare)
    agents: set[int] = set()
    kept: list[Agent] = []

    async def one_call(metadata: dict[str, str]) -> str | None:
        context = job(metadata)
        choice = manager.choose(context, settings)
        await asyncio.sleep(chance.choice((0, 0.001)))
        brief = await manager.find(context, choice)
        kept.append(brief.agent)
        agents.add(id(brief.agent))
        name = whose(brief)
        assert name in allowed(world, metadata), (metadata, name)
        manager.ended(ended(context))
        return name

    async def caller() -> None:
        for _ in range(CALLS // CALLERS):
            await one_call(some_key(chance))
            if chance.random() < 0.4:
                await world.happen()

    try:
        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        counts = manager.counts
        assert len(agents) == CALLS
        assert counts["found"] > CALLS / 10
        assert counts["store_failed"] + counts["store_slow"] + counts["unknown"] > 0
        assert counts["refreshed"] > 0

        world.calm = True
        for number in range(ACCOUNTS):
            await until_newest(manager, settings, world, number)
    finally:
        await manager.aclose()


async def until_newest(manager: AccountManager, settings: Settings, world: World, number: int) -> None:
    """The account's calls come to be answered as its record says now; those of one that is none, by the service."""
    now = world.accounts.get(f"a{number}")
    usable = now is not None and now.enabled and now.id not in world.broken
    async with asyncio.timeout(20):
        while True:
            context = job({"account": f"a{number}"})
            said = (await manager.find(context, manager.choose(context, settings))).greeting
            # One that breaks stays as it was, if it was there.
            if (now is not None and now.id in world.broken) or said == (now.greeting if usable and now else "Hello."):
                return
            await asyncio.sleep(0.003)
