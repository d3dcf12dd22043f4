"""The README's commands as they stand, and what the command says of what it cannot use."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from typer.testing import CliRunner

from examples.simple_test_client.__main__ import app
from tests.conftest import MakeSettings  # noqa: TC001  # a fixture's type

ROOT = Path(__file__).parents[3]
README = (ROOT / "examples" / "simple_test_client" / "README.md").read_text(encoding="utf-8")
CALL_LIMIT_S = 150.0


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(make_settings: MakeSettings) -> None:
    """The command runs in the test's own folder, and without a key."""
    assert callable(make_settings)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=CALL_LIMIT_S,
        check=False,
    )


def test_the_command_calls_an_agent_without_keys() -> None:
    """It starts all that is missing, is greeted, asks, is answered; the answer is a WAV file of that length."""
    block = re.search(r"```sh\n(.*?)\n```", README)
    assert block is not None
    words = shlex.split(block[1])
    assert words[:3] == ["uv", "run", "-m"]
    done = run(*words[3:])
    assert done.returncode == 0, done.stdout + done.stderr
    for pattern in (
        r"joined +\d+ ms",
        r"time to first word +\d+ ms",
        r"opening_hours\.wav +1\.5 s, frames late p50 [\d.]+, p99 [\d.]+ ms",
        r"response gap +\d+ ms",
        r"you: .*opening hours",
        r"agent-\S+: Hello, this is Nora",
    ):
        assert re.search(pattern, done.stdout), f"{pattern} in\n{done.stdout}"
    recorded = re.search(r"recorded +([\d.]+) s in answer\.wav", done.stdout)
    assert recorded is not None
    with wave.open("answer.wav", "rb") as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(float(recorded[1]), abs=0.06)


def test_a_file_that_cannot_be_played_is_told_before_anything_starts() -> None:
    """The file, what it is, and what is allowed; exit code 2, at once and without a traceback."""
    Path("notes.mp3").write_text("These are notes.")
    done = CliRunner().invoke(app, ["notes.mp3"])
    assert done.exit_code == 2
    assert done.stderr.startswith("notes.mp3: not sound")
    assert "allowed: a whole file with sound" in done.stderr
    assert "starting" not in done.stderr


def test_a_livekit_without_its_key_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which settings are missing, and with what they come; exit code 2."""
    monkeypatch.setenv("LIVEKIT_URL", "ws://127.0.0.1:9")
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 2
    assert "LIVEKIT_API_KEY" in done.stderr


def test_a_livekit_that_is_not_there_is_told() -> None:
    """Its address is named; exit code 1."""
    done = run(
        "examples.simple_test_client",
        LIVEKIT_URL="ws://127.0.0.1:9",
        LIVEKIT_API_KEY="key",
        LIVEKIT_API_SECRET="a-secret-of-thirty-two-letters-or-more",
    )
    assert done.returncode == 1
    assert "cannot join at ws://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_bench_of_the_readme_can_be_run() -> None:
    """The module that the README names takes its options."""
    (module,) = set(re.findall(r"`uv run -m (\S+bench)`", README))
    done = run(module, "--help")
    assert done.returncode == 0
    assert "--seconds" in done.stdout
