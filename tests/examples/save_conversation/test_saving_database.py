"""What was said, in the accounts' database."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from pydantic import SecretStr

from accounts.sql.store import SqlStore
from examples.save_conversation.database import Archive, accounts_database
from examples.save_conversation.entries import Began, Ended, Said, encoded
from examples.save_conversation.writer import Writer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeSettings

AT_S = 1_795_000_000.0
LIMIT_S = 50.0


def lines(file: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(file) as connection:
        found = connection.execute(
            "SELECT call_id, number, who, text, interrupted FROM conversation_lines ORDER BY call_id, number"
        )
        return found.fetchall()


def test_settled_lines_and_those_of_a_killed_process_are_rows(tmp_path: Path) -> None:
    """Each once, redacted as in the files, beside the accounts' own tables; a second write changes nothing."""
    folder, file = tmp_path / "conversations", tmp_path / "accounts.db"
    folder.mkdir()
    left = [Began(AT_S, "AJ_0", "desk"), Said(AT_S, 1, "agent", "Hello."), Said(AT_S, 2, "caller", "I", settled=False)]
    (folder / "one.live.jsonl").write_bytes(b"".join(map(encoded, left)))
    archive = Archive(f"sqlite:///{file}", pause_s=0.05)
    backlog = Writer(folder, on_settled=archive.put).open(Began(AT_S, "AJ_1", "desk"), lambda text, _: text.upper())
    backlog.put(Said(AT_S, 1, "caller", "half", settled=False))
    backlog.put(Said(AT_S, 1, "caller", "half a\0 word \ud83d"))
    backlog.put(Said(AT_S, 2, "agent", "yes", interrupted=True))
    backlog.put(Ended(AT_S, "caller"))
    backlog.saved.result(LIMIT_S)
    archive.close(LIMIT_S)
    expected = [
        ("AJ_0", 1, "agent", "Hello.", 0),
        ("AJ_0", 2, "caller", "I", 0),
        ("AJ_1", 1, "caller", "HALF A WORD ?", 0),
        ("AJ_1", 2, "agent", "YES", 1),
    ]
    assert lines(file) == expected
    archive.put("AJ_1", Said(AT_S, 2, "agent", "another"))
    archive.put("AJ_2", Said(AT_S, 1, "agent", "more"))
    archive.close(LIMIT_S)
    assert lines(file) == [*expected, ("AJ_2", 1, "agent", "more", 0)]


async def test_the_accounts_do_not_notice(tmp_path: Path) -> None:
    """The accounts' store opens the database as its own; its revision is untouched."""
    file = tmp_path / "accounts.db"
    archive = Archive(f"sqlite:///{file}", pause_s=0.05)
    archive.put("AJ_1", Said(AT_S, 1, "agent", "Hello."))
    archive.close(LIMIT_S)
    store = SqlStore(f"sqlite:///{file}")
    try:
        assert await store.version() == 0
    finally:
        await store.aclose()
    assert len(lines(file)) == 1


def test_a_database_that_is_away_loses_the_oldest_lines_of_its_own_only(tmp_path: Path) -> None:
    """They wait, within a bound; the files have them."""
    archive = Archive(f"sqlite:///{tmp_path / 'not there' / 'accounts.db'}", most_waiting=3, pause_s=0.05)
    for number in range(5):
        archive.put("AJ_1", Said(AT_S, number, "agent", "Hello."))
    assert archive.lost == 2
    (tmp_path / "not there").mkdir()
    archive.close(LIMIT_S)
    assert [line[1] for line in lines(tmp_path / "not there" / "accounts.db")] == [2, 3, 4]


def test_only_a_database_that_is_there_or_asked_for_is_used(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Accounts in files have none, and nobody who has no accounts gets a database by this."""
    assert accounts_database(make_settings()) is None
    assert accounts_database(make_settings(accounts_url=SecretStr("folder:there"))) is None
    url = f"sqlite:///{tmp_path / 'a.db'}"
    assert accounts_database(make_settings(accounts_url=SecretStr(url))) == url
    (tmp_path / "accounts.db").touch()
    assert accounts_database(make_settings()) == "sqlite:///accounts.db"
