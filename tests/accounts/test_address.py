"""Where accounts are kept: which address opens what, and what is never shown of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from accounts.address import exists, open_store, told
from accounts.folder import FolderStore
from accounts.sql.store import SqlStore
from accounts.store import Key
from tests.accounts.store_promises import account

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "s3cr3t"
BAD = [
    "",
    "accounts",
    "folder:",
    "sqlite://",
    "sqlite:///:memory:",
    "sqlite:accounts.db",
    "postgresql:",
    "postgresql://",
    "mysql://host/accounts",
    "\x00",
    "x" * 5000,
    f"mysql://nora:{PASSWORD}@host/accounts",
    f"nora:{PASSWORD}@host/accounts",
    f"postgresql://nora:{PASSWORD}/9@host/accounts",
    f"postgresql://nora:{PASSWORD}@host:port/accounts",
    f"postgresql://nora:{PASSWORD}@",
    f"postgresql+what://nora:{PASSWORD}@[host/accounts",
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("url", BAD, ids=range(len(BAD)))
def test_what_is_no_address_is_refused(url: str) -> None:
    """With what is allowed, in one line without any password; both ways to ask say the same."""
    for ask in (open_store, exists):
        with pytest.raises(ValueError, match="allowed: sqlite:///FILE, postgresql://USER:PASSWORD@HOST") as refused:
            ask(url)
        assert PASSWORD not in str(refused.value)
        assert "\n" not in str(refused.value)
        assert len(str(refused.value)) < 300
    assert PASSWORD not in told(url)


async def test_a_folder_is_named_or_is_there(here: Path) -> None:
    """`folder:` names one that need not be there yet; a path alone has to be one."""
    for url in ("folder:shops", "folder:./shops", f"folder:{here / 'shops'}", f"folder://{here / 'shops'}"):
        store = open_store(url)
        assert isinstance(store, FolderStore)
        assert exists(url) is (here / "shops").is_dir()
        await store.put([account()])
        assert exists(url)
        await store.aclose()
    assert [each.name for each in (here / "shops").iterdir() if each.suffix == ".yaml"] == ["harbour.yaml"]
    for url in ("shops", str(here / "shops")):
        store = open_store(url)
        assert isinstance(store, FolderStore)
        assert await store.find(Key("id", "harbour")) == account()
        assert exists(url)
        await store.aclose()
    assert told("folder:shops") == "folder:shops"


async def test_a_file_of_sqlite_is_there_after_its_first_use(here: Path) -> None:
    """To ask whether it is there does not make it."""
    for url, file in (("sqlite:///accounts.db", "accounts.db"), (f"sqlite:///{here}/other.db", "other.db")):
        store = open_store(url)
        assert isinstance(store, SqlStore)
        assert not exists(url)
        assert not (here / file).exists()
        await store.put([account()])
        await store.aclose()
        assert exists(url)
        assert (here / file).is_file()
        assert told(url) == url


async def test_a_password_is_never_told() -> None:
    """A log says which database of which user on which server, and no more."""
    for scheme in ("postgresql", "postgres"):
        url = f"{scheme}://nora:{PASSWORD}%40@db.example.com:5433/accounts?sslmode=require&password={PASSWORD}"
        assert told(url) == "postgresql://nora@db.example.com:5433/accounts"
        assert exists(url)
        store = open_store(url)
        assert isinstance(store, SqlStore)
        assert PASSWORD not in repr(store)
        await store.aclose()
