"""The command line: its help, and what it says to a wrong word or a wrong setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from program import Ran, new_project, ran
from typer.testing import CliRunner

import agent
from cli.app import build_app

if TYPE_CHECKING:
    from pathlib import Path


def run(*arguments: str, columns: int = 80) -> Ran:
    """In this process: what is asked here needs no other."""
    result = CliRunner().invoke(build_app(agent.service), list(arguments), env={"COLUMNS": str(columns)})
    return Ran(result.exit_code, result.output)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_help_names_each_command_in_its_panel(columns: int) -> None:
    """In the order in which a new user needs them; nothing is wider than the terminal."""
    told = run("--help", columns=columns)
    assert told.code == 0
    places = [told.output.index(word) for word in ("A latency-first voice agent", " Run ", " dev ", " start ")]
    places += [told.output.index(word) for word in (" Check ", " doctor ", " Measure ", " soak ", " storm ", " bench ")]
    assert places == sorted(places)
    assert max(map(len, told.output.splitlines())) <= columns


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("dev", ["Needs no keys", "--page-port", "--no-reload", "--latency", "published|fixed", "--seed"]),
        ("start", ["drained on SIGTERM"]),
        ("doctor", ["says what to do for each failure"]),
    ],
)
def test_each_command_explains_itself(command: str, words: list[str]) -> None:
    """`-h` too; an option that only other parts of the project give is not shown."""
    told = run(command, "-h", columns=120)
    assert told.code == 0
    assert [word for word in words if word not in told.output] == []
    assert "--announce" not in told.output


def test_no_command_shows_the_help() -> None:
    """Instead of doing something that was not asked for."""
    assert "Talk to the agent in the browser" in run().output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["dev", "--page-port", "99999"], "Invalid value for '--page-port'"),
        (["dev", "--latency", "none"], "Invalid value for '--latency'"),
        (["start", "--now"], "No such option"),
    ],
)
def test_a_wrong_word_is_named(arguments: list[str], said: str) -> None:
    """Exit code 2, as shells have it."""
    told = run(*arguments)
    assert told.code == 2
    assert said in told.output


@pytest.mark.parametrize("command", ["dev", "start", "doctor"])
async def test_a_wrong_setting_is_one_line_and_exit_code_2(tmp_path: Path, command: str) -> None:
    """Of the program itself, from wherever the value came; no traceback, and no secret."""
    project = new_project(tmp_path)
    (project / ".env").write_text("MAX_RETRIES=abc\nLIVEKIT_API_SECRET=a-secret-of-mine\n")
    told = await ran(project, command, OPENAI_BASE_URL="nope", OPENAI_API_KEY="sk-a-secret-of-mine-1234")
    assert told.code == 2
    assert told.output.splitlines() == [
        f"The settings cannot be used ({project}):",
        "  OPENAI_BASE_URL: got 'nope', allowed: http://host/v1 or https://host/v1",
        "  MAX_RETRIES: got 'abc', allowed: a whole number from 0 to 10",
    ]
