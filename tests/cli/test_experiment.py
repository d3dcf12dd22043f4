"""`experiment list` and `experiment report`: what they print, and what they refuse."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import typer
from program import Ran
from typer.testing import CliRunner

from accounts.outcomes import write_outcomes
from accounts.sql.store import SqlStore
from cli.experiment import add_experiment
from tests.accounts.trials import Trial

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from small_servers import MakeSettings

FILE = """
trial: {by: call, variants: {a: {weight: 50}, b: {weight: 50, settings: {openers: false}}}}
voice: {by: account, enabled: false, variants: {one: {weight: 90}, two: {weight: 10, settings: {tts_voice: second}}}}
"""

CALLS_OF_A = sum(each.parts["trial"].variant == "a" for each in Trial(calls=200).run(1))


@pytest.fixture
def run(make_settings: MakeSettings, tmp_path: Path) -> Callable[..., Ran]:
    """In this process, in a folder with the file of experiments."""
    (tmp_path / "experiments.yaml").write_text(FILE)

    def ran(*arguments: str, columns: int = 80, **fields: Any) -> Ran:
        settings = make_settings(**fields)
        app = typer.Typer()
        app.callback()(lambda: None)
        add_experiment(app, lambda: settings)
        result = CliRunner().invoke(app, ["experiment", *arguments], env={"COLUMNS": str(columns)})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Ran(result.exit_code, result.output)

    return ran


def write_calls(url: str) -> None:
    async def write() -> None:
        database = SqlStore(url)
        await write_outcomes(database, Trial(calls=200, slower=0.4).run(1))
        await database.aclose()

    asyncio.run(write())


def test_each_command_explains_itself(run: Callable[..., Ran]) -> None:
    """In 80 columns, with its exit codes."""
    for arguments, words in (
        (["-h"], ["report", "list", "Exit codes"]),
        (["report", "-h"], ["--json", "--days", "--control", "too few calls"]),
    ):
        told = run(*arguments)
        assert told.code == 0
        assert [word for word in words if word not in told.output] == []
        assert max(map(len, told.output.splitlines())) <= 80


def test_the_list_shows_what_runs(run: Callable[..., Ran], tmp_path: Path) -> None:
    """Variants, what they change, and their calls; nothing is made that was not there."""
    told = run("list")
    assert told.code == 0
    lines = [line.split() for line in told.output.splitlines()]
    assert ["trial", "call", "a", "50", "0", "the", "service's", "own"] in lines
    assert ["b", "50", "0", "openers:", "false"] in lines
    assert ["voice", "account,", "off", "one", "90", "0", "the", "service's", "own"] in lines
    assert not (tmp_path / "accounts.db").exists()
    write_calls("sqlite:///accounts.db")
    counts = [line.split() for line in run("list").output.splitlines()]
    assert [int(line[4]) for line in counts if line[:3] == ["trial", "call", "a"]] == [CALLS_OF_A]


def test_no_file_is_no_experiment(run: Callable[..., Ran], tmp_path: Path) -> None:
    """It says where it looked."""
    (tmp_path / "experiments.yaml").unlink()
    assert run("list").output == "No experiments in experiments.yaml.\n"
    assert run("report").output == "No experiments, and no calls of any.\n"


@pytest.mark.parametrize("url", ["sqlite:///accounts.db", "folder:records"])
def test_the_report_has_figures_and_a_verdict(run: Callable[..., Ran], tmp_path: Path, url: str) -> None:
    """In 80 columns; wherever the accounts are kept."""
    (tmp_path / "records").mkdir()
    write_calls("sqlite:///records/outcomes.db" if url.startswith("folder") else url)
    told = run("report", "trial", accounts_url=url)
    assert told.code == 0
    assert "trial by call, 200 calls" in told.output
    assert "response gap: b is worse by" in told.output
    assert "voice" not in told.output
    assert max(map(len, told.output.splitlines())) <= 80


def test_all_experiments_without_a_name(run: Callable[..., Ran]) -> None:
    """Those without a call, too."""
    write_calls("sqlite:///accounts.db")
    told = run("report")
    assert "trial by call, 200 calls" in told.output
    assert "voice by account, switched off, 0 calls" in told.output


def test_the_report_as_json(run: Callable[..., Ran], tmp_path: Path) -> None:
    """Each figure, for programs; a place that cannot be written is named."""
    write_calls("sqlite:///accounts.db")
    assert run("report", "trial", "--json", "out.json").code == 0
    (report,) = json.loads((tmp_path / "out.json").read_text())
    assert (report["experiment"], report["calls"], len(report["findings"])) == ("trial", 200, 7)
    told = run("report", "trial", "--json", "nowhere/out.json")
    assert told.code == 2
    assert "--json: got 'nowhere/out.json'" in told.output


def test_another_control_and_the_last_days(run: Callable[..., Ran]) -> None:
    """The other side of the same difference; calls of 2023 are not of the last days."""
    write_calls("sqlite:///accounts.db")
    assert "response gap: a is better by" in run("report", "trial", "--control", "b").output
    assert "trial by call, 0 calls" in run("report", "trial", "--days", "30").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "nothing"], "NAME: got 'nothing', allowed: trial, voice"),
        (["report", "trial", "--control", "c"], "--control: got 'c', allowed: a, b"),
        (["report", "--control", "b"], "--control: got 'b', allowed: with the NAME of one experiment"),
        (["report", "--days", "0"], "Invalid value for '--days'"),
    ],
)
def test_a_wrong_word_is_told(run: Callable[..., Ran], arguments: list[str], said: str) -> None:
    """With what is allowed, and exit code 2."""
    told = run(*arguments, columns=200)
    assert told.code == 2
    assert said in told.output


def test_a_broken_file_is_told(run: Callable[..., Ran], tmp_path: Path) -> None:
    """A line for each problem."""
    (tmp_path / "experiments.yaml").write_text(FILE.replace("weight: 50", "weight: 60"))
    told = run("report")
    assert told.code == 2
    assert told.output == (
        "experiments.yaml: trial: variants: got 'weights of 120 together', allowed: percents, 100 in all\n"
    )


def test_a_database_that_is_away_is_told(run: Callable[..., Ran], tmp_path: Path) -> None:
    """Without a traceback and without its password; exit code 1 for what is none."""
    (tmp_path / "accounts.db").write_bytes(b"no database, " * 100)
    told = run("report")
    assert told.code == 1
    assert told.output.startswith("The calls are not reached: ")
    told = run("report", accounts_url="postgresql://user:verysecret@127.0.0.1:1/db")
    assert told.code == 1
    assert "verysecret" not in told.output
    told = run("report", accounts_url="mysql://user:verysecret@host/db")
    assert (told.code, "ACCOUNTS_URL" in told.output, "verysecret" in told.output) == (2, True, False)
