"""LAZY_IMPORTS: what a worker imports with it and without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cli.eager_imports import OUTER, PLUGIN

PROJECT = Path(__file__).parents[2]


def imported(script: str) -> set[str]:
    """The modules of a new process after `script`: what one imported here would stay for the other tests."""
    told = subprocess.run(
        [sys.executable, "-c", f"{script}; import sys; print(*sys.modules)"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    return set(told.stdout.split())


def test_a_worker_imports_no_outer_folder_by_itself() -> None:
    """What `start` needs to serve is the core."""
    modules = imported("import orchestrator, cli.start, cli.app")
    assert "prewarm.kit" in modules
    assert not {name for name in modules if name.split(".")[0] in OUTER}
    assert PLUGIN not in modules


def test_everything_is_everything() -> None:
    """A module of each outer folder that is here, and the plugin."""
    modules = imported("from cli.eager_imports import import_everything; import_everything()")
    assert modules >= {"rooms.standby", "web.server", "sim.providers", "bench.run", PLUGIN}
