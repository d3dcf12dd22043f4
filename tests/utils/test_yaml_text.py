"""YAML as people write it: what is read as which value, and what is refused with its line."""

from __future__ import annotations

import pytest

from utils.yaml_text import Item, YamlProblem, dump, load


def test_words_are_words() -> None:
    """`no` is a language, `off` a variant and +49 a telephone: as YAML 1.2 reads them, not 1.1."""
    text = "a: no\nb: off\nc: +493012345678\nd: 2024-01-01\ne: 12:30\nf: 0x10\ng: 007\nh: <<"
    assert load(text)[0].value == {
        "a": "no",
        "b": "off",
        "c": "+493012345678",
        "d": "2024-01-01",
        "e": "12:30",
        "f": "0x10",
        "g": "007",
        "h": "<<",
    }


def test_numbers_truth_and_nothing_are_values() -> None:
    """So that a field that takes a number gets one."""
    assert load("a: 12\nb: -1.5\nc: true\nd: False\ne:\nf: ~\ng: null")[0].value == {
        "a": 12,
        "b": -1.5,
        "c": True,
        "d": False,
        "e": None,
        "f": None,
        "g": None,
    }


def test_records_know_their_lines() -> None:
    """A list of them, several documents, and each field."""
    assert load("# all\n- id: a\n  name: x\n- id: b\n---\nid: c\n") == [
        Item({"id": "a", "name": "x"}, 2, {"id": 2, "name": 3}),
        Item({"id": "b"}, 4, {"id": 4}),
        Item({"id": "c"}, 6, {"id": 6}),
    ]


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "~"])
def test_nothing_is_no_record(text: str) -> None:
    """An empty file, one of comments."""
    assert load(text) == []


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: c: d", 2, "mapping values are not allowed"),
        ("a: 1\n\ta: 2", 2, "not readable as YAML"),
        ("a: [", 2, "not readable as YAML: did not find"),
        ("a: 1\nb: 2\na: 3", 3, "a: stands twice, in line 1 too"),
        ("a:\n  b: {c: 1, c: 2}", 2, "c: stands twice"),
        ("a: &x [1]\nb: [*x, *x]", 2, r"an alias \(\*\) or a tag"),
        ("a: !!python/object/apply:os.system [ls]", 1, "a tag"),
        ("a: !!timestamp x", 1, "a tag"),
        ("a: !!int x", 1, "a tag"),
        ("a: " + "[" * 30_000, 1, "nested deeper than 20"),
        ("a:\n" + "- " * 30_000, 2, "nested deeper than 20"),
        ("{" * 30_000, 1, "nested deeper than 20"),
        ("? [a]\n: b", 1, "not readable as YAML"),
        ("a: \x00", 1, "not readable as YAML"),
        ("a: \ud800", 1, "not readable as YAML"),
        ("a: " + "9" * 5_000, 1, "not readable as YAML"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_cannot_be_read_is_told_with_its_line(text: str, line: int, words: str) -> None:
    """Nothing is run, nothing grows, nothing takes the process down."""
    with pytest.raises(YamlProblem, match=words) as told:
        load(text)
    assert told.value.line == line


def test_what_is_written_can_be_read_by_people() -> None:
    """Long texts as blocks, in the caller's script; what another reader could take for a number in quotes."""
    written = dump({"greeting": "مرحباً\nبكم 👋", "number": "+493012345678", "variant": "off", "none": []})
    assert written == "greeting: |-\n  مرحباً\n  بكم 👋\nnumber: '+493012345678'\nvariant: 'off'\nnone: []\n"


@pytest.mark.parametrize(
    "text", ["\u2028", "a\u2029b", "\x85", "\r", "\r\n", "  a\n b", "a \n", "\ufeffa", "\x7f", " "]
)
def test_every_text_comes_back(text: str) -> None:
    """Line breaks of all kinds, blanks at the ends, what cannot be printed."""
    assert load(dump({"a": text, "b": {"c": [text]}}))[0].value == {"a": text, "b": {"c": [text]}}
