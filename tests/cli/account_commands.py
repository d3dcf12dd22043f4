"""`account` as a test types it: the real commands in this process, on a real store in an empty folder."""

from __future__ import annotations

import asyncio
import shlex
import stat
from typing import TYPE_CHECKING, Any

import typer
from program import Ran
from pydantic import SecretStr
from typer.testing import CliRunner

import agent
from accounts.address import open_store
from accounts.record import Account, AccountError, parse_account
from cli.accounts.command import add_account

if TYPE_CHECKING:
    from pathlib import Path

    from small_servers import MakeSettings

FOLDER = "folder:accounts"
SQLITE = "sqlite:///accounts.db"
NEEDED = (
    *("--name", "Harbour Dental", "--greeting", "Hello, this is the harbour."),
    *("--instructions", "You are the desk."),
)


class Commands:
    """`run("show", "harbour")` is the command `account show harbour`, and gives what came of it."""

    def __init__(self, make_settings: MakeSettings, url: str = FOLDER, **fields: Any) -> None:
        settings = make_settings(accounts_url=SecretStr(url), **fields)
        self.app = typer.Typer()
        add_account(self.app, agent.service, lambda: settings)

    def __call__(self, *arguments: str, answers: str = "", editor: str = "false") -> Ran:
        environment = {"COLUMNS": "80", "EDITOR": editor, "VISUAL": ""}
        result = CliRunner().invoke(self.app, ["account", *arguments], input=answers, env=environment)
        assert isinstance(result.exception, SystemExit | None), result.exception
        return Ran(result.exit_code, result.output)


def kept(url: str = FOLDER) -> dict[str, Account | AccountError]:
    """What the store has, by id."""

    async def read() -> dict[str, Account | AccountError]:
        store = open_store(url)
        try:
            found = [each async for each in store.all()]
        finally:
            await store.aclose()
        return {each.account if isinstance(each, AccountError) else each.id: each for each in found}

    return asyncio.run(read())


def put(*accounts: Account, url: str = FOLDER) -> None:
    async def write() -> None:
        store = open_store(url)
        try:
            await store.put(accounts)
        finally:
            await store.aclose()

    asyncio.run(write())


def account(account_id: str, **fields: Any) -> Account:
    """With the least that it needs, and with `fields`."""
    needed = {"name": account_id.title(), "instructions": f"You speak for {account_id}.", "greeting": "Hello there."}
    return parse_account({"id": account_id, **needed, **fields})


def editor(folder: Path, *steps: str) -> str:
    """An editor that does one `sed` command after the other, one each time; "" closes without saving.

    What it was shown is in the files `seen.0`, `seen.1` and so on.
    """
    script = folder / "editor.sh"
    cases = [f'{number}) sed -i {shlex.quote(step)} "$1";;' for number, step in enumerate(steps) if step]
    lines = [f'cd "{folder}"', "number=$(($(ls seen.* 2>/dev/null | wc -l)))", 'cp "$1" "seen.$number"']
    script.write_text("\n".join(["#!/bin/sh", *lines, "case $number in", *cases, "*) ;;", "esac", ""]))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)
