"""From a call's key to its brief: who answers, what the log says, what is counted."""

from __future__ import annotations

import asyncio
import pickle
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

import accounts.manager
import accounts.office
import accounts.refresh
from account_lookup import LIMIT_S
from accounts.address import open_store
from accounts.experiment_file import ExperimentsError
from accounts.manager import STORE_LIMIT_S, AccountManager
from accounts.outcomes import read_outcomes
from accounts.sql.store import SqlStore
from accounts.store import StoreError
from accounts.tally import REASONS
from tests.accounts.jobs import ended, job
from tests.accounts.memory_store import MemoryStore
from tests.accounts.store_promises import account, phone
from tests.accounts.test_briefing import Desk, tools_of
from tests.accounts.test_cache import at_once

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from livekit.agents import JobContext

    from config import Settings
    from service import Brief
    from tests.conftest import MakeSettings

GREETING = "Hello, this is the service's desk."
REASONS_OF_A_CALL = ("found", "unnamed", "unknown", "disabled", "broken", "store_failed", "store_slow", "over_limit")


class Voice:
    """What is asked to have greetings ready."""

    def __init__(self) -> None:
        self.spoken: list[tuple[str, str]] = []
        self.at_once = 0
        self.most_at_once = 0
        self.fails_for = ""
        self.gate = asyncio.Event()
        self.gate.set()

    async def prepare(self, settings: Settings, greeting: str) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            await self.gate.wait()
            if self.fails_for and self.fails_for in greeting:
                raise OSError("https://user:secret@voice")
            self.spoken.append((settings.tts_voice, greeting))
        finally:
            self.at_once -= 1


@asynccontextmanager
async def opened(store: MemoryStore, settings: Settings, voice: Voice | None = None) -> AsyncGenerator[AccountManager]:
    manager = AccountManager(Desk, GREETING, store=lambda _: store)
    await manager.open(settings, (voice or Voice()).prepare)
    try:
        yield manager
    finally:
        store.gate.set()
        await manager.aclose()


async def called(manager: AccountManager, context: JobContext, settings: Settings) -> Brief:
    """One call, as the orchestrator has it."""
    return await manager.find(context, manager.choose(context, settings))


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record) | {"event": record.getMessage()} for record in caplog.records if record.levelname == "WARNING"]


# ---- who answers --------------------------------------------------------------------------------------------


async def test_a_call_is_answered_as_its_account_says(make_settings: MakeSettings) -> None:
    """Words, voice, tools, limits and the name under which it is counted."""
    harbour = account(voice="v2", tools=["book"], profile="fast", max_call_s=60.0, instructions="You are the harbour.")
    async with opened(MemoryStore(harbour), settings := make_settings()) as manager:
        brief = await called(manager, job({"account": "harbour"}), settings)

    assert brief.settings is not None
    assert (brief.greeting, brief.agent.instructions, brief.max_call_s) == (
        "Hello there.",
        "You are the harbour.",
        60.0,
    )
    assert (brief.settings.tts_voice, brief.settings.profile) == ("v2", "fast")
    assert tools_of(brief.agent) == {"book"}
    assert brief.labels == {"account": "harbour"}
    assert not brief.hangs_up


@pytest.mark.parametrize(
    "metadata",
    [{"account": "harbour"}, {"number": "+49 30 1000001"}, {"host": "harbour.example.com"}],
    ids=["id", "number", "host"],
)
async def test_a_cached_account_costs_no_pause(make_settings: MakeSettings, metadata: dict[str, str]) -> None:
    """By any of its names, with the store away, `find` gives the brief without waiting for anything."""
    store = MemoryStore(account(phone_numbers=["+49301000001"], hosts=["harbour.example.com"]))
    async with opened(store, settings := make_settings()) as manager:
        store.gate.clear()
        context = job(metadata)
        brief = at_once(manager.find(context, manager.choose(context, settings)))
        assert brief.labels == {"account": "harbour"}
        assert store.asked == []


async def test_the_more_trusted_name_wins(make_settings: MakeSettings) -> None:
    """The job's metadata before the room's; a name that nobody has leaves it to the next one."""
    store = MemoryStore(account(), account("garden"))
    async with opened(store, settings := make_settings()) as manager:
        both = await called(manager, job({"account": "harbour"}, room={"account": "garden"}), settings)
        second = await called(manager, job({"account": "nobody"}, room={"account": "garden"}), settings)
    assert (both.labels["account"], second.labels["account"]) == ("harbour", "garden")


async def test_where_no_account_is_nobody_waits_for_the_caller(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that names nobody is answered at once while the store is empty, and not when there is an account."""
    monkeypatch.setattr(accounts.refresh, "LOOK_INTERVAL_S", 0.005)
    store = MemoryStore()
    async with opened(store, settings := make_settings()) as manager:
        context = job()
        assert at_once(manager.find(context, manager.choose(context, settings))).greeting == GREETING
        store.write(account(phone_numbers=[phone(1)]))

        async def until_one_waits() -> None:
            while True:
                await called(manager, job(), settings)
                await asyncio.sleep(0.005)

        with pytest.raises(AttributeError):  # it would join the room, and this job has none
            await asyncio.wait_for(until_one_waits(), 10)


async def test_reading_begins_at_dispatch(make_settings: MakeSettings) -> None:
    """`choose` has the account read, so that `find`, which comes later, finds it."""
    store = MemoryStore(account())
    async with opened(store, settings := make_settings(accounts_preload=0)) as manager:
        context = job({"account": "harbour"})
        choice = manager.choose(context, settings)
        while manager.counts["prepared"] == 0:
            await asyncio.sleep(0)
        assert at_once(manager.find(context, choice)).labels == {"account": "harbour"}
        assert len(store.asked) == 1


# ---- what goes wrong ----------------------------------------------------------------------------------------


async def _slow(store: MemoryStore) -> None:
    store.gate.clear()


async def _away(store: MemoryStore) -> None:
    store.fails = StoreError("sqlite:///accounts.db: disk I/O error")


async def _broken(store: MemoryStore) -> None:
    store.broken.add("harbour")


async def _disabled(store: MemoryStore) -> None:
    store.write(account(enabled=False))


async def _unknown(store: MemoryStore) -> None:
    store.accounts.clear()


@pytest.mark.parametrize(
    ("trouble", "reason", "detail"),
    [
        (_unknown, "unknown", ""),
        (_disabled, "disabled", ""),
        (_broken, "broken", "greeting: got '', allowed: a text that is not empty"),
        (_away, "store_failed", "disk I/O error"),
        (_slow, "store_slow", "no answer within 0.05 s"),
    ],
)
async def test_whatever_goes_wrong_the_service_itself_answers(
    make_settings: MakeSettings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trouble: Any,
    reason: str,
    detail: str,
) -> None:
    """With its own words, one line that says why and for which key, and one count."""
    if reason == "store_slow":
        monkeypatch.setattr(accounts.manager, "STORE_LIMIT_S", 0.05)
    store = MemoryStore(account(voice="v2"))
    async with opened(store, settings := make_settings(accounts_preload=0)) as manager:
        await trouble(store)
        context = job({"account": "harbour"})
        brief = await called(manager, context, settings)
        manager.ended(ended(context, brief.labels))
        counts = {name: manager.counts[name] for name in REASONS_OF_A_CALL if manager.counts[name]}
        told = [line for line in lines(caplog) if line["event"] == "the service's own words answer"]

    assert (brief.greeting, brief.agent.instructions) == (GREETING, "You are the service's own.")
    assert tools_of(brief.agent) == tools_of(Desk())
    assert brief.settings == settings
    assert brief.labels == {}
    assert counts == {reason: 1}
    assert [(line["reason"], line["key"]) for line in told] == [(reason, "id harbour")]
    assert detail in told[0]["detail"]


def test_who_waits_for_the_store_waits_less_than_the_call() -> None:
    """Else the call gives up first, and cannot say why."""
    assert STORE_LIMIT_S < LIMIT_S


async def test_what_a_slow_store_gives_is_there_for_the_next_call(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call that waited too long is answered by the service; the read goes on behind it."""
    monkeypatch.setattr(accounts.manager, "STORE_LIMIT_S", 0.02)
    store = MemoryStore(account())
    async with opened(store, settings := make_settings(accounts_preload=0)) as manager:
        store.gate.clear()
        assert (await called(manager, job({"account": "harbour"}), settings)).labels == {}
        store.gate.set()
        while manager.counts["prepared"] == 0:
            await asyncio.sleep(0)
        assert (await called(manager, job({"account": "harbour"}), settings)).labels == {"account": "harbour"}
        assert len(store.asked) == 1


async def test_a_call_that_is_given_up_is_counted(make_settings: MakeSettings) -> None:
    """Whoever asked ended it: the job, or the call's own limit."""
    store = MemoryStore(account())
    async with opened(store, settings := make_settings(accounts_preload=0)) as manager:
        store.gate.clear()
        asking = asyncio.create_task(called(manager, job({"account": "harbour"}), settings))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert manager.counts["gave_up"] == 1


async def test_a_manager_that_is_not_open_says_so(make_settings: MakeSettings) -> None:
    """The call then goes on with the service's own brief; closing it is allowed."""
    manager = AccountManager(Desk, GREETING)
    with pytest.raises(RuntimeError, match="not open"):
        manager.choose(job(), make_settings())
    await manager.aclose()


async def test_what_cannot_be_used_is_said_at_start(make_settings: MakeSettings, tmp_path: Path) -> None:
    """A URL that names no store, and experiments with a mistake in them; nothing is left open."""
    manager = AccountManager(Desk, GREETING)
    with pytest.raises(ValueError, match="allowed: sqlite:///"):
        await manager.open(make_settings(accounts_url="mysql://user:secret@host/db"), Voice().prepare)

    (tmp_path / "experiments.yaml").write_text("openers: {by: chance}")
    store = MemoryStore()
    manager = AccountManager(Desk, GREETING, store=lambda _: store)
    with pytest.raises(ExperimentsError, match="by"):
        await manager.open(make_settings(), Voice().prepare)
    assert store.closed


# ---- lines --------------------------------------------------------------------------------------------------


async def test_over_its_limit_an_account_says_so_and_hangs_up(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """In its own voice, which has the sentence ready; a call that ends makes room for one."""
    voice = Voice()
    store = MemoryStore(account(max_calls=1, voice="v2"), account("garden", max_calls=1))
    async with opened(store, settings := make_settings(), voice) as manager:
        jobs = [job({"account": "harbour"}) for _ in range(3)]
        first, second = [await called(manager, each, settings) for each in jobs[:2]]
        other = await called(manager, garden := job({"account": "garden"}), settings)
        manager.ended(ended(jobs[1]))  # a refused call gives nothing back
        third = await called(manager, jobs[2], settings)
        manager.ended(ended(jobs[0]))
        fourth = await called(manager, last := job({"account": "harbour"}), settings)
        for each in (garden, last):
            manager.ended(ended(each))

    assert [each.hangs_up for each in (first, second, other, third, fourth)] == [False, True, False, True, False]
    assert second.greeting == "All lines are busy. Please call again later."
    assert second.settings is not None
    assert second.settings.tts_voice == "v2"
    assert second.labels == {"account": "harbour"}
    assert ("v2", second.greeting) in voice.spoken
    assert manager.counts["over_limit"] == 2
    assert [line["event"] for line in lines(caplog)] == ["the account has no line left"] * 2


# ---- the start, and changes ---------------------------------------------------------------------------------


async def test_the_common_accounts_are_ready_at_start(make_settings: MakeSettings) -> None:
    """Those that were used most, 8 at once; each greeting's opening in the account's voice, and of no disabled one."""
    voice = Voice()
    many = [account(f"a{number}", greeting=f"Hello from {number}. Hi {{name}}!", voice="v2") for number in range(30)]
    store = MemoryStore(*many, account("off", enabled=False))
    store.calls.update({f"a{number}": 1 for number in range(10, 30)})
    async with opened(store, make_settings(accounts_preload=20), voice) as manager:
        assert sorted(voice.spoken) == sorted(("v2", f"Hello from {number}.") for number in range(10, 30))
        assert 1 < voice.most_at_once <= 8
        assert manager.counts["prepared"] == 20


async def test_a_greeting_that_cannot_be_spoken_keeps_no_worker_from_its_calls(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted and named, without the voice's address; the others are ready."""
    voice = Voice()
    voice.fails_for = "harbour"
    store = MemoryStore(account(greeting="This is the harbour."), account("garden"))
    async with opened(store, settings := make_settings(), voice) as manager:
        assert (manager.counts["prepared"], manager.counts["prepare_failed"]) == (1, 1)
        assert [(line["account"], line["reason"]) for line in lines(caplog)] == [("harbour", "OSError")]
        assert (await called(manager, job({"account": "harbour"}), settings)).greeting == "This is the harbour."


async def test_a_worker_does_not_wait_for_ever(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After its limit it takes calls, and what was begun goes on."""
    monkeypatch.setattr(accounts.office, "READY_LIMIT_S", 0.05)
    voice = Voice()
    voice.gate.clear()
    async with opened(MemoryStore(account()), make_settings(), voice) as manager:
        assert [line["event"] for line in lines(caplog)] == ["accounts get ready behind the first calls"]
        voice.gate.set()
        while manager.counts["prepared"] == 0:
            await asyncio.sleep(0)


async def test_a_store_that_is_away_at_start_is_asked_again(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when it is found away, not one each time; the common accounts are read when it is back."""
    monkeypatch.setattr(accounts.refresh, "LOOK_INTERVAL_S", 0.005)
    store, voice = MemoryStore(account()), Voice()
    store.fails = StoreError("connection refused")
    async with opened(store, make_settings(), voice) as manager:
        assert voice.spoken == []
        await asyncio.sleep(0.1)
        store.fails = None
        while manager.counts["prepared"] == 0:
            await asyncio.sleep(0.005)
        assert store.asked == []
    assert [(line["event"].partition(":")[0], line["reason"]) for line in lines(caplog)] == [
        ("the accounts' store is away", "connection refused")
    ]


async def test_a_change_is_spoken_before_the_next_call(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New words or another voice: the store is asked for news, and nobody calls meanwhile."""
    monkeypatch.setattr(accounts.refresh, "LOOK_INTERVAL_S", 0.005)
    store, voice = MemoryStore(account(), account("garden")), Voice()
    async with opened(store, settings := make_settings(), voice) as manager:
        own = settings.tts_voice
        for changed in (account(greeting="Good morning."), account(greeting="Good morning.", voice="v2")):
            count = manager.counts["prepared"]
            store.write(changed)
            while manager.counts["prepared"] == count:
                await asyncio.sleep(0.005)
        assert [each for each in voice.spoken if each != (own, "Hello there.")] == [
            (own, "Good morning."),
            ("v2", "Good morning."),
        ]
        assert (await called(manager, job({"account": "harbour"}), settings)).greeting == "Good morning."


async def test_the_store_learns_who_is_called(make_settings: MakeSettings) -> None:
    """At the latest when the worker ends; calls that the service itself answered are nobody's."""
    store = MemoryStore(account(), account("garden"))
    async with opened(store, settings := make_settings()) as manager:
        for name in ("harbour", "harbour", "garden", "nobody"):
            await called(manager, job({"account": name}), settings)
    assert store.calls == {"harbour": 2, "garden": 1}
    assert store.closed


# ---- experiments --------------------------------------------------------------------------------------------

VOICES = """
voices:
  by: account
  variants:
    own: {weight: 50}
    deep: {weight: 50, settings: {tts_voice: deep}}
"""


async def test_a_call_has_its_variant(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Its settings and its label agree; the record's word and the metadata's count; an own voice stays."""
    (tmp_path / "experiments.yaml").write_text(VOICES)
    voice = Voice()
    many = [account(f"a{number}") for number in range(20)]
    store = MemoryStore(*many, account(variants={"voices": "deep"}), account("garden", voice="v2"))
    async with opened(store, settings := make_settings(), voice) as manager:
        briefs = [await called(manager, job({"account": each.id}), settings) for each in many]
        recorded = await called(manager, job({"account": "harbour"}), settings)
        asked = await called(manager, job({"account": "harbour", "variants": {"voices": "own"}}), settings)
        garden = await called(manager, job({"account": "garden"}), settings)
        nobody = await called(manager, job({"account": "nobody", "variants": {"voices": "deep"}}), settings)

    voices = {"own": settings.tts_voice, "deep": "deep"}
    for brief in (*briefs, recorded, asked, nobody):
        assert brief.settings is not None
        assert brief.settings.tts_voice == voices[brief.labels["voices"]]
    assert {brief.labels["voices"] for brief in briefs} == {"own", "deep"}
    assert [brief.labels["voices"] for brief in (recorded, asked, nobody)] == ["deep", "own", "deep"]
    assert garden.labels == {"account": "garden"}
    assert garden.settings is not None
    assert garden.settings.tts_voice == "v2"
    assert {("deep", "Hello there."), (settings.tts_voice, "Hello there."), ("v2", "Hello there.")} == set(voice.spoken)


async def test_what_a_call_gave_is_kept(make_settings: MakeSettings, tmp_path: Path) -> None:
    """In the accounts' database, of calls that were in an experiment."""
    (tmp_path / "experiments.yaml").write_text(VOICES)
    store = MemoryStore(account())
    settings = make_settings(accounts_url=f"sqlite:///{tmp_path / 'kept.db'}")
    database = SqlStore(f"sqlite:///{tmp_path / 'kept.db'}")
    await database.ready()  # the last write has a limit, and a busy machine takes longer for the tables
    async with opened(store, settings) as manager:
        context = job({"account": "harbour"})
        brief = await called(manager, context, settings)
        manager.ended(ended(context, brief.labels))
        manager.ended(ended(job()))

    found, unreadable = await read_outcomes(database)
    await database.aclose()
    assert [(each.call_id, each.account, each.parts["voices"].variant) for each in found] == [
        (context.job.id, "harbour", brief.labels["voices"])
    ]
    assert unreadable == 0


# ---- places -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["sqlite:///{}/accounts.db", "folder:{}/accounts"])
async def test_it_works_on_a_real_store(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    """Preloaded, found by number, changed by another process, unknown: on the store that ACCOUNTS_URL names."""
    monkeypatch.setattr(accounts.refresh, "LOOK_INTERVAL_S", 0.02)
    (tmp_path / "accounts").mkdir()
    url = place.format(tmp_path)
    settings = make_settings(accounts_url=url)
    manager = AccountManager(Desk, GREETING)
    store = open_store(url)
    await store.put([account(phone_numbers=[phone(1)])])
    voice = Voice()
    await manager.open(settings, voice.prepare)
    try:
        assert (await called(manager, job({"number": phone(1)}), settings)).greeting == "Hello there."
        assert manager.counts["cached"] == 1
        await store.put([account(phone_numbers=[phone(2)], greeting="Good morning.")])
        while (settings.tts_voice, "Good morning.") not in voice.spoken:
            await asyncio.sleep(0.02)
        assert (await called(manager, job({"number": phone(2)}), settings)).greeting == "Good morning."
        assert (await called(manager, job({"number": phone(1)}), settings)).greeting == GREETING
    finally:
        await manager.aclose()
        await store.aclose()


async def test_it_crosses_a_process_border(make_settings: MakeSettings) -> None:
    """Pickled before it is opened or after, it comes out closed, with nothing counted."""
    settings = make_settings()
    manager = AccountManager(Desk, GREETING, store=empty_store)
    await manager.open(settings, Voice().prepare)
    try:
        await called(manager, job({"account": "harbour"}), settings)
        copy: AccountManager = pickle.loads(pickle.dumps(manager))
    finally:
        await manager.aclose()
    assert copy.counts == dict.fromkeys(REASONS, 0)
    await copy.open(settings, Voice().prepare)
    try:
        assert (await called(copy, job({"account": "harbour"}), settings)).greeting == GREETING
    finally:
        await copy.aclose()


def empty_store(_: Settings) -> MemoryStore:
    return MemoryStore()
