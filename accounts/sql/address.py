"""Where a database is, as a user writes it. Without SQLAlchemy: who only looks at an address does not load it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

ALLOWED = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/DATABASE with USER and PASSWORD percent-encoded"

_HOST = r"(?:[^\s:/?#@,\[\]]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?"
# Strict: what is not fully understood could show a part of a password as something else.
_POSTGRESQL = re.compile(
    r"(?:(?P<user>[^\s:/?#@]*)(?::(?P<password>[^\s/?#@]*))?@)?"
    rf"(?P<place>(?:{_HOST}(?:,{_HOST})*)?/[^\s:/?#@]+)(?:\?(?P<options>[^\s#@]*))?"
)
_SQLITE = re.compile(r"/(?P<file>(?:file:)?(?P<path>[^?]+))(?:\?(?P<options>.*))?")


@dataclass(frozen=True)
class Address:
    """Only `told` may be shown: it has no password and no options."""

    told: str
    url: str = field(repr=False)
    """For the driver: SQLAlchemy's of SQLite, libpq's of PostgreSQL."""
    file: Path | None = None
    """SQLite's; None for PostgreSQL."""
    password: str = field(default="", repr=False)


def parse_address(url: str) -> Address:
    """Raises `ValueError` with what is allowed; it does not repeat the URL, which may hold a password."""
    scheme, _, rest = url.partition("://")
    kind = scheme.partition("+")[0].lower()
    if kind == "sqlite" and (found := _SQLITE.fullmatch(rest)) and not _in_memory(found):
        path = unquote(found["path"]) if found["file"].startswith("file:") else found["path"]
        return Address(f"sqlite:///{found['path']}", f"sqlite+aiosqlite://{rest}", Path(path))
    if kind in ("postgresql", "postgres") and (found := _POSTGRESQL.fullmatch(rest)):
        user = f"{found['user']}@" if found["user"] else ""
        password = unquote(found["password"] or "")
        return Address(f"postgresql://{user}{found['place']}", f"postgresql://{rest}", password=password)
    raise ValueError(f"this address of a database cannot be read, allowed: {ALLOWED}")


def _in_memory(found: re.Match[str]) -> bool:
    """Each connection would have a database of its own."""
    return ":memory:" in found["path"] or "mode=memory" in (found["options"] or "")
