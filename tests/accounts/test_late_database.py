"""Where outcomes go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from accounts.late_database import LateDatabase
from accounts.sql.store import SqlStore
from tests.accounts.memory_store import MemoryStore

if TYPE_CHECKING:
    from pathlib import Path


async def test_accounts_in_a_database_have_their_outcomes_there(tmp_path: Path) -> None:
    """With the same connections; closing leaves the accounts their store."""
    accounts = SqlStore(f"sqlite:///{tmp_path / 'accounts.db'}")
    database = LateDatabase(accounts, "sqlite:///never/made.db")
    async with database.writing() as connection:
        assert connection.engine.url == accounts.engine.url
    await database.aclose()
    assert await accounts.version() == 0
    await accounts.aclose()


async def test_accounts_in_files_have_a_database_beside_them_when_it_is_needed(tmp_path: Path) -> None:
    """It is made by the first use, not before, and closed with the rest."""
    file = tmp_path / "outcomes.db"
    database = LateDatabase(MemoryStore(), f"sqlite:///{file}")
    await database.aclose()
    assert not file.exists()
    for _ in range(2):
        async with database.reading() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM outcomes"))).scalar_one() == 0
    assert file.is_file()
    await database.aclose()
