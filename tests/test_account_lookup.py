"""One call's way to its account: what a lookup may do, and what it cannot break."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest
from livekit.agents import Agent

from account_lookup import AccountLookup
from observe.observer import CallRecord
from observe.timeline import Span, Timeline
from service import Accounts, Brief, Choice, Service

if TYPE_CHECKING:
    from livekit.agents import JobContext

    from config import Settings
    from tests.conftest import MakeSettings

CONTEXT = cast("JobContext", object())
"""These lookups do not look at it."""
OWN = "This is the service."


class Book(Accounts):
    """Answers when it is let."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.asked = asyncio.Event()
        self.chosen: Choice | None = None

    async def find(self, context: JobContext, choice: Choice) -> Brief:
        self.chosen = choice
        self.asked.set()
        await self.may_answer.wait()
        return Brief(agent(), "This is the harbour.")


class Torn(Accounts):
    """Everything about it is broken."""

    def choose(self, context: JobContext, settings: Settings) -> Choice:
        raise KeyError("choose")

    async def find(self, context: JobContext, choice: Choice) -> Brief:
        raise KeyError("find")

    def ended(self, call: CallRecord) -> None:
        raise KeyError("ended")


def agent() -> Agent:
    return Agent(instructions="Answer.")


def lookup(accounts: Accounts | None, settings: Settings) -> AccountLookup:
    return AccountLookup(Service(agent=agent, greeting=OWN, accounts=accounts), CONTEXT, settings)


def span() -> Span:
    return Span("account", 0.0)


async def test_without_accounts_the_service_answers_for_itself(make_settings: MakeSettings) -> None:
    """And nothing has failed."""
    settings, stage = make_settings(), span()
    own = lookup(None, settings)
    assert own.choice == Choice(settings)
    assert (await own.find(stage)).greeting == OWN
    assert stage.failed is None


async def test_nobody_is_hurried_before_the_caller_is_there(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit begins with the caller, not with the dispatch; an answer within it is taken."""
    monkeypatch.setattr("account_lookup.LIMIT_S", 0.05)
    book = Book()
    mine = lookup(book, make_settings())
    found = asyncio.create_task(mine.find(span()))
    await book.asked.wait()
    await asyncio.sleep(0.15)
    assert not found.done()
    book.may_answer.set()
    assert (await found).greeting == "This is the harbour."
    mine.caller_came()


@pytest.mark.parametrize("first", ["the caller", "the lookup"])
async def test_a_caller_does_not_wait_longer_than_the_limit(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """Whichever of the two comes first, the service's own greeting is said when it is over."""
    monkeypatch.setattr("account_lookup.LIMIT_S", 0.05)
    book, stage = Book(), span()
    mine = lookup(book, make_settings())
    if first == "the caller":
        mine.caller_came()
    found = asyncio.create_task(mine.find(stage))
    await book.asked.wait()
    mine.caller_came()
    assert (await found).greeting == OWN
    assert stage.failed == "TimeoutError"


async def test_a_caller_who_never_comes_ends_the_wait(make_settings: MakeSettings) -> None:
    """CALLER_TIMEOUT holds for the lookup, too."""
    stage = span()
    assert (await lookup(Book(), make_settings(caller_timeout=1.0)).find(stage)).greeting == OWN
    assert stage.failed == "TimeoutError"


async def test_a_second_person_in_the_room_does_not_begin_the_limit_anew(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one has been waiting."""
    monkeypatch.setattr("account_lookup.LIMIT_S", 0.2)
    book = Book()
    mine = lookup(book, make_settings())
    found = asyncio.create_task(mine.find(span()))
    await book.asked.wait()
    mine.caller_came()
    began_s = asyncio.get_running_loop().time()
    while not found.done():
        mine.caller_came()
        await asyncio.sleep(0.02)
        assert asyncio.get_running_loop().time() - began_s < 30, "each one who came began it anew"
    assert (await found).greeting == OWN


async def test_whatever_breaks_the_service_answers(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """Choosing, finding and the end: each is a warning, and none of them an error of the call."""
    settings, stage = make_settings(), span()
    torn = lookup(Torn(), settings)
    assert torn.choice.settings is settings
    assert (await torn.find(stage)).greeting == OWN
    await torn.ended(CallRecord("id", "room", Timeline(0.0)))
    assert stage.failed == "KeyError"
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3


@pytest.mark.parametrize(("isolation", "closed"), [("shared", 0), ("process", 1)])
async def test_accounts_end_with_the_call_where_a_process_has_but_one(
    make_settings: MakeSettings, isolation: str, closed: int
) -> None:
    """After they were told of its end: shutdown callbacks of their own would run beside that."""
    told: list[str] = []

    class Told(Book):
        def ended(self, call: CallRecord) -> None:
            told.append("ended")

        async def aclose(self) -> None:
            told.append("closed")

    await lookup(Told(), make_settings(isolation=isolation)).ended(CallRecord("id", "room", Timeline(0.0)))
    assert told == ["ended", *["closed"] * closed]


async def test_the_lookup_is_told_what_was_chosen(make_settings: MakeSettings) -> None:
    """The settings that a variant has changed are those that the account's are put upon."""

    class Choosing(Book):
        def choose(self, context: JobContext, settings: Settings) -> Choice:
            return Choice(settings.model_copy(update={"openers": False}), {"openers": "off"})

    book = Choosing()
    book.may_answer.set()
    mine = lookup(book, make_settings())
    await mine.find(span())
    assert book.chosen is mine.choice
    assert (mine.choice.settings.openers, dict(mine.choice.labels)) == (False, {"openers": "off"})


def test_an_account_needs_no_more_than_its_lookup(make_settings: MakeSettings) -> None:
    """Who writes their own overrides `find` alone."""

    class Mine(Accounts):
        async def find(self, context: JobContext, choice: Choice) -> Brief:
            return Brief(agent(), OWN)

    own: Any = Mine()
    settings = make_settings()
    assert own.choose(CONTEXT, settings) == Choice(settings)
    own.ended(CallRecord("id", "room", Timeline(0.0)))
