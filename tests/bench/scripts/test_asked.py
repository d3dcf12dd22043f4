"""Each reply has a number that the caller hears, and a line that says what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.scripts.asked import CALL, Asked, NumberedDialogue, number_in

if TYPE_CHECKING:
    from pathlib import Path

SYSTEM = {"role": "system", "content": f"Be brief. {CALL} scripts-1 ."}
GREETED = {"role": "assistant", "content": "Hello."}
TIME, SUNDAY = {"role": "user", "content": "What time is it?"}, {"role": "user", "content": "And on Sunday?"}


def test_what_was_asked_is_found_by_the_number_in_the_reply(tmp_path: Path) -> None:
    """Of one call only, in seconds from its begin; the newest words are those since the agent was heard."""
    file = tmp_path / "asked.jsonl"
    with file.open("w", encoding="utf-8") as written:
        dialogue = NumberedDialogue(1, written)
        first = dialogue.reply([SYSTEM, GREETED, TIME], []).text
        dialogue.reply([{"role": "system", "content": f"{CALL} scripts-2 ."}, TIME], [])
        answer = {"role": "assistant", "content": first}
        last = dialogue.reply([SYSTEM, GREETED, TIME, answer, TIME, SUNDAY], []).text
    found = Asked(file).of("scripts-1", 0.0)
    assert [each.number for each in found] == [number_in(first), number_in(last)] == [1, 3]
    assert (found[1].answered, found[1].told) == (
        "What time is it? And on Sunday?",
        "What time is it? What time is it? And on Sunday?",
    )
    assert found[1].agent_said == ("Hello.", first)
    assert found[1].reply == last
    assert Asked(file).of("scripts-1", 5.0)[0].at_s == round(found[0].at_s - 5.0, 3)
    assert Asked(file).of("scripts-3", 0.0) == ()


def test_a_number_that_was_broken_off_is_none() -> None:
    """ "Answer 1" may be the begin of "Answer 12"."""
    assert number_in("Of course. Answer 12, on Monday we close.") == 12
    assert number_in("Of course. Answer 1") is None
    assert number_in("Hello.") is None
