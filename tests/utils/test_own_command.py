"""The command by which a program starts itself again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROGRAM = "import json\nfrom utils.own_command import own_command\nprint(json.dumps(own_command()))\n"


@pytest.mark.parametrize(
    ("started", "command"),
    [
        (("program.py", "dev"), ("program.py",)),
        (("-m", "program", "dev"), ("-m", "program")),
        (("-m", "folder.inner", "dev"), ("-m", "folder.inner")),
    ],
    ids=["a file", "a module", "a package"],
)
def test_it_starts_the_same_program(tmp_path: Path, started: tuple[str, ...], command: tuple[str, ...]) -> None:
    """However it was started, and without its arguments."""
    (tmp_path / "program.py").write_text(PROGRAM)
    inner = tmp_path / "folder" / "inner"
    inner.mkdir(parents=True)
    for package in (inner, inner.parent):
        (package / "__init__.py").touch()
    (inner / "__main__.py").write_text(PROGRAM)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, *started], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout) == [sys.executable, *command]
