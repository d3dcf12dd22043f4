"""`account edit` in an editor: asked again where it is wrong, written whole, and no text is lost."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from account_commands import Commands, account, editor, kept, put
from program import Ran

if TYPE_CHECKING:
    from small_servers import MakeSettings


@pytest.fixture
def drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the editor's files are made."""
    folder = tmp_path / "drafts"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def run(make_settings: MakeSettings, drafts: Path) -> Commands:
    return Commands(make_settings)


def test_the_editor_is_asked_again_until_the_record_is_right(run: Commands, tmp_path: Path, drafts: Path) -> None:
    """It shows the record first, then the user's own text below what is wrong with it; no draft is left."""
    put(account("harbour", voice="nora"))
    steps = editor(tmp_path, "s/^voice: .*/voice: a b/", "s/^name: .*/name: [/", "s/^name: .*/name: New/;s/a b/tom/")
    told = run("edit", "harbour", editor=steps, answers="y\ny\n")
    assert told.code == 0
    assert told.output.splitlines()[-1] == "harbour: written."
    first, second, third = ((tmp_path / f"seen.{number}").read_text() for number in range(3))
    assert first.startswith("#! Save and close to write")
    assert "\nid: harbour\n" in first
    assert "#   llm_model: gpt-4o-mini" in first
    assert "#! harbour: voice: got 'a b', allowed: a voice id" in second
    assert "\nvoice: a b\n" in second
    assert "not readable as YAML" in third.splitlines()[1]
    assert "\nname: [\n" in third
    assert kept() == {"harbour": account("harbour", name="New", voice="tom")}
    assert "Your text is kept" not in told.output
    assert list(drafts.iterdir()) == []


def test_a_text_that_is_given_up_is_kept(run: Commands, tmp_path: Path, drafts: Path) -> None:
    """Nothing is written, and the line that says so names a command that takes the text."""
    put(account("harbour"))
    told = run("edit", "harbour", editor=editor(tmp_path, "s/^name: .*/name: ''/"), answers="n\n")
    assert told.code == 2
    assert kept() == {"harbour": account("harbour")}
    found = re.search(r"account edit harbour --file (\S+)`", told.output)
    assert found is not None, told.output
    draft = Path(found[1])
    assert list(drafts.iterdir()) == [draft]
    draft.write_text(draft.read_text().replace("name: ''", "name: Mended"))
    assert run("edit", "harbour", "--file", str(draft)).code == 0
    assert kept() == {"harbour": account("harbour", name="Mended")}


def test_an_editor_that_changes_nothing_writes_nothing(run: Commands, tmp_path: Path, drafts: Path) -> None:
    """Closed without saving, emptied, ended with an error, or not there: the account is as it was."""
    put(account("harbour"))
    assert run("edit", "harbour", editor=editor(tmp_path, "")) == Ran(0, "harbour: the same as before.\n")
    (tmp_path / "seen.0").unlink()
    assert run("edit", "harbour", editor=editor(tmp_path, "d")).output == "harbour: the same as before.\n"
    told = run("edit", "harbour", editor="false")
    assert told == Ran(1, "EDITOR: false ended with exit code 1; nothing was written\n")
    missing = run("edit", "harbour", editor="no-such-editor -w")
    assert missing.code == 2
    assert missing.output.startswith("EDITOR: got 'no-such-editor -w'")
    assert kept() == {"harbour": account("harbour")}
    assert list(drafts.iterdir()) == []


def test_another_id_is_not_written_by_the_editor(run: Commands, tmp_path: Path) -> None:
    """It would be another account, and this one would stay."""
    put(account("harbour"))
    told = run("edit", "harbour", editor=editor(tmp_path, "s/^id: .*/id: quay/"), answers="n\n")
    assert "id: got 'quay', allowed: harbour" in told.output
    assert kept() == {"harbour": account("harbour")}


def test_what_somebody_else_wrote_meanwhile_is_not_lost_unseen(run: Commands, tmp_path: Path) -> None:
    """It is told; saved again, the user's own text stands."""
    put(account("harbour"))
    script = editor(tmp_path, "s/^name: .*/name: Mine/", "s/^name: .*/name: Mine again/")
    meanwhile = tmp_path / "accounts/harbour.yaml"
    with (tmp_path / "editor.sh").open("a") as file:
        file.write(f'[ "$number" -eq 0 ] && echo "max_calls: 7" >> "{meanwhile}" || true\n')
    told = run("edit", "harbour", editor=script, answers="y\n")
    assert told.code == 0
    assert "harbour: was changed by somebody else meanwhile" in told.output
    assert kept() == {"harbour": account("harbour", name="Mine again")}
