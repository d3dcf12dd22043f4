"""Settings for a process that this one starts: by its environment."""

from __future__ import annotations

import os
from typing import cast

from pydantic import SecretStr

from config import Settings


def child_environment(**changes: object) -> dict[str, str]:
    """This process's environment with `changes` (by field name) written over it, for a child process.

    The child reads `.env` and `performance.yaml` itself, so a change there reaches it at its next start.
    It holds secrets: never print it. Raises ValueError for a name that is not a setting.
    """
    environment = dict(os.environ)
    for name, value in changes.items():
        if name not in Settings.model_fields:
            raise ValueError(f"unknown setting {name!r}")
        environment[name.upper()] = _as_text(value)
    return environment


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return ",".join(cast("tuple[str, ...]", value))
    return str(value)
