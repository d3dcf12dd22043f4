"""`account`: what a user types, what the store has then, and what is said of what is wrong."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import pytest
import typer
from account_commands import FOLDER, NEEDED, SQLITE, Commands, account, kept, put
from program import Ran, new_project, program

import agent
from accounts.record import Account, parse_account
from cli.accounts.command import add_account
from utils import yaml_text

if TYPE_CHECKING:
    from pathlib import Path

    from small_servers import MakeSettings


@pytest.fixture
def url() -> str:
    return FOLDER


@pytest.fixture
def run(make_settings: MakeSettings, url: str) -> Commands:
    return Commands(make_settings, url)


@pytest.mark.parametrize("url", [FOLDER, SQLITE])
def test_an_account_is_added_shown_changed_and_removed(run: Commands, url: str) -> None:
    """In a folder and in a database alike; each step says what it did."""
    numbers = ("--phone-numbers", "+493012345678, +493012345679", "--tools", "none", "--variants", "openers=off")
    assert run("add", "harbour", *NEEDED, *numbers, "--max-calls", "3") == Ran(0, "harbour: added.\n")
    assert run("edit", "harbour", "--voice", "nora", "--clear", "max-calls,variants", "--disabled").output == (
        "harbour: written.\n"
    )
    expected = parse_account(
        {
            "id": "harbour",
            "name": "Harbour Dental",
            "greeting": "Hello, this is the harbour.",
            "instructions": "You are the desk.",
            "voice": "nora",
            "tools": [],
            "phone_numbers": ["+493012345678", "+493012345679"],
            "enabled": False,
        }
    )
    assert kept(url) == {"harbour": expected}
    shown = run("show", "harbour")
    assert shown.code == 0
    assert parse_account(yaml_text.load(shown.output)[0].value) == expected
    assert run("edit", "harbour", "--voice", "nora") == Ran(0, "harbour: the same as before.\n")
    assert run("remove", "harbour", "--yes") == Ran(0, "harbour: removed.\n")
    assert kept(url) == {}


def test_a_store_that_was_never_written_is_not_made_by_a_question(run: Commands, tmp_path: Path) -> None:
    """`list`, `show`, `check` and `export` leave the folder as it is, and `list` says what comes next."""
    assert run("list") == Ran(0, f"No account yet in {FOLDER}. `account add ID` makes one.\n")
    assert run("list", "--json") == Ran(0, "[]\n")
    assert run("show", "harbour").code == 2
    assert run("check").code == 0
    assert list(tmp_path.iterdir()) == []


def test_each_field_of_a_record_is_an_option() -> None:
    """Of `add` and of `edit`; a field that is new is missing here."""
    app = typer.Typer()
    add_account(app, agent.service, lambda: pytest.fail("no settings are read"))
    group = app.registered_groups[0].typer_instance
    assert group is not None
    commands = {each.callback.__name__: each.callback for each in group.registered_commands if each.callback}
    for name in ("add", "edit"):
        assert set(Account.model_fields) - {"id"} <= set(inspect.signature(commands[name]).parameters)


# ---- what is wrong is told, and nothing is written -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("harbour", *NEEDED, "--max-tokens", "3"), "harbour: max_tokens: got 3, allowed: a whole number from 16"),
        (("harbour", *NEEDED, "--voice", "a/b"), "harbour: voice: got 'a/b', allowed: a voice id"),
        (("harbour", *NEEDED, "--greeting", "{name}, hello"), "harbour: greeting: got '{name}, hello', allowed: a w"),
        (("harbour", *NEEDED, "--phone-numbers", "030 12345"), "harbour: phone_numbers: got '030 12345', allowed:"),
        (("Harbour!", *NEEDED), "id: got 'Harbour!', allowed: 1 to 64 of a-z"),
        (("harbour", *NEEDED[:4]), "harbour: instructions: missing; it has to be there"),
        (("harbour", *NEEDED, "--instructions", "@nothing.txt"), "got @nothing.txt, No such file or"),
        (("harbour", *NEEDED, "--variants", "openers"), "got 'openers'; allowed: EXPERIMENT=VARIANT"),
        (("harbour", *NEEDED, "--profile", "slow"), "Invalid value for '--profile'"),
        (("harbour", *NEEDED, "--preview", "nowhere/x.wav"), "got nowhere/x.wav; allowed: a file that"),
        (("harbour", *NEEDED, "--file", "nothing.yaml"), "nothing.yaml: not readable (No such file or directory)"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_written(
    run: Commands, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Field, value, what is allowed; exit code 2."""
    told = run("add", *arguments)
    assert told.code == 2
    assert said in told.output
    assert list(tmp_path.iterdir()) == []


def test_an_account_is_not_added_twice_and_no_number_is_anothers(run: Commands) -> None:
    """Both are the words of whoever typed them, so exit code 2."""
    put(account("harbour", phone_numbers=["+493012345678"]))
    twice = run("add", "harbour", *NEEDED)
    assert twice == Ran(2, "ID: got 'harbour', which is there already; `account edit` changes it\n")
    taken = run("add", "quay", *NEEDED, "--phone-numbers", "+493012345678")
    assert taken.code == 2
    assert taken.output.startswith("quay: phone_numbers: got '+493012345678', allowed: what no other account has")
    assert kept() == {"harbour": account("harbour", phone_numbers=["+493012345678"])}


def test_what_is_not_there_is_named(run: Commands) -> None:
    """By each command that takes an id."""
    put(account("harbour"))
    for command, *options in (["show"], ["edit", "--voice", "x"], ["remove", "--yes"], ["check"]):
        told = run(command, "quay", *options)
        assert (told.code, "ID: got 'quay'" in told.output) == (2, True), command
    assert "allowed: voice, language_hints" in run("edit", "harbour", "--clear", "name").output


def test_remove_asks_first(run: Commands) -> None:
    """Without an answer, or with another than yes, nothing is removed."""
    put(account("harbour"))
    assert run("remove", "harbour").code == 1
    assert run("remove", "harbour", answers="n\n").code == 1
    assert list(kept()) == ["harbour"]
    assert run("remove", "harbour", answers="y\n").code == 0
    assert kept() == {}


@pytest.mark.parametrize("command", [("list",), ("check",), ("show", "harbour"), ("add", "harbour", *NEEDED)])
@pytest.mark.parametrize("url", ["postgresql://nora:a-secret-of-mine@127.0.0.1:1/accounts"])
def test_a_store_that_is_away_is_one_line(run: Commands, command: tuple[str, ...]) -> None:
    """With exit code 1, and without its password."""
    told = run(*command)
    assert told.code == 1
    assert len(told.output.splitlines()) == 1
    assert told.output.startswith("The accounts are not reached: postgresql://nora@127.0.0.1:1/accounts: ")
    assert "a-secret-of-mine" not in told.output


@pytest.mark.parametrize("url", ["mongodb://nora:a-secret-of-mine@host/x"])
def test_an_address_that_is_none_is_a_wrong_setting(run: Commands) -> None:
    """Named, with what is allowed and without its password."""
    told = run("list")
    assert told.code == 2
    assert re.match(r"ACCOUNTS_URL: got .*, allowed: sqlite:///", told.output)
    assert "a-secret-of-mine" not in told.output


# ---- texts from files ------------------------------------------------------------------------------------------------


def test_texts_come_from_files(run: Commands, tmp_path: Path) -> None:
    """Behind an @, as the editor left them."""
    (tmp_path / "words.txt").write_text("\ufeffYou are the desk.\nBe short. مرحباً\n", encoding="utf-8")
    assert run("add", "harbour", *NEEDED[:4], "--instructions", "@words.txt").code == 0
    found = kept()["harbour"]
    assert isinstance(found, Account)
    assert found.instructions == "You are the desk.\nBe short. مرحباً"


def test_a_record_comes_from_a_file_and_options_stand_above_it(run: Commands, tmp_path: Path) -> None:
    """`edit` takes it as the whole record: what it does not say is the service's own again."""
    record = tmp_path / "record.yaml"
    record.write_text("name: H\ninstructions: X\ngreeting: Hello there.\nvoice: nora\nphone_numbers: [+493012345678]\n")
    assert run("add", "harbour", "--file", "record.yaml", "--voice", "tom").code == 0
    expected = {"name": "H", "instructions": "X", "greeting": "Hello there.", "phone_numbers": ["+493012345678"]}
    assert kept() == {"harbour": account("harbour", **expected, voice="tom")}
    record.write_text("name: H\ninstructions: X\ngreeting: Hello there.\n")
    assert run("edit", "harbour", "--file", "record.yaml").code == 0
    assert kept() == {"harbour": account("harbour", **(expected | {"phone_numbers": []}))}
    record.write_text("id: quay\n")
    told = run("edit", "harbour", "--file", "record.yaml")
    assert told == Ran(2, "record.yaml:1: quay: id: got 'quay', allowed: 'harbour', as the command has it\n")
    record.write_text("name: H\ninstructions: X\n\ngreeting: ''\n")
    told = run("add", "quay", "--file", "record.yaml")
    assert told == Ran(2, "record.yaml:4: quay: greeting: got '', allowed: a text that is not empty\n")


# ---- the program -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", "list", "show", "add", "edit", "remove", "import", "export", "check"])
def test_the_help_fits_80_columns(run: Commands, command: str) -> None:
    """And each command and option says what it is for."""
    told = run(*([command] if command else []), "--help")
    assert told.code == 0
    assert max(map(len, told.output.splitlines())) <= 80
    assert not re.findall(r"^│ --[\w-]+ +(?:[A-Z|@]+|<\w+>)? +│$", told.output, re.MULTILINE)


async def test_the_program_has_the_commands(tmp_path: Path) -> None:
    """In a process of its own and with the settings of its folder it says what it did, and nothing else."""
    project = new_project(tmp_path)
    (project / ".env").write_text("ACCOUNTS_URL=folder:people\n")
    async with program(project, "account", "add", "harbour", *NEEDED) as it:
        assert await it.ends(50.0) == 0
        assert it.output == "harbour: added."
    assert (project / "people/harbour.yaml").read_text().startswith("id: harbour\n")
