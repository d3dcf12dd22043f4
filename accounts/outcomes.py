"""What each call of an experiment gave, kept in a database behind the calls."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from accounts.address import FOLDER
from accounts.experiments import CALLER, FORCED
from accounts.measures import Measures, measure_call, read_measures
from accounts.store import StoreError
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.ext.asyncio import AsyncConnection

    from accounts.experiments import Experiments
    from accounts.variants import Experiment
    from observe.observer import CallRecord

log = get_logger("outcomes")

FILE = "outcomes.db"
"""Beside the accounts, where those are files."""
MOST_WAITING = 10_000
BATCH = 200
PAUSE_S = 2.0
"""Between two writes, so that one of them takes many calls."""
LONGEST_PAUSE_S = 60.0
LAST_WRITE_S = 5.0

_ID_CHARS, _CALL_ID_CHARS = 64, 128


class Database(Protocol):
    """Both raise `StoreError`. The tables are there."""

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]: ...

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]: ...


@dataclass(frozen=True)
class Part:
    """A call's part in one experiment. `unit` is who keeps the variant; calls of one unit resemble each other.

    `forced`: somebody chose the variant, so that it says nothing about its effect.
    """

    variant: str
    unit: str
    definition: str
    forced: bool


@dataclass(frozen=True)
class Outcome:
    """One call: its parts by experiment, and what it gave."""

    at: datetime
    call_id: str
    account: str | None
    parts: Mapping[str, Part]
    measures: Measures


def outcome(call: CallRecord, experiments: Iterable[Experiment]) -> Outcome | None:
    """None for a call that nobody came to, or that was in no experiment."""
    parts = {each.name: _part(call, each) for each in experiments if each.name in call.labels}
    measures = measure_call(call) if parts else None
    if measures is None:
        return None
    at = datetime.fromtimestamp(call.start.zero_s, UTC)
    return Outcome(at, _plain(call.call_id, _CALL_ID_CHARS), _account(call), parts, measures)


class Outcomes:
    """Takes what calls gave at once, and writes it in batches on a task of its own.

    While the database is away they wait; beyond `most_waiting` the oldest are lost, and counted in `lost`.
    """

    def __init__(self, database: Database, *, most_waiting: int = MOST_WAITING, pause_s: float = PAUSE_S) -> None:
        self._database = database
        self._waiting: deque[Outcome] = deque()
        self._most_waiting = most_waiting
        self._pause_s = pause_s
        self._news = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self.written = 0
        self.lost = 0

    def __repr__(self) -> str:
        return f"Outcomes({len(self._waiting)} waiting, {self.written} written, {self.lost} lost)"

    async def open(self) -> None:
        self._writer = self._writer or asyncio.create_task(self._keep_writing(), name="outcomes")

    def ended(self, call: CallRecord, experiments: Experiments) -> None:
        """Note a call that is over. Costs microseconds."""
        found = outcome(call, experiments.running)
        if found is None:
            return
        self._waiting.append(found)
        self._drop_oldest()
        self._news.set()

    async def aclose(self) -> None:
        """Write what waits, within a limit."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
        try:
            async with asyncio.timeout(LAST_WRITE_S):
                while self._waiting:
                    await self._write()
        except (StoreError, TimeoutError) as error:
            self.lost += len(self._waiting)
            log.warning("what calls gave is lost", calls=len(self._waiting), reason=str(error) or "no answer in time")
            self._waiting.clear()

    async def _keep_writing(self) -> None:
        pause_s = self._pause_s
        while True:
            await self._news.wait()
            await asyncio.sleep(pause_s)
            try:
                while self._waiting:
                    await self._write()
            except StoreError as error:
                if pause_s == self._pause_s:
                    log.warning("what calls gave waits for the database", waiting=len(self._waiting), reason=str(error))
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                continue
            self._news.clear()
            if pause_s != self._pause_s:
                log.info("what calls gave is written again", lost=self.lost)
                pause_s = self._pause_s

    async def _write(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        try:
            await write_outcomes(self._database, batch)
        except BaseException:
            # Also when it is cancelled: the last write takes them again, and each call counts once.
            self._waiting.extendleft(reversed(batch))
            self._drop_oldest()
            raise
        self.written += len(batch)

    def _drop_oldest(self) -> None:
        while len(self._waiting) > self._most_waiting:
            self._waiting.popleft()
            self.lost += 1


async def write_outcomes(database: Database, batch: Iterable[Outcome]) -> None:
    """A call that is there already stays as it is. Raises `StoreError`."""
    from sqlalchemy.dialects import postgresql, sqlite

    from accounts.sql.tables import outcomes

    rows = [
        {
            "at": each.at,
            "call_id": each.call_id,
            "account": each.account,
            "variants": {name: asdict(part) for name, part in each.parts.items()},
            "measures": each.measures.as_dict(),
        }
        for each in batch
    ]
    async with database.writing() as connection:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        await connection.execute(insert(outcomes).on_conflict_do_nothing(index_elements=["call_id"]), rows)


async def read_outcomes(database: Database, *, since: datetime | None = None) -> tuple[list[Outcome], int]:
    """What calls gave, the oldest first, and how many rows could not be read. Raises `StoreError`."""
    from sqlalchemy import select

    from accounts.sql.tables import outcomes

    query = select(outcomes).order_by(outcomes.c.at, outcomes.c.id)
    if since is not None:
        query = query.where(outcomes.c.at >= since)
    async with database.reading() as connection:
        rows = (await connection.execute(query)).all()
    found: list[Outcome] = []
    for row in rows:
        with suppress(ValueError):
            found.append(Outcome(row.at, row.call_id, row.account, _parts(row.variants), read_measures(row.measures)))
    return found, len(rows) - len(found)


def outcomes_url(accounts_url: str) -> str:
    """Where they are kept: the accounts' database; beside accounts that are files, one of their own."""
    if not accounts_url.startswith(FOLDER) and "://" in accounts_url:
        return accounts_url
    folder = Path(accounts_url.removeprefix(FOLDER).removeprefix("//")).expanduser()
    return f"sqlite:///{folder / FILE}"


def _part(call: CallRecord, experiment: Experiment) -> Part:
    own = {"call": None, "caller": call.labels.get(CALLER), "account": _account(call)}[experiment.by]
    forced = experiment.name in call.labels.get(FORCED, "").split(",")
    unit = _plain(own or call.call_id, _CALL_ID_CHARS)
    return Part(call.labels[experiment.name], unit, experiment.definition, forced)


def _account(call: CallRecord) -> str | None:
    return _plain(call.labels.get("account", ""), _ID_CHARS) or None


def _plain(text: str, chars: int) -> str:
    """What every database takes: one row that it refuses would hold up all behind it."""
    return text.replace("\0", "")[:chars]


def _parts(values: object) -> dict[str, Part]:
    if not isinstance(values, dict):
        raise ValueError("not the parts of a call")
    try:
        return {str(name): Part(**part) for name, part in cast("dict[str, Any]", values).items()}
    except TypeError as error:
        raise ValueError(f"not the parts of a call: {error}") from None
