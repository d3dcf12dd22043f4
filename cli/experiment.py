"""The commands `experiment report` and `experiment list`: what runs, and what it has given so far."""

from __future__ import annotations

import asyncio
import json as jsons
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from accounts.outcomes import Outcome
    from accounts.variants import Experiment
    from config import Settings

HELP = """Which variant is better: the experiments of EXPERIMENTS_FILE.

Exit codes: 0 done, 1 the calls are not reached, 2 what was given is wrong.
"""
NO_ANSWER = 1
BAD_INPUT = 2
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write every figure to this file.", dir_okay=False)]


def add_experiment(app: typer.Typer, load: Callable[[], Settings]) -> None:
    """Add the commands to `app`. `load` gives the settings, or ends with a readable line; imports wait until then."""
    group = typer.Typer(help=HELP, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
    app.add_typer(group, name="experiment", rich_help_panel="Accounts")

    @group.command("list")
    def list_command() -> None:  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        """The experiments of the file: their variants, what those change, and their calls so far."""
        settings = load()
        experiments = _experiments(settings)
        if not experiments:
            typer.echo(f"No experiments in {settings.experiments_file}.")
            return
        outcomes = _outcomes(settings, None)
        Console(highlight=False).print(experiments_table(experiments, outcomes))

    @group.command()
    def report(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        name: Annotated[str | None, typer.Argument(help="An experiment. Without it: all with calls.")] = None,
        days: Annotated[int | None, typer.Option(help="Only the calls of the last days.", min=1, max=3650)] = None,
        control: Annotated[str | None, typer.Option(help="The variant to compare with, not the first.")] = None,
        json: JsonFile = None,
    ) -> None:
        """Compare variants by first word, gap, false interruptions and errors: better, worse, or too few calls."""
        settings = load()
        known = {each.name: each for each in _experiments(settings)}
        outcomes = _outcomes(settings, None if days is None else datetime.now(UTC) - timedelta(days=days))
        names = sorted({*known, *(each for outcome in outcomes for each in outcome.parts)})
        if name is not None and name not in names:
            _refuse(f"NAME: got {name!r}, allowed: {', '.join(names) or 'none, there are no experiments'}")
        if control is not None and name is None:
            _refuse(f"--control: got {control!r}, allowed: with the NAME of one experiment")
        _print_reports([name] if name else names, known, outcomes, control, json)


def experiments_table(experiments: Sequence[Experiment], outcomes: Sequence[Outcome]) -> Table:
    """A line a variant. Calls are those that a report would take, so none that somebody chose the variant of."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in ("experiment", "by", "variant", "percent", "calls", "settings"):
        right = heading in ("percent", "calls")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for experiment in experiments:
        counts = _calls(experiment, outcomes)
        state = experiment.by if experiment.enabled else f"{experiment.by}, off"
        for number, variant in enumerate(experiment.variants):
            changes = [f"{name}: {_plain(value)}" for name, value in variant.settings.items()]
            table.add_row(
                *((experiment.name, state) if number == 0 else ("", "")),
                variant.name,
                f"{variant.weight:g}",
                str(counts[variant.name]),
                ", ".join(changes) or "the service's own",
            )
    return table


def _print_reports(
    names: Sequence[str],
    known: Mapping[str, Experiment],
    outcomes: Sequence[Outcome],
    control: str | None,
    json: Path | None,
) -> None:
    from accounts.report import build_report
    from accounts.report_text import notes, sentence, tables

    console, reports = Console(highlight=False), list[dict[str, Any]]()
    for name in names:
        try:
            report = build_report(name, outcomes, known.get(name), control=control)
        except ValueError as error:
            _refuse(f"--control: {error}")
        reports.append(report.as_dict())
        running = "" if name not in known or known[name].enabled else ", switched off"
        console.print(f"[bold]{name}[/] by {report.by or 'an earlier file'}{running}, {report.calls} calls")
        if report.calls:
            for table in tables(report):
                console.print(table, "", sep="\n")
            for finding in report.findings:
                console.print(sentence(finding, report.unit_name), markup=False)
        console.print()
        for note in notes(report):
            console.print(note, style="dim", markup=False)
        console.print()
    if not names:
        typer.echo("No experiments, and no calls of any.")
    if json is not None:
        _write(json, reports)


def _experiments(settings: Settings) -> Sequence[Experiment]:
    from accounts.experiment_file import ExperimentsError, read_experiments

    try:
        return read_experiments(settings.experiments_file, settings)
    except ExperimentsError as error:
        _refuse(*error.problems)


def _outcomes(settings: Settings, since: datetime | None) -> Sequence[Outcome]:
    """What is written so far. A database that was never written is empty, and is not made."""
    from accounts.address import exists
    from accounts.outcomes import outcomes_url, read_outcomes
    from accounts.sql.store import SqlStore
    from accounts.store import StoreError

    async def read(url: str) -> tuple[list[Outcome], int]:
        if not exists(url):
            return [], 0
        store = SqlStore(url)
        try:
            return await read_outcomes(store, since=since)
        finally:
            await store.aclose()

    try:
        outcomes, unreadable = asyncio.run(read(outcomes_url(settings.accounts_url.get_secret_value())))
    except StoreError as error:
        print(f"The calls are not reached: {error}", file=sys.stderr)
        raise typer.Exit(NO_ANSWER) from None
    except ValueError as error:
        _refuse(f"ACCOUNTS_URL: {error}")
    if unreadable:
        print(f"{unreadable} calls cannot be read and are left out: another version wrote them.", file=sys.stderr)
    return outcomes


def _calls(experiment: Experiment, outcomes: Sequence[Outcome]) -> Counter[str]:
    parts = [each.parts[experiment.name] for each in outcomes if experiment.name in each.parts]
    return Counter(part.variant for part in parts if part.definition == experiment.definition and not part.forced)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else str(value)


def _write(file: Path, reports: list[dict[str, Any]]) -> None:
    try:
        file.write_text(jsons.dumps(reports, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        _refuse(f"--json: got {str(file)!r}, which cannot be written ({type(error).__name__}); allowed: a new file")


def _refuse(*problems: str) -> NoReturn:
    for problem in problems:
        print(problem, file=sys.stderr)
    raise typer.Exit(BAD_INPUT)
