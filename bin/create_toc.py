"""Tables of contents of Markdown files: writes them between their markers, or with --check says which are old.

    uv run bin/create_toc.py README.md docs/*.md [--check]

A file says where with two comments, each alone on its line; what stands between them is replaced:

    <!-- toc -->
    <!-- /toc -->

Listed are the headings behind the table, with the anchors that GitHub gives them. GitHub makes an anchor of a heading's
rendered text, whatever Markdown or HTML it was written in. So the file is rendered here, too, by a CommonMark parser
(markdown-it-py, which rich brings): patterns of our own would have to know its rules for fences, comments, references
and entities, and would know them a little differently.

Exit code: 0; 1 for a table that is old, with --check; 2 for a file that cannot be used.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import stat
import sys
import tempfile
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

BEGIN, END = "<!-- toc -->", "<!-- /toc -->"
TOP, DEEPEST = 2, 3
"""Levels that are listed: one `#` is the title of the file."""
OLD, UNUSABLE = 1, 2

_HERE = "<!-- bin/create_toc.py: the table is here -->"
"""Stands for the table while the headings are looked for: a marker's words may be anywhere in a text."""

_MARKER = re.compile(r"<!--\s*(/?)toc\s*-->", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*(?:\r\n|\r|\n)(?:[^\r\n]*(?:\r\n|\r|\n))*?---[ \t]*(?:\r\n|\r|\n|\Z)")
_HEADING = re.compile(r"h[1-6]")
_TICKS = re.compile("`+")
_SPACE = re.compile(r"\s+")
_MARKUP = re.compile(r"([\\`*_\[\]<>~&|])")
_LETTER_SYMBOLS = re.compile("[\u24b6-\u24e9\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189]")
_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


class TocError(Exception):
    """The file cannot be given a table: the message names file, line, what was found and what is allowed."""


@dataclass(frozen=True)
class Heading:
    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Document:
    """A file's text in lines, each with its own end; the markers stand in lines `begin` and `end`, from 0."""

    lines: list[str]
    begin: int
    end: int

    @property
    def newline(self) -> str:
        marker = self.lines[self.begin]
        return marker[len(marker.rstrip("\r\n")) :]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="create_toc.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--check", action="store_true", help="write nothing; show what is old, and exit with 1")
    parser.add_argument("--depth", type=int, default=DEEPEST, metavar="N", help=f"deepest level, {TOP} to 6")
    options = parser.parse_args(arguments)
    if not TOP <= options.depth <= 6:
        parser.error(f"--depth: got {options.depth}, allowed: {TOP} to 6")
    code = 0
    for file in options.files:
        try:
            code = max(code, _treat(file, options.depth, check=options.check))
        except TocError as error:
            print(error, file=sys.stderr)
            code = UNUSABLE
    return code


def _treat(file: Path, depth: int, *, check: bool) -> int:
    content = _read(file)
    current = with_toc(content, str(file), depth)
    if current == content:
        return 0
    if not check:
        _write(file, current)
        print(f"{file}: written")
        return 0
    before, after = ([line.rstrip("\r\n") for line in _LINE.findall(text)] for text in (content, current))
    print("\n".join(difflib.unified_diff(before, after, str(file), f"{file}, as it should be", lineterm="")))
    return OLD


def with_toc(content: str, name: str = "text", depth: int = DEEPEST) -> str:
    """`content` with its table as it should be; nothing else of it changes. Raises `TocError`."""
    document = _document(content, name)
    newline = document.newline
    toc = [f"{line}{newline}" for line in toc_lines(headings_after(document), depth)]
    between = [newline, *toc, newline] if toc else []
    return "".join([*document.lines[: document.begin + 1], *between, *document.lines[document.end :]])


def toc_lines(headings: Sequence[Heading], depth: int = DEEPEST) -> list[str]:
    """A nested list. A level that is left out indents nothing."""
    lines: list[str] = []
    above: list[int] = []
    for heading in headings:
        if heading.text and heading.anchor and TOP <= heading.level <= depth:
            above = [level for level in above if level < heading.level]
            lines.append(f"{'  ' * len(above)}- [{heading.text}](#{heading.anchor})")
            above.append(heading.level)
    return lines


def headings_after(document: Document) -> list[Heading]:
    """Those behind the table, with the anchors that they have among all headings of the file."""
    lines, begin, end = document.lines, document.begin, document.end
    rest = [*lines[:begin], _HERE, document.newline, *lines[end + 1 :]]
    rendered = _Rendered()
    rendered.feed(_MARKDOWN.render(_without_front_matter("".join(rest))))
    rendered.close()
    anchors = Anchors()
    all_of_them = [
        Heading(found.level, found.shown(), anchors.of("".join(found.text)) if found.text else "")
        for found in rendered.headings
    ]
    return all_of_them[rendered.before_toc :]


# ---- anchors ------------------------------------------------------------------------------------------------


@dataclass
class Anchors:
    """Anchors of one document, each once: a text that comes again gets -1, -2, as long as that is free."""

    _used: dict[str, int] = field(default_factory=dict[str, int])

    def of(self, text: str) -> str:
        plain = anchor(text)
        found = plain
        while found in self._used:
            self._used[plain] += 1
            found = f"{plain}-{self._used[plain]}"
        self._used[found] = 0
        return found


def anchor(text: str) -> str:
    """As GitHub makes it: small letters, word characters, hyphens and spaces only, each space a hyphen."""
    # Letter by letter: the language of GitHub's server knows no final sigma.
    small = "".join(char.lower() for char in text)
    return "".join("-" if char == " " else char for char in small if char in "- " or _is_word(char))


def _is_word(char: str) -> bool:
    """A word character of Unicode, not of `re`: an emoji's selector, which is a mark, is one; a fraction is not."""
    category = unicodedata.category(char)
    return category[0] in "LM" or category in ("Nd", "Nl", "Pc") or _LETTER_SYMBOLS.match(char) is not None


# ---- what is rendered ---------------------------------------------------------------------------------------


@dataclass
class _Found:
    level: int
    text: list[str] = field(default_factory=list[str])
    """All of it, as GitHub reads it for the anchor."""
    parts: list[tuple[str, bool]] = field(default_factory=list[tuple[str, bool]])
    """The same; True: it is code."""

    def shown(self) -> str:
        """As the text of a link: code stays code, everything else is plain."""
        told = "".join(_code(part) if is_code else _MARKUP.sub(r"\\\1", part) for part, is_code in self.parts)
        return _SPACE.sub(" ", told).strip()


class _Rendered(HTMLParser):
    """The headings of a rendered document, and how many come before the table."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.headings: list[_Found] = []
        self.before_toc = 0
        self._open: _Found | None = None
        self._in_code = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if _HEADING.fullmatch(tag):
            self._open = _Found(int(tag[1]))
            self.headings.append(self._open)
        elif tag == "code":
            self._in_code += 1

    def handle_endtag(self, tag: str) -> None:
        if _HEADING.fullmatch(tag):
            self._open = None
        elif tag == "code":
            self._in_code = max(0, self._in_code - 1)

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.text.append(data)
            self._open.parts.append((data, self._in_code > 0))

    def handle_comment(self, data: str) -> None:
        if f"<!--{data}-->" == _HERE:
            self.before_toc = len(self.headings)


def _code(text: str) -> str:
    """A code span that holds `text`, backticks too."""
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


# ---- the file -----------------------------------------------------------------------------------------------


def _document(content: str, name: str) -> Document:
    """Raises `TocError` for markers that are missing, alone or in the wrong order."""
    begin: int | None = None
    end: int | None = None
    for line, is_end in _markers(_without_front_matter(content)):
        place = f"{name}:{line + 1}"
        if end is not None or (begin is not None and not is_end):
            raise TocError(f"{place}: another {END if is_end else BEGIN}, allowed: one table of contents in a file")
        if is_end:
            if begin is None:
                raise TocError(f"{place}: {END} without {BEGIN} before it")
            end = line
        else:
            begin = line
    if begin is None:
        raise TocError(f"{name}:1: no line {BEGIN}, allowed: {BEGIN} and {END}, each alone on a line outside of code")
    if end is None:
        raise TocError(f"{name}:{begin + 1}: {BEGIN} without {END} behind it")
    return Document(_LINE.findall(content), begin, end)


def _markers(content: str) -> Iterator[tuple[int, bool]]:
    """Line from 0, and whether it is the end, of each marker that the parser takes for a comment of its own."""
    tokens: list[Token] = _MARKDOWN.parse(content)
    for token in tokens:
        if token.type == "html_block" and token.map and token.level == 0:
            marker = _MARKER.fullmatch(token.content.strip())
            if marker is not None:
                yield token.map[0], bool(marker[1])


def _without_front_matter(content: str) -> str:
    """The same lines, those of YAML at its beginning empty: their last one would make a heading of them."""
    found = _FRONT_MATTER.match(content)
    if found is None:
        return content
    return "\n" * len(_LINE.findall(found[0])) + content[found.end() :]


def _read(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise TocError(f"{file}: {error.strerror}") from error
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = content[error.start]
        raise TocError(f"{file}:{line}: got the byte 0x{found:02x}, allowed: UTF-8") from None


def _write(file: Path, content: str) -> None:
    """In one step, with the file's own rights: whoever reads meanwhile has the old or the new. Raises `TocError`."""
    target = file.resolve()
    made = ""
    try:
        fd, made = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(fd, "wb") as new:
            new.write(content.encode())
            new.flush()
            os.fsync(new.fileno())
        os.chmod(made, stat.S_IMODE(target.stat().st_mode))  # noqa: PTH101  # a name, as mkstemp gives it
        os.replace(made, target)  # noqa: PTH105  # the same
    except OSError as error:
        with suppress(OSError):
            os.unlink(made)  # noqa: PTH108  # the same
        raise TocError(f"{file}: not written: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
