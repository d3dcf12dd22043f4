"""Noise cancellation is a switch. In processes of their own: the plugin stays in a process and speaks in every room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(script: str) -> str:
    """What `script` prints last; livekit's own noise goes to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip().splitlines()[-1]


def test_off_is_nothing_and_imports_nothing() -> None:
    """No options, and the plugin, its 125 ms and 70 MB, is not even loaded; not by the whole core either."""
    script = (
        "import sys, orchestrator\n"
        "from turns.noise_cancellation import noise_cancellation\n"
        "print(noise_cancellation(False), 'livekit.plugins.noise_cancellation' in sys.modules)"
    )
    assert run(script) == "None False"


def test_on_is_background_voice_cancellation() -> None:
    """BVC as the plugin makes it, and its model is in the package."""
    script = (
        "import json, pathlib\n"
        "from turns.noise_cancellation import noise_cancellation\n"
        "from livekit.plugins import noise_cancellation as krisp\n"
        "found, plain = noise_cancellation(True), krisp.BVC()\n"
        "print(found.options == plain.options, found.module_id == plain.module_id,"
        " pathlib.Path(found.options['modelPath']).is_file())"
    )
    assert run(script) == "True True True"
