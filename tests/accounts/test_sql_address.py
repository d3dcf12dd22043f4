"""An address of a database: what is understood, what is shown of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from accounts.sql.address import ALLOWED, parse_address
from accounts.sql.store import SqlStore


@pytest.mark.parametrize(
    ("url", "told", "file"),
    [
        ("sqlite:///accounts.db", "sqlite:///accounts.db", "accounts.db"),
        ("sqlite:////srv/a b/accounts.db", "sqlite:////srv/a b/accounts.db", "/srv/a b/accounts.db"),
        ("sqlite+aiosqlite:///accounts.db", "sqlite:///accounts.db", "accounts.db"),
        ("sqlite:///file:a%20b.db?mode=ro&uri=true", "sqlite:///a%20b.db", "a b.db"),
        ("postgresql://host/db", "postgresql://host/db", None),
        ("postgres://user@host:5433/db", "postgresql://user@host:5433/db", None),
        ("postgresql+asyncpg://user:pw@host/db", "postgresql://user@host/db", None),
        ("postgresql://user:p%40:w@[::1]:5432/db?sslmode=require", "postgresql://user@[::1]:5432/db", None),
        ("postgresql://user:pw@one:1,two:2/db", "postgresql://user@one:1,two:2/db", None),
        ("postgresql:///db?host=/run/postgresql&password=pw", "postgresql:///db", None),
    ],
)
def test_what_is_understood(url: str, told: str, file: str | None) -> None:
    """A driver's name in the scheme is not needed and does no harm; password and options are not told."""
    address = parse_address(url)
    assert address.told == told
    assert address.file == (Path(file) if file else None)
    assert "pw" not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "accounts.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///?mode=ro",
        "sqlite://accounts.db",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
        "mysql://user:hidden@host/db",
        "postgresql://user:hidden@host",
        "postgresql://user:hid/den@host/db",
        "postgresql://user:hid@den@host/db",
        "postgresql://user:hid#den@host/db",
        "postgresql://user:hid?den@host/db",
        "postgresql://user:hid den@host/db",
        "postgresql://user:hidden",
        "postgresql://user:hidden/db",
        "postgresql://user:hidden@host:port/db",
    ],
)
def test_what_is_not_understood(url: str) -> None:
    """The error says what is allowed and repeats nothing: a part of a password could stand anywhere."""
    with pytest.raises(ValueError, match="cannot be read") as refused:
        SqlStore(url)
    assert str(refused.value) == f"this address of a database cannot be read, allowed: {ALLOWED}"
