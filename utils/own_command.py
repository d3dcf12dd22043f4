"""How this program was started, so that it can start itself once more."""

from __future__ import annotations

import sys


def own_command() -> list[str]:
    """The interpreter and what it runs: `agent.py`, or `-m` and a module; without the arguments behind that."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is None:
        return [sys.executable, sys.argv[0]]
    return [sys.executable, "-m", spec.name.removesuffix(".__main__")]
