"""What is written can be read again, and what cannot be read is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bench.first_word.json_file import read_first_word, write_first_word
from bench.report_file import NotAReport
from tests.bench.first_word.example import example_report

if TYPE_CHECKING:
    from pathlib import Path


def test_a_report_comes_back_as_it_was(tmp_path: Path) -> None:
    """Every sample, every step, every span."""
    write_first_word(example_report(), tmp_path / "run.json")
    assert read_first_word(tmp_path / "run.json") == example_report()


def changed(file: Path, **fields: Any) -> None:
    write_first_word(example_report(), file)
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(content | fields), encoding="utf-8")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"version": 99}, "version: got 99, allowed: 1"),
        ({"seed": "soon"}, "seed: got 'soon', allowed: "),
        ({"rows": [{"id": "join"}]}, r"rows\.0\.title: "),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, fields: dict[str, Any], named: str) -> None:
    """With its value and what is allowed."""
    changed(tmp_path / "run.json", **fields)
    with pytest.raises(NotAReport, match=named):
        read_first_word(tmp_path / "run.json")


@pytest.mark.parametrize(("text", "named"), [("{", "not JSON"), ("[]", "version: got None, allowed: 1")])
def test_another_file_is_refused(tmp_path: Path, text: str, named: str) -> None:
    """One line that names the file."""
    (tmp_path / "other.json").write_text(text, encoding="utf-8")
    with pytest.raises(NotAReport, match=rf"other\.json: {named}"):
        read_first_word(tmp_path / "other.json")
