"""A database that is away, slow, locked, not allowed, or none at all: one readable error, and calls go on after."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import sqlite3
import tempfile
import traceback
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import pytest_asyncio

from accounts.sql.engine import ReadOnlyError
from accounts.sql.store import SqlStore
from accounts.store import AccountStore, Key, StoreError
from tests.accounts.postgres import HOST, PostgresMissing, RealPostgres
from tests.accounts.store_promises import account, phone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator

    from accounts.record import Account

PATIENT_S = 30.0
SHORT_S = 0.5
"""A limit that a test waits for."""
GIVEN_UP_S = 2.0
"""SQLite itself cannot be interrupted while it waits for a lock: who gives up waits so long for that."""
LOOK_AGAIN_S = 0.05
HARBOUR = Key("id", "harbour")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[RealPostgres]:
    """One that the test may stop."""
    try:
        made = RealPostgres()
    except PostgresMissing as reason:
        pytest.skip(str(reason))
    async with made:
        yield made


@pytest_asyncio.fixture
async def opened() -> AsyncIterator[Callable[..., SqlStore]]:
    """`opened(url)`: a store that is closed after the test."""
    stores: list[SqlStore] = []

    def open_one(url: str, limit_s: float = PATIENT_S) -> SqlStore:
        stores.append(SqlStore(url, limit_s=limit_s))
        return stores[-1]

    yield open_one
    for store in stores:
        await store.aclose()


async def answer(store: AccountStore) -> Account | None:
    """What it finds, as soon as it answers."""
    while True:
        try:
            return await store.find(HARBOUR)
        except StoreError:
            await asyncio.sleep(LOOK_AGAIN_S)


@contextmanager
def frozen(server: RealPostgres) -> Generator[None]:
    """Its processes are there and do nothing, as on a machine that does not answer."""
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    for each in processes:
        each.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for each in processes:
            each.send_signal(signal.SIGCONT)


@contextmanager
def as_nobody() -> Generator[None]:
    """Files are opened without root's rights: root may write what is read-only."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_server_goes_away_and_comes_back(server: RealPostgres, opened: Callable[..., SqlStore]) -> None:
    """An error for each question meanwhile, then the same accounts as before; new tables where none had been made.

    Who asked nothing meanwhile has noticed nothing.
    """
    url = await server.database()
    store, idle, new = opened(url), opened(url), opened(await server.database())
    await store.put([account(phone_numbers=[phone(1)])])
    assert await idle.version() == 1
    await server.stop()
    try:
        questions: list[Callable[[], Awaitable[Any]]] = [
            lambda: store.find(HARBOUR),
            lambda: store.common(5),
            lambda: store.used({"harbour": 1}),
            store.version,
            lambda: store.changes(0),
            lambda: anext(aiter(store.all())),
            lambda: store.put([account()]),
            lambda: store.delete("harbour"),
            new.ready,
        ]
        for question in questions:
            with pytest.raises(StoreError, match=HOST):
                await question()
    finally:
        await server.start()
    assert await store.find(Key("phone", phone(1))) == account(phone_numbers=[phone(1)])
    await store.put([account("station")])
    assert await store.version() == 2
    assert await new.version() == 0
    assert await idle.version() == 2


async def test_a_database_that_comes_back_empty_is_made_anew(
    postgres: RealPostgres, opened: Callable[..., SqlStore]
) -> None:
    """As after a server that was started without its volume."""
    url = await postgres.database()
    store = opened(url)
    await store.put([account()])
    name = url.rpartition("/")[2]
    await postgres.execute(f"DROP DATABASE {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    assert await answer(store) is None
    await store.put([account()])
    assert await store.find(HARBOUR) == account()


async def test_a_server_that_does_not_answer(postgres: RealPostgres, opened: Callable[..., SqlStore]) -> None:
    """Each question ends with an error, with and without a connection; afterwards it is answered."""
    url = await postgres.database()
    patient, short, new = opened(url), opened(url, SHORT_S), opened(url, SHORT_S)
    await patient.put([account()])
    assert await answer(short) == account()
    with frozen(postgres):
        for store in (short, short, new):
            with pytest.raises(StoreError, match="no answer in time"):
                await store.find(HARBOUR)
    assert await answer(short) == account()
    assert await answer(new) == account()
    assert await patient.find(HARBOUR) == account()


async def test_a_question_may_be_given_up_while_the_server_is_silent(
    postgres: RealPostgres, opened: Callable[..., SqlStore]
) -> None:
    """More of them than there are connections: none of them is lost for it."""
    store = opened(await postgres.database())
    await store.put([account()])
    with frozen(postgres):
        asked = [asyncio.create_task(store.find(HARBOUR)) for _ in range(10)]
        await asyncio.sleep(LOOK_AGAIN_S)
        for each in asked:
            each.cancel()
        await asyncio.wait(asked)
        assert all(each.cancelled() for each in asked)
    assert await asyncio.gather(*(store.find(HARBOUR) for _ in range(10))) == [account()] * 10


async def test_no_error_tells_the_password(postgres: RealPostgres, opened: Callable[..., SqlStore]) -> None:
    """Nor the way there, its traceback or a repr; it names the user, the place and the reason."""
    secret = "kept/to@oneself:100%"
    reasons = {
        postgres.url(password=secret): "password authentication failed",
        postgres.url("nowhere"): "does not exist",
        postgres.url(user="stranger", password=secret): "password authentication failed",
        f"postgresql://tester:{'kept-to-oneself'}@127.0.0.1:1/accounts": "Connect call failed",
        f"postgresql://tester:{'kept-to-oneself'}@127.0.0.1:1/accounts?sslmode=perhaps": "sslmode",
    }
    for url, reason in reasons.items():
        store = opened(url)
        with pytest.raises(StoreError, match=reason) as failed:
            await store.find(HARBOUR)
        told = "".join(traceback.format_exception(failed.value)) + repr(store) + repr(store.engine) + str(vars(store))
        for part in (secret, "kept", "oneself", postgres.password, url.partition("://")[2]):
            assert part not in told
        assert str(failed.value).startswith(f"postgresql://{url.partition('//')[2].partition(':')[0]}@")


async def test_who_may_only_read(postgres: RealPostgres, opened: Callable[..., SqlStore]) -> None:
    """Finds accounts, counts no calls, and is told that it may not write."""
    url = await postgres.database()
    await opened(url).put([account()])
    await postgres.execute(
        "CREATE ROLE reader LOGIN PASSWORD 'reader-only'",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
        url=url,
    )
    reader = opened(postgres.url(url.rpartition("/")[2], user="reader", password="reader-only"))
    assert await reader.find(HARBOUR) == account()
    await reader.used({"harbour": 1})
    with pytest.raises(ReadOnlyError, match="permission denied"):
        await reader.put([account("station")])
    assert await reader.version() == 1


async def test_a_locked_file_is_read_and_not_written(tmp_path: Path, opened: Callable[..., SqlStore]) -> None:
    """Until the other writer has ended."""
    url = f"sqlite:///{tmp_path}/accounts.db"
    patient, short = opened(url), opened(url, SHORT_S)
    await patient.put([account()])
    assert await answer(short) == account()
    with closing(sqlite3.connect(tmp_path / "accounts.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked"):
            await short.put([account("station")])
        assert await patient.find(HARBOUR) == account()
        waiting = asyncio.create_task(patient.put([account("station")]))
        assert await patient.changes(1) == []
        assert not waiting.done()
        other.execute("ROLLBACK")
        await waiting
    assert await patient.version() == 2


async def test_a_write_may_be_given_up_while_it_waits(tmp_path: Path, opened: Callable[..., SqlStore]) -> None:
    """It is not done later, and the store is as good as before."""
    store = opened(f"sqlite:///{tmp_path}/accounts.db", GIVEN_UP_S)
    await store.put([account()])
    with closing(sqlite3.connect(tmp_path / "accounts.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        asked = [asyncio.create_task(store.put([account(f"a{n}")])) for n in range(6)]
        await asyncio.sleep(LOOK_AGAIN_S)
        for each in asked:
            each.cancel()
        await asyncio.wait(asked)
        other.execute("ROLLBACK")
    assert all(each.cancelled() for each in asked)
    assert [each async for each in store.all()] == [account()]
    await store.put([account("station")])
    assert await store.version() == 2


async def test_a_file_that_may_only_be_read(opened: Callable[..., SqlStore]) -> None:
    """Finds accounts, forgets what is used, and says that it may not write."""
    folder = Path(tempfile.mkdtemp())  # pytest's own may be entered by root only
    file = folder / "accounts.db"
    try:
        writer = SqlStore(f"sqlite:///{file}", limit_s=PATIENT_S)
        await writer.put([account()])
        await writer.used({"harbour": 1})
        folder.chmod(0o777)
        await writer.aclose()
        file.chmod(0o444)
        with as_nobody():
            reader = SqlStore(f"sqlite:///{file}", limit_s=PATIENT_S)
            assert await reader.find(HARBOUR) == account()
            await reader.used({"harbour": 1})
            with pytest.raises(ReadOnlyError, match="readonly"):
                await reader.put([account("station")])
            assert await reader.version() == 1
            await reader.aclose()
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("content", [b"this is no database, it is a text\n" * 100, b"SQLite format 3\0" + b"x" * 4096])
async def test_a_file_that_is_no_database(tmp_path: Path, opened: Callable[..., SqlStore], content: bytes) -> None:
    """It says so, and stays as it is."""
    file = tmp_path / "accounts.db"
    file.write_bytes(content)
    store = opened(f"sqlite:///{file}")
    for _ in range(2):
        with pytest.raises(StoreError, match=f"sqlite:///{file}: .*(not a database|malformed)"):
            await store.find(HARBOUR)
    assert file.read_bytes() == content


async def test_a_file_that_cannot_be_made(tmp_path: Path, opened: Callable[..., SqlStore]) -> None:
    """The error names the file; nothing is made."""
    for url in (f"sqlite:///{tmp_path}/nowhere/accounts.db", f"sqlite:///{tmp_path}"):
        with pytest.raises(StoreError, match=f"{url}: unable to open database file"):
            await opened(url).version()
    assert list(tmp_path.iterdir()) == []


async def test_an_error_repeats_nothing_of_an_account(postgres: RealPostgres, opened: Callable[..., SqlStore]) -> None:
    """What a database refuses is the customer's text: it is not for the log."""
    store = opened(await postgres.database())
    refused = account().model_copy(update={"name": "x" * 200, "instructions": "Private words."})
    with pytest.raises(StoreError, match="too long") as failed:
        await store.put([refused])
    assert "Private words" not in "".join(traceback.format_exception(failed.value))
    assert await store.version() == 0
