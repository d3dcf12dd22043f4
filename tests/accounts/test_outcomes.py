"""What calls gave, and its way into the database."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from accounts.experiments import Experiments
from accounts.outcomes import Outcomes, Part, outcome, outcomes_url, read_outcomes, write_outcomes
from accounts.sql.store import SqlStore
from accounts.store import StoreError
from tests.accounts.calls import call_record

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

    from observe.observer import CallRecord
    from tests.accounts.postgres import RealPostgres
    from tests.conftest import MakeSettings

TEXT = """
openers: {by: account, variants: {on: {weight: 50}, off: {weight: 50, settings: {openers: false}}}}
voice: {by: caller, variants: {one: {weight: 50}, two: {weight: 50, settings: {tts_voice: second}}}}
stages: {by: call, variants: {on: {weight: 50}, off: {weight: 50, settings: {parallel_stages: false}}}}
"""


class Switched:
    """A database that can go away."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.away = False
        self.tries = 0

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        async with self._store.reading() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncConnection]:
        self.tries += 1
        if self.away:
            raise StoreError("sqlite:///accounts.db: away")
        async with self._store.writing() as connection:
            yield connection


@pytest.fixture
def experiments(make_settings: MakeSettings, tmp_path: Path) -> Experiments:
    file = tmp_path / "experiments.yaml"
    file.write_text(TEXT)
    return Experiments(file, make_settings())


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Switched]:
    store = SqlStore(f"sqlite:///{tmp_path / 'outcomes.db'}")
    await store.ready()  # a busy machine takes seconds for it, and the last write has its limit
    yield Switched(store)
    await store.aclose()


def a_call(number: int = 1) -> CallRecord:
    return call_record(f"AJ_{number}", {"openers": "on", "account": "harbour"}, at_s=1_700_000_000.0 + number)


async def until_written(outcomes: Outcomes, count: int) -> None:
    async with asyncio.timeout(20):
        while outcomes.written < count:
            await asyncio.sleep(0.01)


def test_each_part_says_whose_variant_it_is(experiments: Experiments) -> None:
    """The account's, the caller's by pseudonym, or the call's own; and whether somebody chose it."""
    labels = {"openers": "on", "voice": "two", "stages": "off", "account": "harbour", "caller": "5c1f0a2b"}
    found = outcome(call_record("AJ_1", {**labels, "forced": "voice,other"}), experiments.running)
    assert found is not None
    definitions = {each.name: each.definition for each in experiments.running}
    assert found.parts == {
        "openers": Part("on", "harbour", definitions["openers"], forced=False),
        "voice": Part("two", "5c1f0a2b", definitions["voice"], forced=True),
        "stages": Part("off", "AJ_1", definitions["stages"], forced=False),
    }
    assert (found.call_id, found.account) == ("AJ_1", "harbour")
    assert found.at == datetime.fromtimestamp(1_700_000_000, UTC)


def test_a_call_of_unknown_account_and_caller_is_its_own_unit(experiments: Experiments) -> None:
    """As it was when its variant was drawn."""
    found = outcome(call_record("AJ_1", {"openers": "on", "voice": "two"}), experiments.running)
    assert found is not None
    assert {part.unit for part in found.parts.values()} == {"AJ_1"}
    assert found.account is None


def test_what_is_in_no_experiment_is_not_kept(experiments: Experiments) -> None:
    """Nor is a call that nobody came to."""
    assert outcome(call_record("AJ_1", {"account": "harbour", "ended": "x"}), experiments.running) is None
    assert outcome(call_record("AJ_1", {"openers": "on"}, joined_ms=None), experiments.running) is None


async def test_a_call_is_found_as_it_was(experiments: Experiments, database: Switched) -> None:
    """Written behind it, read by the report; also by its time."""
    outcomes = Outcomes(database, pause_s=0.01)
    await outcomes.open()
    for number in range(3):
        outcomes.ended(a_call(number), experiments)
    await until_written(outcomes, 3)
    await outcomes.aclose()
    expected = [outcome(a_call(number), experiments.running) for number in range(3)]
    assert await read_outcomes(database) == (expected, 0)
    since = datetime.fromtimestamp(1_700_000_001, UTC)
    assert await read_outcomes(database, since=since) == (expected[1:], 0)


async def test_many_calls_are_one_write(experiments: Experiments, database: Switched) -> None:
    """A batch, and not a transaction a call."""
    outcomes = Outcomes(database, pause_s=0.2)
    await outcomes.open()
    for number in range(50):
        outcomes.ended(a_call(number), experiments)
    await until_written(outcomes, 50)
    await outcomes.aclose()
    assert database.tries == 1


async def test_a_call_counts_once(experiments: Experiments, database: Switched) -> None:
    """A batch whose answer was lost is written again."""
    found = outcome(a_call(), experiments.running)
    assert found is not None
    await write_outcomes(database, [found])
    await write_outcomes(database, [found])
    assert await read_outcomes(database) == ([found], 0)


async def test_while_the_database_is_away_calls_wait(
    experiments: Experiments, database: Switched, caplog: pytest.LogCaptureFixture
) -> None:
    """None is lost, none waits for it, and the log says so once."""
    database.away = True
    outcomes = Outcomes(database, pause_s=0.01)
    await outcomes.open()
    outcomes.ended(a_call(1), experiments)
    async with asyncio.timeout(20):
        while database.tries < 3:
            await asyncio.sleep(0.01)
    outcomes.ended(a_call(2), experiments)
    database.away = False
    await until_written(outcomes, 2)
    await outcomes.aclose()
    assert outcomes.lost == 0
    assert caplog.text.count("waits for the database") == 1
    found, _ = await read_outcomes(database)
    assert [each.call_id for each in found] == ["AJ_1", "AJ_2"]


async def test_what_waits_is_bounded(experiments: Experiments, database: Switched) -> None:
    """The oldest are dropped and counted, whether or not a write is under way."""
    database.away = True
    outcomes = Outcomes(database, most_waiting=5, pause_s=0.01)
    for number in range(4):
        outcomes.ended(a_call(number), experiments)
    await outcomes.open()
    async with asyncio.timeout(20):
        while database.tries < 2:
            await asyncio.sleep(0.01)
    for number in range(4, 12):
        outcomes.ended(a_call(number), experiments)
    assert outcomes.lost == 7
    database.away = False
    await outcomes.aclose()
    found, _ = await read_outcomes(database)
    assert [each.call_id for each in found] == [f"AJ_{number}" for number in range(7, 12)]


async def test_what_waits_at_the_end_is_written(experiments: Experiments, database: Switched) -> None:
    """A worker that stops loses nothing; closing twice is allowed."""
    outcomes = Outcomes(database, pause_s=60.0)
    await outcomes.open()
    outcomes.ended(a_call(), experiments)
    await outcomes.aclose()
    await outcomes.aclose()
    assert (outcomes.written, outcomes.lost) == (1, 0)
    assert len((await read_outcomes(database))[0]) == 1


async def test_at_the_end_a_database_that_is_away_is_not_waited_for(
    experiments: Experiments, database: Switched, caplog: pytest.LogCaptureFixture
) -> None:
    """What is lost is counted and told."""
    database.away = True
    outcomes = Outcomes(database)
    outcomes.ended(a_call(), experiments)
    await outcomes.aclose()
    assert outcomes.lost == 1
    assert "what calls gave is lost" in caplog.text


async def test_a_row_that_cannot_be_read_hides_no_other(experiments: Experiments, database: Switched) -> None:
    """It is counted."""
    from sqlalchemy import text

    found = [outcome(a_call(number), experiments.running) for number in range(3)]
    await write_outcomes(database, [each for each in found if each is not None])
    async with database.writing() as connection:
        await connection.execute(text("UPDATE outcomes SET measures = '{}' WHERE call_id = 'AJ_0'"))
        await connection.execute(text("UPDATE outcomes SET variants = '[]' WHERE call_id = 'AJ_2'"))
    assert await read_outcomes(database) == ([found[1]], 2)


def test_odd_names_do_not_hold_up_what_comes_behind(experiments: Experiments) -> None:
    """No database has to refuse a row for its text."""
    found = outcome(call_record("AJ_\0" * 100, {"openers": "on", "account": "x" * 100}), experiments.running)
    assert found is not None
    assert "\0" not in found.call_id
    assert (len(found.call_id), len(found.account or "")) == (128, 64)


def test_where_outcomes_are_kept(tmp_path: Path) -> None:
    """In the accounts' database; beside accounts that are files in one of their own."""
    for url in ("sqlite:///accounts.db", "postgresql://user:pw@host/db"):
        assert outcomes_url(url) == url
    assert outcomes_url("folder:accounts") == "sqlite:///accounts/outcomes.db"
    assert outcomes_url(str(tmp_path)) == f"sqlite:///{tmp_path}/outcomes.db"


async def test_postgresql_keeps_them_as_well(experiments: Experiments, postgres: RealPostgres) -> None:
    """Each call once, as it was, by its time."""
    found = [each for number in range(3) if (each := outcome(a_call(number), experiments.running)) is not None]
    database = SqlStore(await postgres.database())
    try:
        await write_outcomes(database, found)
        await write_outcomes(database, found[:1])
        assert await read_outcomes(database) == (found, 0)
        assert await read_outcomes(database, since=found[1].at) == (found[1:], 0)
    finally:
        await database.aclose()
