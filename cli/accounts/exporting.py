"""`account export`: all records as a file or a folder that `account import` reads back."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from cli.accounts.entries import ALLOWED, SUFFIXES, YAML
from cli.accounts.problems import Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from accounts.record import Account


def export(accounts: Collection[Account], path: Path) -> None:
    """Write `path`, a file by its ending, else a folder. Raises `Refused`; a file is whole or as it was."""
    from accounts.record import to_values
    from utils import yaml_text

    records = [to_values(account) for account in accounts]
    try:
        if path.is_dir() or not path.suffix:
            _write_folder(path, accounts, records)
        elif path.suffix in YAML:
            write_text(path, yaml_text.dump(records))
        elif path.suffix == ".json":
            write_text(path, json.dumps(records, ensure_ascii=False, indent=2) + "\n")
        elif path.suffix == ".jsonl":
            write_text(path, "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in records))
        else:
            raise Refused([f"got {path}; allowed: {ALLOWED}"])
    except OSError as error:
        raise Refused([f"{error.filename or path}: cannot be written ({error.strerror or error})"]) from None


def write_text(path: Path, text: str) -> None:
    """Whole or not at all; what stands there is replaced. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", newline="")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _write_folder(folder: Path, accounts: Iterable[Account], records: list[dict[str, object]]) -> None:
    from utils import yaml_text

    names = {f"{account.id}.yaml" for account in accounts}
    folder.mkdir(parents=True, exist_ok=True)
    # A record that is no account any more would come back with the next import.
    strange = sorted(each.name for each in folder.iterdir() if each.suffix in SUFFIXES and each.name not in names)
    if strange:
        others = f" and {len(strange) - 1} more" if strange[1:] else ""
        raise Refused([f"{folder}: has {strange[0]}{others}, which is no account here; allowed: an empty folder"])
    for account, record in zip(accounts, records, strict=True):
        write_text(folder / f"{account.id}.yaml", yaml_text.dump(record))
