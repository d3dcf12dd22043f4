"""`account import` and `export`: what goes out comes in the same; what is wrong comes in not at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from account_commands import FOLDER, SQLITE, Commands, account, kept, put
from program import Ran

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


TRAPS = "yes: no\n\n---\n# no comment\n\"tab\"\t'x' {name} %s \\n\n- مرفأ ⚓\n..."
SOME = (
    account("harbour", instructions=TRAPS, greeting="مرحباً بكم.", phone_numbers=["+493012345678"], tools=[]),
    account("quay", name="no", language_hints=["no", "ar"], variants={"openers": "off", "1e3": "on"}, max_call_s=60.5),
    account("zoo", hosts=["zoo.example.com"], enabled=False),
)


@pytest.mark.parametrize("path", ["all.yaml", "all.yml", "all.json", "all.jsonl", "all"])
def test_what_is_exported_is_imported_the_same(run: Commands, tmp_path: Path, path: str) -> None:
    """Each form, and a folder; twice, since a file that is there is replaced."""
    put(*SOME)
    for _ in range(2):
        assert run("export", path) == Ran(0, f"{path}: 3 accounts.\n")
    assert run("import", path) == Ran(0, "0 new, 0 changed, 3 the same.\n")
    for each in SOME:
        run("remove", each.id, "--yes")
    assert run("import", path).output == "3 new, 0 changed, 0 the same.\n"
    assert kept() == {each.id: each for each in SOME}
    assert not [each.name for each in tmp_path.iterdir() if each.name.startswith(".")]


def test_an_export_leaves_out_what_is_broken_and_says_so(run: Commands, tmp_path: Path) -> None:
    """Exit code 1; the others are there."""
    put(*SOME)
    (tmp_path / "accounts/yak.yaml").write_text("name: Yak\ninstructions: x\n")
    told = run("export", "all.json")
    assert told.code == 1
    assert "left out: yak: broken: yak.yaml:1: greeting: missing" in told.output
    assert [each["id"] for each in json.loads((tmp_path / "all.json").read_text())] == ["harbour", "quay", "zoo"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("all.csv", "got all.csv; allowed: a file that ends in .yaml"),
        ("nowhere/all.yaml", "cannot be written (No such file or directory)"),
        ("others", "others: has stranger.yaml, which is no account here; allowed: an empty folder"),
    ],
)
def test_an_export_goes_where_it_can(run: Commands, tmp_path: Path, path: str, said: str) -> None:
    """A folder with other records would bring those back with the next import."""
    put(*SOME)
    (tmp_path / "others").mkdir()
    (tmp_path / "others/stranger.yaml").write_text("x")
    told = run("export", path)
    assert told.code == 2
    assert said in told.output


@pytest.mark.parametrize("url", [FOLDER, SQLITE])
def test_an_import_says_first_what_it_would_do(run: Commands, tmp_path: Path, url: str) -> None:
    """New, changed with its fields, or the same; then it does it, and numbers may change hands within it."""
    put(account("harbour", phone_numbers=["+4930001"]), account("quay", phone_numbers=["+4930002"]), SOME[2], url=url)
    changed = [account("harbour", phone_numbers=["+4930002"], voice="x"), account("quay", phone_numbers=["+4930001"])]
    records = [each.model_dump(mode="json") for each in [*changed, SOME[2], account("new")]]
    (tmp_path / "all.json").write_text(json.dumps(records))
    before = kept(url)
    told = run("import", "all.json", "--dry-run")
    assert told == Ran(
        0,
        "new      new\n"
        "changed  harbour: voice, phone_numbers\n"
        "changed  quay: phone_numbers\n"
        "1 new, 2 changed, 1 the same. Nothing was written.\n",
    )
    assert kept(url) == before
    assert run("import", "all.json") == Ran(0, "1 new, 2 changed, 1 the same.\n")
    assert kept(url) == {each.id: each for each in [*changed, account("new"), SOME[2]]}


WRONG_YAML = """\
- id: harbour
  name: Harbour
  greeting: "{name}, hello."
  instructions: x
  max_tokens: 4
- just words
- id: quay
  name: Quay
  greeting: Hello.
  instructions: x
  colour: blue
- id: fine
  name: Fine
  greeting: Hello.
  instructions: x
  phone_numbers: [+4930001]
- id: fine
  name: Fine again
  greeting: Hello.
  instructions: x
  phone_numbers: [+4930001]
"""


def test_an_import_is_whole_or_nothing_and_tells_each_line(run: Commands, tmp_path: Path) -> None:
    """File, line, record and field of all that is wrong, at once."""
    (tmp_path / "all.yaml").write_text(WRONG_YAML)
    told = run("import", "all.yaml")
    assert told.code == 2
    assert [line[:52] for line in told.output.splitlines()] == [
        "all.yaml:6: got 'just words'; allowed: a record, one",
        "all.yaml:3: harbour: greeting: got '{name}, hello.',",
        "all.yaml:5: harbour: max_tokens: got 4, allowed: a w",
        "all.yaml:11: quay: 'colour': unknown; allowed: id, n",
        "all.yaml:17: fine: id: got 'fine', which all.yaml:12",
        "all.yaml:21: fine: phone_numbers: got '+4930001', wh",
    ]
    assert not (tmp_path / "accounts").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.yaml", "- id: [\n", "a.yaml:2: not readable as YAML"),
        ("a.yaml", "id: a\nname: A\nname: B\n", "a.yaml:3: name: stands twice, in line 2 too; allowed: once"),
        ("a.yaml", "# nothing\n", "a.yaml: has no record; allowed: a file that ends in .yaml"),
        ("a.json", '[\n {"id": "a",}\n]', "a.json:2: not readable as JSON"),
        ("a.json", '[\n\n {"id": "a"},\n {"id": "b"},\n 7]', "a.json:4: b: name: missing"),
        ("a.json", '[\n\n {"id": "a"},\n {"id": "b"},\n 7]', "a.json:5: got 7; allowed: a record"),
        ("a.jsonl", '{"id": "a"}\n\n{"id"\n{}x', "a.jsonl:3: not readable as JSON"),
        ("a.jsonl", '{"id": "a"}\n\n{"id"\n{}x', "a.jsonl:4: not readable as JSON: Extra data"),
        ("a.txt", "", "a.txt; allowed: a file that ends in .yaml"),
        ("b/x.yaml", "id: y\n", "b/x.yaml:1: id: got 'y', allowed: 'x', as the file is named"),
        ("b/x.yaml", "- {}\n- {}\n", "b/x.yaml: got 2 records; allowed: one in each file of a folder"),
        ("b/x.txt", "", "has no record; allowed: a file that ends in"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_line(
    run: Commands, tmp_path: Path, name: str, content: str, said: str
) -> None:
    """Exit code 2."""
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)
    told = run("import", name.partition("/")[0])
    assert told.code == 2
    assert said in told.output


def test_an_import_takes_no_number_from_an_account_that_it_does_not_have(run: Commands, tmp_path: Path) -> None:
    """The line of the file is told, and whose the number is."""
    put(account("harbour", hosts=["harbour.example.com"]))
    (tmp_path / "b").mkdir()
    (tmp_path / "b/quay.yaml").write_text(
        "name: Q\ninstructions: x\ngreeting: Hello.\nhosts:\n- quay.example.com\n- harbour.example.com\n"
    )
    assert run("import", "b") == Ran(
        2, "b/quay.yaml:4: quay: hosts: got 'harbour.example.com', which the account harbour has; allowed: once\n"
    )
    assert list(kept()) == ["harbour"]


def test_an_import_mends_what_is_broken(run: Commands, tmp_path: Path) -> None:
    """It is told as a change."""
    put(account("harbour"))
    (tmp_path / "accounts/harbour.yaml").write_text("name: ''\n")
    assert "it was broken" not in run("show", "harbour").output
    (tmp_path / "one.yaml").write_text(yaml_text.dump(account("harbour").model_dump(mode="json", exclude_none=True)))
    told = run("import", "one.yaml", "--dry-run").output
    assert told.splitlines()[0] == "changed  harbour: it was broken"
    assert run("import", "one.yaml").code == 0
    assert kept() == {"harbour": account("harbour")}
