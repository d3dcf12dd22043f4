"""What was said, in the accounts' database, beside the files.

A table of the example's own, made on first use: a migration of `accounts` would give it to everybody who has accounts,
and who deletes the example would keep a revision that no other program knows. It refers to no account: what was said
outlives one.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from accounts.address import exists
from accounts.sql.address import parse_address
from accounts.store import StoreError
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from accounts.sql.store import SqlStore
    from config import Settings
    from examples.save_conversation.entries import Said

log = get_logger("conversations")

TABLE = "conversation_lines"
MOST_WAITING = 10_000
BATCH = 200
PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
CALL_CHARS = 128


def accounts_database(settings: Settings) -> str | None:
    """The accounts' database, where there is one: accounts in files have none."""
    url = settings.accounts_url.get_secret_value()
    try:
        parse_address(url)
        is_there = "accounts_url" in settings.model_fields_set or exists(url)
    except ValueError:
        return None
    return url if is_there else None


class Archive:
    """Takes lines from the writer's thread, and writes them on a thread and a loop of its own.

    While the database is away they wait; beyond `most_waiting` the oldest are lost here, and are still in the files. A
    line that is there already is left as it is. The thread lives while lines wait.
    """

    def __init__(self, url: str, *, most_waiting: int = MOST_WAITING, pause_s: float = PAUSE_S) -> None:
        self._url = url
        self._most_waiting = most_waiting
        self._pause_s = pause_s
        self._waiting: deque[tuple[str, Said]] = deque()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._hurry = threading.Event()
        self.lost = 0

    def put(self, call: str, said: Said) -> None:
        """A line that will not change. Costs microseconds."""
        with self._lock:
            self._waiting.append((call, said))
            while len(self._waiting) > self._most_waiting:
                self._waiting.popleft()
                self.lost += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="conversation lines", daemon=True)
                self._thread.start()

    def close(self, limit_s: float) -> None:
        """Blocks until what waits is written, within a limit."""
        thread = self._thread
        self._hurry.set()
        if thread is not None:
            thread.join(limit_s)

    def _run(self) -> None:
        try:
            asyncio.run(self._write_all())
        except Exception:
            log.exception("what was said does not reach the database")
            with self._lock:
                self._thread = None

    async def _write_all(self) -> None:
        from accounts.sql.store import SqlStore  # its library is large: who has no database does not wait for it

        store = SqlStore(self._url)
        pause_s = self._pause_s
        try:
            while True:
                await asyncio.to_thread(self._hurry.wait, pause_s)
                self._hurry.clear()
                try:
                    await self._write(store)
                    pause_s = self._pause_s
                except StoreError as error:
                    if pause_s == self._pause_s:
                        log.warning("what was said waits for the database", reason=str(error))
                    pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                with self._lock:
                    if not self._waiting:
                        self._thread = None
                        return
        finally:
            await store.aclose()

    async def _write(self, store: SqlStore) -> None:
        while True:
            with self._lock:
                batch = list(self._waiting)[:BATCH]
                lost = self.lost
            if not batch:
                return
            await insert(store, batch)
            with self._lock:
                for _ in range(len(batch) - (self.lost - lost)):
                    self._waiting.popleft()


async def insert(store: SqlStore, lines: list[tuple[str, Said]]) -> None:
    """All or nothing; makes the table. Raises StoreError."""
    from sqlalchemy.dialects import postgresql, sqlite

    table = lines_table()
    async with store.writing() as connection:
        await connection.run_sync(table.metadata.create_all)
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        await connection.execute(dialect.insert(table).on_conflict_do_nothing(), [_row(*line) for line in lines])


def lines_table() -> Any:
    """The table, by SQLAlchemy."""
    from sqlalchemy import Boolean, Column, Integer, MetaData, String, Table, Text

    from accounts.sql.tables import UtcTime

    return Table(
        TABLE,
        MetaData(),
        Column("call_id", String(CALL_CHARS), primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("at", UtcTime, nullable=False, index=True),
        Column("who", String(8), nullable=False),
        Column("text", Text, nullable=False),
        Column("interrupted", Boolean, nullable=False),
    )


def _row(call: str, said: Said) -> dict[str, object]:
    return {
        "call_id": _plain(call)[:CALL_CHARS],
        "number": said.number,
        "at": datetime.fromtimestamp(said.at_s, UTC),
        "who": said.who,
        "text": _plain(said.text),
        "interrupted": said.interrupted,
    }


def _plain(text: str) -> str:
    """What every database takes."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
