"""`doctor`: every check at once, one table, and for each failure what to do."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.checks.livekit_server import check_livekit
from cli.checks.machine import (
    check_health_port,
    check_noise_cancellation,
    check_programs,
    check_settings,
    check_versions,
)
from cli.checks.providers import check_elevenlabs, check_openai, check_soniox
from utils.text import Mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.checks.result import Check, CheckResult
    from config import Settings

CHECKS: tuple[Check, ...] = (
    check_versions,
    check_settings,
    check_livekit,
    check_openai,
    check_soniox,
    check_elevenlabs,
    check_noise_cancellation,
    check_health_port,
    check_programs,
)
LIMIT_S = 5.0
STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "skipped": "dim"}


async def run_checks(
    settings: Settings, *, limit_s: float = LIMIT_S, checks: Sequence[Check] = CHECKS
) -> list[CheckResult]:
    """Runs all checks at once; the results are in the order of `checks`. No result holds a secret.

    `limit_s` bounds each single request: a server that does not answer is a failed check.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(check(settings, limit_s)) for check in checks]
    mask = Mask(_secrets(settings))
    return [
        replace(result, found=mask.text(result.found), remedy=mask.text(result.remedy))
        for task in tasks
        for result in task.result()
    ]


def render(results: Sequence[CheckResult]) -> Table:
    """One row a check; what to do stands beside what was found."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("check", no_wrap=True)
    table.add_column("")
    table.add_column("found", overflow="fold")
    table.add_column("what to do", overflow="fold")
    for result in results:
        table.add_row(
            Text(result.name), Text(result.status, STYLES[result.status]), Text(result.found), Text(result.remedy)
        )
    return table


def exit_code(results: Sequence[CheckResult]) -> int:
    """1 if a check failed, else 0: a warning is no failure."""
    return int(any(result.status == "fail" for result in results))


def run_doctor(settings: Settings, console: Console | None = None) -> int:
    """Runs all checks, prints their table and one line with the outcome; returns the exit code."""
    console = console or Console()
    results = asyncio.run(run_checks(settings))
    console.print(render(results))
    console.print()
    failed = [result.name for result in results if result.status == "fail"]
    console.print(
        f"Not ready: {', '.join(failed)}" if failed else "Ready.", style="bold red" if failed else "bold green"
    )
    return exit_code(results)


def _secrets(settings: Settings) -> list[str]:
    values = (getattr(settings, name) for name in type(settings).model_fields)
    return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
