"""A conversation for people."""

from __future__ import annotations

from markdown_it import MarkdownIt

from examples.save_conversation.entries import Began, Ended, Entry, Lost, Mended, Said, told_time
from examples.save_conversation.markdown import line_of, whole

AT_S = 1_795_000_000.0
TIME = told_time(AT_S)


def test_a_conversation_reads_as_it_was_heard() -> None:
    """Of an interrupted reply what the caller heard, and that it was."""
    entries: list[Entry] = [
        Began(AT_S, "AJ_1", "desk", "acme"),
        Said(AT_S, 1, "agent", "We open", settled=False),
        Said(AT_S, 1, "agent", "We open at", interrupted=True),
        Said(AT_S, 2, "caller", "Wait, a table."),
        Lost(AT_S, 3),
        Ended(AT_S, "caller"),
    ]
    assert (
        whole(entries)
        == "".join(map(line_of, entries))
        == (
            f"# desk\n\nBegan {TIME}, call AJ\\_1, account acme.\n\n"
            f"- {TIME} **Agent:** We open at — *interrupted, heard up to here*\n"
            f"- {TIME} **Caller:** Wait, a table.\n"
            f"- {TIME} *3 lines are missing here: the disk took none*\n"
            f"\nEnded {TIME} by caller.\n"
        )
    )


def test_what_a_killed_program_left_open_stands_before_its_end() -> None:
    """And is told as not finished."""
    entries = [
        Began(AT_S, "AJ_1", "desk"),
        Said(AT_S, 1, "caller", "I would li", settled=False),
        Mended(AT_S, 3),
        Ended(AT_S, "kill"),
    ]
    lines = whole(entries).splitlines()
    assert lines[4] == f"- {TIME} **Caller:** I would li — *not finished*"
    assert "the program died before this" in lines[5]
    assert lines[-1] == f"Ended {TIME} by kill."


def test_nothing_that_is_said_is_markup() -> None:
    """No heading, no link, no HTML, no second line: it is shown as it was said."""
    said = "# no\n- `code` *a* _b_ [x](https://example.com) <script>alert(1)</script> ![i](j) &amp; | ~~c~~ \\"
    line = line_of(Said(AT_S, 1, "caller", said)) + line_of(Said(AT_S, 2, "caller", "next"))
    rendered = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(line)
    assert rendered.count("<li>") == 2
    for tag in ("<a ", "<script", "<img", "<code", "<em", "<s>", "<h1"):
        assert tag not in rendered
    assert "&amp;amp;" in rendered
