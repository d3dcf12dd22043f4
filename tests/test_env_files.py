from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr

import config
from config import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(config.__file__).parent
EXAMPLE = ROOT / ".env.example"
PERFORMANCE = ROOT / ".env.performance"
DIFFERENT = {"profile": "fast", "http_timeout": 5.0, "max_retries": 1}
"""What `.env.performance` sets otherwise than the default."""


class Line(NamedTuple):
    """A setting in an env file: its name, its value as text, and the comment lines above it, joined."""

    name: str
    value: str
    comment: str


def parsed(file: Path) -> Iterator[Line]:
    comment: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
        elif "=" in line:
            name, value = line.split("=", 1)
            yield Line(name, value, " ".join(comment))
            comment = []
        else:
            comment = []


LINES = [*parsed(EXAMPLE), *parsed(PERFORMANCE)]


def as_text(default: object) -> str:
    """A default as the comments write it."""
    match default:
        case None:
            return "the profile's"
        case "":
            return "the text"
        case ():
            return "none"
        case bool():
            return str(default).lower()
        case SecretStr():
            return default.get_secret_value()
        case tuple():
            return ",".join(map(str, cast("tuple[object, ...]", default)))
        case _:
            return str(default)


def by_name(line: Line) -> str:
    return line.name


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without files and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.lower() in Settings.model_fields:
            monkeypatch.delenv(name)
    return tmp_path


def append(directory: Path) -> None:
    """The command that the head of `.env.performance` gives."""
    (command,) = [line.removeprefix("#").strip() for line in PERFORMANCE.read_text().splitlines() if "cat " in line]
    assert command == "cat .env.performance >> .env"
    (directory / PERFORMANCE.name).write_bytes(PERFORMANCE.read_bytes())
    subprocess.run(command, shell=True, cwd=directory, check=True, timeout=10)


def test_every_setting_is_in_exactly_one_file() -> None:
    """Each setting is in one of the two files, once, and nothing else is."""
    assert sorted(line.name for line in LINES) == sorted(name.upper() for name in Settings.model_fields)


@pytest.mark.parametrize("line", LINES, ids=by_name)
def test_every_line_has_a_comment_that_gives_its_range_and_default(line: Line) -> None:
    """The range, the default and the value that a comment names are those of the class and of the line."""
    field = Settings.model_fields[line.name.lower()]
    assert line.comment, "a line without a comment"
    bounds = {type(rule).__name__: rule for rule in field.metadata}
    if ge := bounds.get("Ge"):
        le = bounds["Le"]
        low, high = f"{ge.ge}", f"{le.le}"
        spoken = re.search(r"(?:Range: |, )(-?[\d.]+) to ([\d.]+?)[;.] ", line.comment)
        assert spoken, "a number without its range"
        assert (spoken[1], spoken[2]) == (low, high)
    if told := re.search(r"(?:Default|Empty): (the [^\s.]+|\S+?)\.?(?: |$)", line.comment):
        expected = as_text(field.default)
        assert told[1] == expected
        here = re.search(r"Here: (\S+)", line.comment)
        if line.value:
            assert line.value == (here[1] if here else expected)
        assert (here is not None) == (line.name.lower() in DIFFERENT)
    else:
        assert field.default is None, "a comment without the default"
    for choice in getattr(field.annotation, "__args__", ()):
        if isinstance(choice, str):
            assert choice in line.comment, "a choice that the comment does not name"


@pytest.mark.parametrize("line", LINES, ids=by_name)
def test_a_duration_names_its_unit(line: Line) -> None:
    """Each float setting is a duration: its description and its comment both say seconds."""
    field = Settings.model_fields[line.name.lower()]
    if "float" in str(field.annotation) and line.name != "STT_ENDPOINT_SENSITIVITY":
        assert "Seconds" in (field.description or "")
        assert "Seconds" in line.comment


def test_the_example_changes_nothing_as_it_is(empty_directory: Path) -> None:
    """`cp .env.example .env` leaves every setting at its default until a line is filled."""
    before = read_settings()
    (empty_directory / ".env").write_bytes(EXAMPLE.read_bytes())
    assert read_settings() == before
    assert read_settings().model_fields_set == set()


@pytest.mark.parametrize("rest", ["", "PROFILE=steady\nMIN_ENDPOINTING_DELAY=0.9\nOPENAI_API_KEY=k\nGREETING=Hi\n"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_appending_the_performance_file_does_what_its_head_says(empty_directory: Path, rest: str, end: str) -> None:
    """What it sets replaces what stood above, also in a file without a last newline; the rest is left alone."""
    file = empty_directory / ".env"
    file.write_text(rest.rstrip("\n") + end)
    before = read_settings()
    append(empty_directory)
    after = read_settings()
    expected = {name: field.default for name, field in Settings.model_fields.items()} | DIFFERENT
    for line in parsed(EXAMPLE):
        expected[line.name.lower()] = getattr(before, line.name.lower())
    assert {name: getattr(after, name) for name in Settings.model_fields} == expected
    append(empty_directory)
    assert read_settings() == after, "appending twice changes nothing more"


def test_a_variable_of_the_environment_wins_over_the_appended_file(
    empty_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its head says, the file does not silence the environment."""
    monkeypatch.setenv("PROFILE", "steady")
    append(empty_directory)
    assert read_settings().profile == "steady"


@pytest.mark.parametrize("file", [EXAMPLE, PERFORMANCE], ids=lambda file: str(file.name))
def test_a_file_holds_no_secret_and_parses_as_dotenv(file: Path) -> None:
    """No secret has a value; python-dotenv reads the same names and values as a shell-like reader does."""
    values = dotenv_values(file)
    assert values == {line.name: line.value for line in parsed(file)}
    secret = [name.upper() for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]
    assert len(secret) == 7
    assert not any(values.get(name) for name in [*secret, "LIVEKIT_API_KEY"])
