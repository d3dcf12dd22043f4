"""bin/create_toc.py: the anchors are GitHub's, and nothing of a file changes but its table."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bin.create_toc import Anchors, TocError, anchor, main, with_toc

PROGRAM = Path(__file__).parents[2] / "bin" / "create_toc.py"
EMPTY = "# Title\n\n<!-- toc -->\n<!-- /toc -->\n\n"


def toc(text: str, depth: int = 3) -> list[str]:
    """The table's lines for a file with `text` behind it."""
    made = with_toc(EMPTY + text, depth=depth)
    return [line for line in made.split("<!-- /toc -->")[0].splitlines()[3:] if line]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Which way?", "which-way"),
        ("heading with a - dash", "heading-with-a---dash"),
        ("an _ underscore", "an-_-underscore"),
        ("a period.txt", "a-periodtxt"),
        ("exchange.bind_headers(exchange, routing [, callback])", "exchangebind_headersexchange-routing--callback"),
        ("apostrophe\u2019s", "apostrophes"),
        ("en\u2013dash", "endash"),
        (" a ", "-a-"),
        ("\U0001f604 emoji", "-emoji"),
        ("\u2699\ufe0f with a selector", "\ufe0f-with-a-selector"),
        (":ok_hand::hatched_chick: Two", "ok_handhatched_chick-two"),
        ("Привет non-latin 你好", "привет-non-latin-你好"),
        ("مرحبا بالعالم", "مرحبا-بالعالم"),
        ("ΟΔΟΣ", "οδοσ"),
        ("İstanbul", "i̇stanbul"),
        ("x² and ½, but Ⅷ and ⓑ", "x-and--but-ⅷ-and-ⓑ"),
        ("tab\tand\u00a0space", "tabandspace"),
    ],
)
def test_an_anchor_is_github_s(text: str, expected: str) -> None:
    """By GitHub's own answers, where github-slugger has recorded them."""
    assert anchor(text) == expected


def test_a_text_that_comes_again_gets_the_next_free_number() -> None:
    """Also where a heading is called like another one's number."""
    anchors = Anchors()
    texts = ["echo", "echo", "echo 1", "echo-1", "echo", "foxtrot-1", "foxtrot", "foxtrot", "__proto__", "__proto__"]
    given = [anchors.of(text) for text in texts]
    assert given == [
        *("echo", "echo-1", "echo-1-1", "echo-1-2", "echo-2"),
        *("foxtrot-1", "foxtrot", "foxtrot-2", "__proto__", "__proto__-1"),
    ]


@pytest.mark.parametrize(
    ("heading", "line"),
    [
        ("## Use `uv run`", "- [Use `uv run`](#use-uv-run)"),
        ("## A [link](https://example.com) and *more* **of** it", "- [A link and more of it](#a-link-and-more-of-it)"),
        ("## A [reference][r]\n\n[r]: https://example.com", "- [A reference](#a-reference)"),
        ("## ![logo](x.png) Name", "- [Name](#-name)"),
        ("## Tom &amp; Jerry &copy;", "- [Tom \\& Jerry ©](#tom--jerry-)"),
        ("## a_b and \\*stars\\* [brackets]", "- [a\\_b and \\*stars\\* \\[brackets\\]](#a_b-and-stars-brackets)"),
        ("## With <kbd>Ctrl</kbd> and <!-- a note --> more", "- [With Ctrl and more](#with-ctrl-and--more)"),
        ("## Closed ##", "- [Closed](#closed)"),
        ("   ## Three spaces", "- [Three spaces](#three-spaces)"),
        ("Underlined\n---", "- [Underlined](#underlined)"),
        ("Over two\nlines\n---", "- [Over two lines](#over-twolines)"),
        ("## ~~Old~~ new", "- [Old new](#old-new)"),
        ("## ``a ` b``", "- [``a ` b``](#a--b)"),
        ('<h2 align="center">In <em>HTML</em></h2>', "- [In HTML](#in-html)"),
        ("## :rocket: Go", "- [:rocket: Go](#rocket-go)"),
    ],
)
def test_a_heading_in_the_table(heading: str, line: str) -> None:
    """Its text without links and images, its code as code, and the anchor of what is rendered of it."""
    assert toc(f"{heading}\n") == [line]


@pytest.mark.parametrize(
    "text",
    [
        "```\n## code\n```",
        "~~~text\n## code\n```\n## still\n~~~",
        "````\n```\n## code\n```\n````",
        "    ## indented code",
        "- a list\n\n  ```\n  ## code\n  ```",
        "<!--\n## a comment\n-->",
        "#hashtag",
        "####### seven",
        "\\## escaped",
        "## ",
        "## ![only a picture](x.png)",
        "<pre>\n## text\n</pre>",
        "a paragraph\n    ## goes on",
    ],
)
def test_what_is_no_heading_of_the_table(text: str) -> None:
    """Code in fences of any kind, comments, and what only looks like a heading."""
    assert toc(f"{text}\n\n## Real\n") == ["- [Real](#real)"]


def test_a_fence_that_is_never_closed_hides_all_that_follows() -> None:
    """As it does on GitHub."""
    assert toc("```\n## code\n~~~\n## code\n") == []


def test_levels_nest_by_what_is_there() -> None:
    """A level that is left out indents nothing; the title and what is too deep is not listed."""
    text = "## A\n\n#### deep\n\n### A1\n\n## B\n\n#### B0\n\n# Part\n\n### C1\n"
    assert toc(text) == ["- [A](#a)", "  - [A1](#a1)", "- [B](#b)", "  - [C1](#c1)"]
    assert toc(text, depth=4)[1] == "  - [deep](#deep)"


def test_headings_before_the_table_are_counted_but_not_listed() -> None:
    """So is one in a quote: it has an anchor."""
    text = "## Contents\n\n<!-- toc -->\n<!-- /toc -->\n\n> ## Quoted\n\n## Contents\n\n## Quoted\n"
    lines = [line for line in with_toc(text).splitlines() if line.startswith("- ")]
    assert lines == ["- [Quoted](#quoted)", "- [Contents](#contents-1)", "- [Quoted](#quoted-1)"]


def test_front_matter_is_no_heading() -> None:
    """CommonMark would take its last line for one that underlines."""
    made = with_toc(f"---\ntitle: x\n---\n{EMPTY}## A\n")
    assert made.startswith("---\ntitle: x\n---\n# Title")
    assert made.count("- [") == 1


def test_markers_in_code_and_in_a_sentence_are_text() -> None:
    """A file that explains this program has its own table, too."""
    text = (
        "Write `<!-- toc -->` so:\n\n```\n<!-- toc -->\n<!-- /toc -->\n```\n\n" + EMPTY + "## A <!-- toc -->\n\n## B\n"
    )
    made = with_toc(text)
    assert made.count("- [") == 2
    assert with_toc(made) == made


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_twice_changes_nothing_and_line_ends_stay(newline: str) -> None:
    """Also those of a file with a byte order mark and without an end of its last line."""
    text = "\ufeff" + (EMPTY + "## A\n\ntext\n\n### B").replace("\n", newline)
    made = with_toc(text)
    assert with_toc(made) == made
    assert "\n".join(made.split(newline)) == made.replace("\r\n", "\n").replace("\r", "\n")
    assert made.endswith("### B")
    assert "- [A](#a)" in made


def test_a_line_end_that_differs_stays_as_it_is() -> None:
    """Only the table is written."""
    text = "# T\r\n\n<!-- toc -->\nold\n<!-- /toc -->\r\n## A\r\rx\n"
    made = with_toc(text)
    assert made == "# T\r\n\n<!-- toc -->\n\n- [A](#a)\n\n<!-- /toc -->\r\n## A\r\rx\n"


def test_no_headings_leave_an_empty_table() -> None:
    """And one that had some loses them."""
    assert with_toc(EMPTY.replace("<!-- /toc", "- [x](#x)\n<!-- /toc")) == EMPTY


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("# T\n", 1, "no line <!-- toc -->"),
        ("```\n<!-- toc -->\n<!-- /toc -->\n```\n", 1, "no line <!-- toc -->"),
        ("# T\n\n<!-- toc -->\n\n## A\n", 3, "without <!-- /toc -->"),
        ("# T\n<!-- /toc -->\n<!-- toc -->\n", 2, "without <!-- toc -->"),
        ("<!-- toc -->\n<!-- toc -->\n<!-- /toc -->\n", 2, "another <!-- toc -->"),
        ("<!-- toc -->\n<!-- /toc -->\n\n<!-- toc -->\n<!-- /toc -->\n", 4, "another <!-- toc -->"),
    ],
)
def test_wrong_markers_are_named_with_file_and_line(text: str, line: int, says: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(TocError, match=f"^a.md:{line}: .*{says}"):
        with_toc(text, "a.md")


def test_check_shows_the_difference_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1 for an old table, 0 for one that is current."""
    file = tmp_path / "a.md"
    file.write_text(EMPTY + "## A\n", encoding="utf-8")
    assert main([str(file), "--check"]) == 1
    assert "+- [A](#a)" in capsys.readouterr().out
    assert file.read_text(encoding="utf-8") == EMPTY + "## A\n"
    assert main([str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: written\n"
    assert main([str(file), "--check"]) == 0
    assert capsys.readouterr().out == ""


def test_bad_files_are_named_and_the_good_ones_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the line of a byte that is no UTF-8."""
    broken, good = tmp_path / "broken.md", tmp_path / "good.md"
    broken.write_bytes(EMPTY.encode() + b"caf\xe9\n")
    good.write_text(EMPTY + "## A\n", encoding="utf-8")
    missing = tmp_path / "missing.md"
    assert main([str(broken), str(missing), str(tmp_path), str(good)]) == 2
    said = capsys.readouterr().err
    assert f"{broken}:6: got the byte 0xe9, allowed: UTF-8" in said
    assert f"{missing}: No such file" in said
    assert f"{tmp_path}: Is a directory" in said
    assert "(#a)" in good.read_text(encoding="utf-8")


def test_a_file_keeps_its_rights_and_a_link_its_target(tmp_path: Path) -> None:
    """It is written in one step, and nothing lies beside it after."""
    file, link = tmp_path / "a.md", tmp_path / "link.md"
    file.write_text(EMPTY + "## A\n", encoding="utf-8")
    file.chmod(0o640)
    link.symlink_to(file)
    assert main([str(link)]) == 0
    assert link.is_symlink()
    assert "(#a)" in file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.md", "link.md"]


def test_as_a_program(tmp_path: Path) -> None:
    """From any folder, and a wrong depth is told with what is allowed."""
    file = tmp_path / "a.md"
    file.write_text(EMPTY + "## A\n", encoding="utf-8")
    command = [sys.executable, str(PROGRAM), "a.md"]
    checked = subprocess.run([*command, "--check"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert "--- a.md" in checked.stdout
    wrong = subprocess.run([*command, "--depth", "9"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "--depth: got 9, allowed: 2 to 6" in wrong.stderr
