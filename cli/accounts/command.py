"""The commands `account ...`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from cli.accounts import options
from cli.accounts.problems import FOUND_PROBLEMS, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from accounts.record import Account
    from config import Settings
    from service import Service

T = TypeVar("T")

HELP = """Who is called: the accounts of the store that ACCOUNTS_URL names.

Exit codes: 0 done, 1 the store is away or has problems, 2 wrong input.
"""

AccountId = Annotated[str, typer.Argument(metavar="ID", help="The account's id.")]


def _sound_file(file: Path | None) -> Path | None:
    """Where no file can be written, nothing is spoken first."""
    if file is not None:
        from cli.preview import PreviewFailed, check_file

        try:
            check_file(file)
        except PreviewFailed as error:
            raise typer.BadParameter(str(error)) from None
    return file


Preview = Annotated[
    Path | None, typer.Option(help="Speak its greeting into it.", metavar="FILE.wav", callback=_sound_file)
]
RecordFile = Annotated[Path | None, typer.Option("--file", help="The whole record: YAML, JSON.", metavar="FILE")]


def add_account(app: typer.Typer, service: Service, load: Callable[[], Settings]) -> None:
    """Add the commands to `app`. `load` gives the settings, or ends with a readable line; imports wait until then."""

    group = typer.Typer(help=HELP, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
    app.add_typer(group, name="account", rich_help_panel="Accounts")

    @group.command("list")
    def list_command(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        json: Annotated[bool, typer.Option("--json", help="For programs, with hosts and all numbers.")] = False,
    ) -> None:
        """A row an account: id, name, enabled, numbers, voice, version."""
        settings = load()
        from rich.console import Console

        from cli.accounts.listing import accounts_json, accounts_table
        from cli.accounts.place import everything, place_of

        found = _run(everything(_url(settings)))
        if json:
            typer.echo(accounts_json(found))
        elif found.accounts or found.broken:
            Console(highlight=False).print(accounts_table(found))
        else:
            typer.echo(f"No account yet in {place_of(_url(settings))}. `account add ID` makes one.")
        raise typer.Exit(FOUND_PROBLEMS if found.broken else 0)

    @group.command()
    def show(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        account_id: AccountId, preview: Preview = None
    ) -> None:
        """One account as YAML, and in comments what is the service's own."""
        settings = load()
        from cli.accounts.listing import account_text
        from cli.accounts.place import account_of

        account, version = _run(account_of(_url(settings), account_id))
        typer.echo(account_text(account, settings, _tools(service)), nl=False)
        if version is not None:
            typer.echo(f"# Version {version}")
        _preview(settings, account, preview, err=True)

    @group.command()
    def add(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        context: typer.Context,
        account_id: AccountId,
        file: RecordFile = None,
        preview: Preview = None,
        name: options.Name = None,
        greeting: options.Greeting = None,
        instructions: options.Instructions = None,
        voice: options.Voice = None,
        language_hints: options.LanguageHints = None,
        llm_model: options.LlmModel = None,
        stt_model: options.SttModel = None,
        tts_model: options.TtsModel = None,
        profile: options.Profile = None,
        max_tokens: options.MaxTokens = None,
        max_calls: options.MaxCalls = None,
        max_call_s: options.MaxCallS = None,
        tools: options.Tools = None,
        phone_numbers: options.PhoneNumbers = None,
        hosts: options.Hosts = None,
        variants: options.Variants = None,
        enabled: options.Enabled = None,
    ) -> None:
        """A new account, by options or from a file.

        Name, greeting and instructions have to be said; else the service's own
        is taken for what is left out. A LIST has commas between. With --preview
        it is written after its greeting was spoken, and only then.
        """
        settings = load()
        from cli.accounts.saving import build, read_one, save

        account = _here(lambda: build(account_id, {}, read_one(file) if file else None, options.given(context.params)))
        _preview(settings, account, preview)
        _run(save(_url(settings), account, before=None))
        typer.echo(f"{account.id}: added.")

    @group.command()
    def edit(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        context: typer.Context,
        account_id: AccountId,
        file: RecordFile = None,
        clear: Annotated[
            str | None, typer.Option(help="Fields that become the service's own again.", metavar="LIST")
        ] = None,
        preview: Preview = None,
        name: options.Name = None,
        greeting: options.Greeting = None,
        instructions: options.Instructions = None,
        voice: options.Voice = None,
        language_hints: options.LanguageHints = None,
        llm_model: options.LlmModel = None,
        stt_model: options.SttModel = None,
        tts_model: options.TtsModel = None,
        profile: options.Profile = None,
        max_tokens: options.MaxTokens = None,
        max_calls: options.MaxCalls = None,
        max_call_s: options.MaxCallS = None,
        tools: options.Tools = None,
        phone_numbers: options.PhoneNumbers = None,
        hosts: options.Hosts = None,
        variants: options.Variants = None,
        enabled: options.Enabled = None,
    ) -> None:
        """Change an account by options, or without any in $EDITOR.

        It is checked before it is written, and asked for again where it is wrong.
        A LIST has commas between, and replaces the one that was there. With
        --preview it is written after its greeting was spoken, and only then.
        """
        settings = load()
        from accounts.record import to_values
        from cli.accounts.editing import edit_by_hand
        from cli.accounts.listing import account_text
        from cli.accounts.place import account_of
        from cli.accounts.saving import build, read_one, save

        url = _url(settings)
        before, _ = _run(account_of(url, account_id))
        changes, cleared = options.given(context.params), options.cleared(clear)
        if changes or cleared or file is not None:
            record = _here(lambda: read_one(file)) if file else None
            values = to_values(before) if record is None else {}
            after = _here(lambda: build(account_id, values, record, changes, cleared))
        else:

            def write(account: Account, replaced: Account) -> None:
                if preview is not None:
                    typer.echo(asyncio.run(_spoken(settings, account, preview)))
                asyncio.run(save(url, account, before=replaced))

            text = account_text(before, settings, _tools(service))
            after = _here(lambda: edit_by_hand(before, text, write))
            typer.echo(f"{account_id}: {'written' if after else 'the same as before'}.")
            return
        _preview(settings, after, preview)
        if after != before:
            _run(save(url, after, before=before))
        typer.echo(f"{account_id}: {'written' if after != before else 'the same as before'}.")

    @group.command()
    def remove(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        account_id: AccountId,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    ) -> None:
        """Delete an account.

        Its callers are answered by the service's own agent from then on.
        """
        settings = load()
        from cli.accounts.saving import remove as remove_account

        if not yes:
            typer.confirm(f"Delete {account_id}?", abort=True, err=True)
        _run(remove_account(_url(settings), account_id))
        typer.echo(f"{account_id}: removed.")

    @group.command("import")
    def import_command(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        path: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="YAML, JSON, JSONL, or a folder of YAML.")],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be new, changed or the same.")] = False,
    ) -> None:
        """Write all records of a file or folder, or none if one is wrong.

        Accounts that it does not have stay as they are.
        """
        settings = load()
        from cli.accounts.importing import plan_import, write

        url = _url(settings)
        plan = _run(plan_import(url, path))
        for line in plan.lines() if dry_run else ():
            typer.echo(line)
        if not dry_run:
            _run(write(url, [*plan.new, *plan.changed]))
        typer.echo(f"{plan}.{' Nothing was written.' if dry_run else ''}")

    @group.command()
    def export(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        path: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="Its ending says how: .yaml, .json, .jsonl.")],
    ) -> None:
        """Write all records to a file, or to a folder with a file each.

        `account import` reads them back.
        """
        settings = load()
        from cli.accounts.exporting import export as export_accounts
        from cli.accounts.place import everything

        found = _run(everything(_url(settings)))
        _here(lambda: export_accounts(list(found.accounts.values()), path))
        for line in found.problems():
            typer.echo(f"left out: {line}", err=True)
        typer.echo(f"{path}: {_count(len(found.accounts), 'account')}.")
        raise typer.Exit(FOUND_PROBLEMS if found.broken else 0)

    @group.command()
    def check(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        account_ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="All without one.")] = None,
    ) -> None:
        """Read every record: a line for each problem and each warning.

        A problem: a record that cannot be read, a number that two of them claim.
        A warning: a greeting that no voice can say, a tool that the agent lacks.
        """
        settings = load()
        from cli.accounts.checking import NOT_CHECKED, check_accounts
        from cli.accounts.place import everything

        only = account_ids or []
        found = _run(everything(_url(settings)))
        if unknown := [each for each in only if each not in found.accounts and each not in found.broken]:
            _end(Refused([f"ID: got {each!r}, no such account; `account list` has all" for each in unknown]))
        findings = check_accounts(found, only, _tools(service))
        for line in findings.problems:
            typer.echo(line)
        for line in findings.warnings:
            typer.echo(line)
        read = len(only) or len(found.accounts) + len(found.broken)
        problems, warnings = len(findings.problems), len(findings.warnings)
        typer.echo(f"{_count(read, 'account')}: {_count(problems, 'problem')}, {_count(warnings, 'warning')}.")
        typer.echo(NOT_CHECKED)
        raise typer.Exit(FOUND_PROBLEMS if findings.problems else 0)


def _url(settings: Settings) -> str:
    return settings.accounts_url.get_secret_value()


def _run(work: Coroutine[None, None, T]) -> T:
    return _here(lambda: asyncio.run(work))


def _here(work: Callable[[], T]) -> T:
    """The result of `work`; or its readable lines and its exit code."""
    try:
        return work()
    except Refused as refused:
        _end(refused)


def _end(refused: Refused) -> NoReturn:
    for line in refused.lines:
        typer.echo(line, err=True)
    raise typer.Exit(refused.code)


def _preview(settings: Settings, account: Account, file: Path | None, *, err: bool = False) -> None:
    if file is not None:
        typer.echo(_run(_spoken(settings, account, file)), err=err)


async def _spoken(settings: Settings, account: Account, file: Path) -> str:
    from cli.accounts.saving import preview

    return str(await preview(settings, account, file))


def _tools(service: Service) -> list[str] | None:
    """The names of the agent's tools; None, said in a line, if the agent cannot be made here."""
    from cli.accounts.checking import tools_of

    try:
        return tools_of(service)
    except Exception as error:  # noqa: BLE001  # the user's own code
        typer.echo(f"agent.py: the agent cannot be made ({type(error).__name__}), so its tools are not known", err=True)
        return None


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
