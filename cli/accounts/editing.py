"""A record in the user's editor, until it can be written or is given up; a text that was changed is never lost."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.accounts.problems import FOUND_PROBLEMS, Refused
from cli.accounts.saving import ChangedMeanwhile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from accounts.record import Account

NOTE = "#!"
HELP = "Save and close to write, close without saving to give up. Lines that begin with # are not read."


def edit_by_hand(before: Account, text: str, save: Callable[[Account, Account], None]) -> Account | None:
    """The account as `save` has written it; None if nothing was changed.

    `text`: the record as YAML. `save` takes the new record and the one that it replaces, and raises `Refused` if it
    cannot be. Raises `Refused` when the user gives up a text that was changed; it says where that text is.
    """
    handle, name = tempfile.mkstemp(prefix=f"account-{before.id}-", suffix=".yaml")
    os.close(handle)
    draft = Path(name)
    try:
        after = _until_written(draft, before, text, save)
    except Refused as refused:
        if _without_notes(draft) in (text, ""):
            draft.unlink(missing_ok=True)
            raise
        kept = f"Nothing was written. Your text is kept: `account edit {before.id} --file {draft}` takes it."
        raise Refused([*refused.lines, kept], refused.code) from None
    draft.unlink(missing_ok=True)
    return after


def _until_written(draft: Path, before: Account, text: str, save: Callable[[Account, Account], None]) -> Account | None:
    notes = [HELP]
    while True:
        edited = _edited(draft, notes, text)
        if edited in (text, ""):
            if len(notes) == 1:
                return None
            draft.write_text(text, encoding="utf-8")
            raise Refused([], FOUND_PROBLEMS)
        text = edited
        try:
            after = _read(before.id, text)
            if after == before:
                return None
            save(after, before)
        except Refused as refused:
            notes = [HELP, *refused.lines]
            if isinstance(refused, ChangedMeanwhile):
                notes.append("Saved again, yours replaces what it has become.")
                before = refused.now or before
            for line in notes[1:]:
                typer.echo(line, err=True)
            if not _again():
                raise Refused([], refused.code) from None
        else:
            return after


def _edited(draft: Path, notes: Sequence[str], text: str) -> str:
    """What the editor leaves, without the notes. Raises `Refused` if there is no editor, or it fails."""
    draft.write_text("".join(f"{NOTE} {line}\n" for line in notes) + text, encoding="utf-8")
    # As git and crontab have it; the options of the command need no editor.
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        code = subprocess.run([*shlex.split(editor), str(draft)], check=False).returncode
    except (OSError, ValueError) as error:
        raise Refused([f"EDITOR: got {editor!r}, {error}; allowed: a program that edits a text file"]) from None
    if code != 0:
        raise Refused([f"EDITOR: {editor} ended with exit code {code}; nothing was written"], FOUND_PROBLEMS)
    return _without_notes(draft)


def _without_notes(draft: Path) -> str:
    """Empty if nothing but blanks is left, or the file is gone."""
    try:
        lines = draft.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    except OSError:
        return ""
    text = "".join(line for line in lines if not line.startswith(NOTE))
    return text if text.strip() else ""


def _read(account_id: str, text: str) -> Account:
    from accounts.record import AccountError, parse_account
    from utils import yaml_text

    try:
        items = yaml_text.load(text)
        if len(items) != 1:
            raise Refused([f"got {len(items)} records; allowed: one"])
        return parse_account(items[0].value, kept_as=account_id)
    except yaml_text.YamlProblem as error:
        lines = text.split("\n")
        shown = lines[error.line - 1].strip()[:40] if error.line <= len(lines) else ""
        raise Refused([f"near {shown or 'the end'!r}: {error}"]) from None
    except AccountError as error:
        raise Refused([f"{error.account}: {problem}" for problem in error.problems]) from None


def _again() -> bool:
    try:
        return typer.confirm("Edit again?", default=True, err=True)
    except typer.Abort:
        return False
