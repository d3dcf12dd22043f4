"""Where accounts are kept, by address: an SQLite file, a PostgreSQL database, or a folder of YAML files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from accounts.sql.address import parse_address

if TYPE_CHECKING:
    from accounts.store import AccountStore

ALLOWED = (
    "sqlite:///FILE, postgresql://USER:PASSWORD@HOST:PORT/DATABASE with USER and PASSWORD percent-encoded, "
    "folder:PATH, or the path of a folder that is there"
)
FOLDER = "folder:"
_DATABASES = ("sqlite", "postgresql", "postgres")


def open_store(url: str) -> AccountStore:
    """The store; it is reached, and made, when it is first used. Raises `ValueError` with what is allowed."""
    folder = _folder(url)
    if folder is not None:
        from accounts.folder import FolderStore

        return FolderStore(folder)
    if not _is_database(url):
        raise ValueError(f"got {told(url)}, allowed: {ALLOWED}")
    from accounts.sql.store import SqlStore  # SQLAlchemy: who has a folder does not wait for its import

    try:
        return SqlStore(url)
    except ValueError:
        raise ValueError(f"got {told(url)}, allowed: {ALLOWED}") from None


def exists(url: str) -> bool:
    """Whether there is such a file or folder; of a database on a server it is not asked. Raises `ValueError`."""
    folder = _folder(url)
    if folder is not None:
        return folder.is_dir()
    if not _is_database(url):
        raise ValueError(f"got {told(url)}, allowed: {ALLOWED}")
    try:
        address = parse_address(url)
    except ValueError:
        raise ValueError(f"got {told(url)}, allowed: {ALLOWED}") from None
    return address.file is None or address.file.is_file()


def told(url: str) -> str:
    """The address for a log or a person: without password and options. Of what is none, no more than how it begins."""
    if _folder(url) is not None:
        return url
    if _is_database(url):
        try:
            return parse_address(url).told
        except ValueError:
            pass
    scheme, separator, _ = url.partition("://")
    return f"{scheme[:20]}://…" if separator else "a text without a scheme" if url else "nothing"


def _folder(url: str) -> Path | None:
    """The folder that `url` names; it need not be there if it says `folder:`."""
    if url.startswith(FOLDER):
        path = url.removeprefix(FOLDER).removeprefix("//")
        return Path(path).expanduser() if path else None
    try:
        path = Path(url).expanduser()
        return path if url and path.is_dir() else None
    except (OSError, ValueError, RuntimeError):
        return None


def _is_database(url: str) -> bool:
    return url.partition("://")[0].partition("+")[0].lower() in _DATABASES and "://" in url
