"""The README's commands, as they stand."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import MakeSettings  # noqa: TC001  # a fixture's type

ROOT = Path(__file__).parents[3]
README = ROOT / "examples" / "save_conversation" / "README.md"
READY_LIMIT_S = 55.0


def test_the_command_starts_an_agent_without_keys(make_settings: MakeSettings, tmp_path: Path) -> None:
    """From any folder; Ctrl-C ends it."""
    block = re.search(r"```sh\n(.*?)\n```", README.read_text(encoding="utf-8"))
    assert block is not None
    words = shlex.split(block[1])
    assert words[:3] == ["uv", "run", "-m"]
    said = tmp_path / "said"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        said.open("wb") as output,
        subprocess.Popen(
            [sys.executable, *words[2:]], cwd=tmp_path, env=environment, stdout=output, stderr=subprocess.STDOUT
        ) as dev,
    ):
        try:
            until_s = time.monotonic() + READY_LIMIT_S
            while b"Talk to it" not in said.read_bytes():
                assert dev.poll() is None, said.read_text()
                assert time.monotonic() < until_s, said.read_text()
                time.sleep(0.1)
        finally:
            dev.send_signal(signal.SIGINT)
            dev.wait(20)
    assert dev.returncode == 0


@pytest.mark.parametrize("module", sorted(set(re.findall(r"`uv run -m ([\w.]+)", README.read_text(encoding="utf-8")))))
def test_what_measures_can_be_run(module: str) -> None:
    """The modules that the README names take their options."""
    asked = [sys.executable, "-m", module, "--help"]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=55, check=False)
    assert told.returncode == 0
    assert "--calls" in told.stdout
