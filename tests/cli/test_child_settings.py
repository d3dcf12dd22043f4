"""What a child process is given to read its settings from."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

import config
from cli.child_settings import child_environment
from config import Settings, read_settings

GIVEN = {
    "LIVEKIT_URL": "ws://127.0.0.1:7880",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "hidden-livekit",
    "OPENAI_API_KEY": "hidden-openai",
    "SONIOX_API_KEY": "hidden-soniox",
    "ELEVEN_API_KEY": "hidden-eleven",
    "ACCOUNTS_URL": "postgresql://desk:hidden-accounts@host/desk",
}


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory without files, an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.lower() in Settings.model_fields:
            monkeypatch.delenv(name)


def test_a_child_gets_equal_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child with this environment reads the same settings, whichever place each of them comes from."""
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    Path(".env").write_text("GREETING='Hi, \"you\" = #1'\nPROFILE=steady\nNOISE_CANCELLATION=true\n")
    Path("performance.yaml").write_text("language_hints: [ar, de]\nhttp_timeout: 3\nmin_endpointing_delay: 0.25\n")
    script = (
        "import pickle, sys; from config import read_settings; "
        "sys.stdout.buffer.write(pickle.dumps(read_settings().model_dump()))"
    )
    environment = child_environment() | {"PYTHONPATH": str(Path(config.__file__).parent)}
    child = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True, timeout=60)
    settings = read_settings()
    assert pickle.loads(child.stdout) == settings.model_dump()
    assert settings.greeting == 'Hi, "you" = #1'


def test_changes_reach_the_child_and_not_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes win over every file, each type as its own text, and this process keeps its environment."""
    monkeypatch.setenv("OTHER", "stays")
    Path(".env").write_text("WORKERS=9\n")
    changes = {
        "workers": 3,
        "enable_interruptions": False,
        "language_hints": ("ar", "en"),
        "openai_api_key": SecretStr("k"),
        "http_timeout": 2.5,
        "greeting": "Hi",
        "soniox_base_url": "ws://127.0.0.1:1",
    }
    environment = child_environment(**changes)
    assert environment["OTHER"] == "stays"
    assert "WORKERS" not in os.environ
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    child = read_settings()
    assert {name: getattr(child, name) for name in changes} == changes


def test_a_change_to_nothing_takes_the_variable_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """None takes a variable of the environment away: the child falls back to its files and the default."""
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    for name, value in child_environment(openai_api_key=None).items():
        monkeypatch.setenv(name, value)
    assert read_settings().openai_api_key is None


def test_a_change_of_an_unknown_name_is_refused() -> None:
    """A misspelt change is an error, and its message does not hold the value."""
    with pytest.raises(ValueError, match="unknown setting 'openai_key'") as caught:
        child_environment(openai_key="hidden")
    assert "hidden" not in str(caught.value)
