"""`account list` and `account show`: a row an account, and one account as YAML beside what is the service's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from accounts.record import Account
    from cli.accounts.place import Everything
    from config import Settings


def accounts_table(found: Everything) -> Table:
    """By id, broken records too; at 80 columns long values are folded, not cut."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in ("id", "name", "enabled", "numbers", "voice"):
        table.add_column(name, overflow="fold")
    table.add_column("version", justify="right")
    for name in sorted({*found.accounts, *found.broken}):
        version = str(found.versions.get(name, "-"))
        account = found.accounts.get(name)
        if account is None:
            table.add_row(name, Text("broken: `account check` says why", "red"), "", "", "", version)
            continue
        enabled = Text("yes", "green") if account.enabled else Text("no", "yellow")
        voice = Text(account.voice) if account.voice else Text("the service's", "dim")
        table.add_row(name, Text(account.name), enabled, Text("\n".join(account.phone_numbers)), voice, version)
    return table


def accounts_json(found: Everything) -> str:
    """The same rows for programs, with all numbers and hosts; `problems` are there for a broken record alone."""
    rows: list[dict[str, object]] = []
    for name in sorted({*found.accounts, *found.broken}):
        account, version = found.accounts.get(name), found.versions.get(name)
        if account is None:
            rows.append({"id": name, "version": version, "problems": found.broken[name].problems})
            continue
        rows.append(
            {
                "id": name,
                "name": account.name,
                "enabled": account.enabled,
                "phone_numbers": list(account.phone_numbers),
                "hosts": list(account.hosts),
                "voice": account.voice,
                "version": version,
            }
        )
    return json.dumps(rows, ensure_ascii=False, indent=2)


def account_text(account: Account, settings: Settings, tools: Sequence[str] | None) -> str:
    """The record as YAML that can be read again; what is the service's own stands below it as comments.

    `tools`: of the service's agent; None where they are not known.
    """
    from accounts.record import to_values
    from utils import yaml_text

    return yaml_text.dump(to_values(account)) + "".join(
        f"# {line}\n" for line in _own_lines(_service_own(account, settings, tools))
    )


def _own_lines(own: Mapping[str, str]) -> list[str]:
    return ["The service's own, since the account does not say:", *(f"  {name}: {told}" for name, told in own.items())]


def _service_own(account: Account, settings: Settings, tools: Sequence[str] | None) -> dict[str, str]:
    from accounts.record import SERVICE_SETTINGS

    own: dict[str, str] = {}
    for name, setting in SERVICE_SETTINGS.items():
        if getattr(account, name) is None:
            value = getattr(settings, setting)
            own[name] = f"[{', '.join(value)}]" if isinstance(value, tuple) else str(value)
    if account.tools is None:
        own["tools"] = "all of the agent's" if tools is None else f"[{', '.join(tools)}]"
    if account.max_calls is None:
        own["max_calls"] = f"no limit but a worker's own ({settings.max_calls})"
    if account.max_call_s is None:
        own["max_call_s"] = "no limit"
    return own
