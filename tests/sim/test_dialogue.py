"""The scripted front desk: sensible, honest about being scripted, and never the same twice in a row."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from sim.dialogue import CONFIRM, SCRIPTED, FrontDesk, Message, Reply, ScriptedDialogue, is_arabic
from sim.intents import recognize

NOW = datetime(2026, 3, 4, 15, 5)
HOURS_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "opening_hours",
        "description": "When the desk is open on a day.",
        "parameters": {
            "type": "object",
            "properties": {"day": {"type": "string"}, "note": {"type": ["string", "null"]}},
            "required": ["day", "note"],
        },
    },
}


def desk(seed: int = 0) -> FrontDesk:
    return FrontDesk(seed=seed, now=lambda: NOW)


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def say(text: str, *before: Message, tools: list[dict[str, Any]] | None = None) -> Reply:
    return desk().reply([*before, user(text)], tools or [])


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("Who are you?", "scripted voice"),
        ("Can I speak to a person?", "scripted voice"),
        ("What time is it?", "3:05 in the afternoon"),
        ("What are your opening hours?", "nine"),
        ("what time do you open", "nine"),
        ("Can I book a table for two tomorrow at seven?", "a table for two, tomorrow, at seven"),
        ("My name is Sarah.", "S, A, R, A, H"),
        ("Can you spell my name?", "name"),
        ("Thank you, goodbye.", "oodbye"),
        ("I need a table for four people on Friday.", "a table for four, Friday"),
        ("Can you spell your name?", "name"),
    ],
)
def test_the_desk_answers_what_a_caller_asks(heard: str, expected: str) -> None:
    """Each question gets an answer about itself, whatever the opening of the sentence."""
    for seed in range(5):
        assert expected in desk(seed).reply([user(heard)], []).text


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("No, thank you.", "no"),
        ("Thank you very much!", "thanks"),
        ("Wait, stop.", "wait"),
        ("Mm-hm.", "listening"),
        ("Yes please.", "listening"),
        ("My number is five five five, zero one four two.", "number"),
        ("I would like to cancel my reservation.", "cancel"),
        ("A quiet place for dinner, please.", "booking"),
        ("At what time do you close?", "hours"),
        ("Could you repeat that, please?", "repeat"),
        ("Zebras juggle umbrellas.", None),
        ("?!", None),
    ],
)
def test_each_sentence_has_one_meaning(heard: str, meant: str | None) -> None:
    """Sentences with words of two intents are read as a person would."""
    intent = recognize(heard)
    assert (intent.name if intent else None) == meant


def test_a_misheard_question_is_still_recognized() -> None:
    """Recognition is by likeness where no keyword is whole."""
    assert "3:05" in say("watt tyme is itt").text


def test_an_unknown_sentence_is_first_met_with_the_truth_then_with_variety() -> None:
    """The first misunderstanding says that the voice is scripted; the second does not repeat it."""
    first = say("The purple elephant sings.")
    assert SCRIPTED in first.text
    second = say("Elephants are purple.", user("x"), {"role": "assistant", "content": first.text})
    assert second.text
    assert SCRIPTED not in second.text


def test_a_reply_is_never_the_same_twice_in_a_row() -> None:
    """Thirty times the same question, in one conversation, with any seed: neighbours differ."""
    for seed in range(3):
        messages: list[Message] = []
        for _ in range(30):
            messages.append(user("What are your opening hours?"))
            text = desk(seed).reply(messages, []).text
            if len(messages) > 1:
                assert text != messages[-2]["content"]
            messages.append({"role": "assistant", "content": text})


def test_the_same_conversation_gives_the_same_reply() -> None:
    """No state: a request that is sent again, or speculated, is answered alike; the seed makes the difference."""
    assert say("hello") == say("hello")
    assert len({desk(seed).reply([user("hello")], []).text for seed in range(20)}) > 1


def test_instructions_for_one_reply_are_not_what_it_answers() -> None:
    """With them behind it, a result is told and a question answered as without; alone they are greeted."""
    instructions: Message = {"role": "system", "content": "Summarize the results."}
    asked = [user("opening hours?")]
    result: list[Message] = [*asked, {"role": "tool", "tool_call_id": "1", "content": "from five to eleven"}]
    assert "from five to eleven" in desk().reply([*result, instructions], []).text.lower()
    assert desk().reply([*asked, instructions], []) == desk().reply(asked, [])
    assert desk().reply([instructions, instructions], []) == desk().reply([], [])


def test_a_yes_calls_the_tool_that_confirms() -> None:
    """Where the desk has asked for it and such a tool is offered."""
    tools = [{"type": "function", "function": {"name": name}} for name in ("book_table", "confirm_table")]
    offered: list[Message] = [user("a table"), {"role": "assistant", "content": f"One is free. {CONFIRM}"}]
    calls = desk().reply([*offered, user("Yes please.")], tools).tool_calls
    assert [call.name for call in calls] == ["confirm_table"]
    assert not desk().reply([user("Yes please.")], tools).tool_calls


def test_a_booking_is_confirmed_or_declined_only_when_it_was_offered() -> None:
    """A bare "yes" means something only after the desk has asked."""
    offer = say("Can I book a table for two?").text
    assert offer.endswith(CONFIRM)
    before = (user("Can I book a table for two?"), {"role": "assistant", "content": offer})
    assert "demonstration" in say("Yes please.", *before).text
    assert "demonstration" not in say("No, thanks.", *before).text
    assert "demonstration" not in say("Yes please.").text


def test_repeat_says_the_last_words_again() -> None:
    """The one case where the same text may come twice."""
    before = (user("hi"), {"role": "assistant", "content": "Hello there."})
    assert say("Could you repeat that?", *before).text == "Hello there."


def test_a_fitting_tool_is_called_with_arguments_of_its_schema_then_its_result_is_spoken() -> None:
    """Tool first, words after; what the caller said fills the arguments, nullable ones stay null."""
    call = say("Are you open on Sunday?", tools=[HOURS_TOOL])
    assert call.text == ""
    assert [c.name for c in call.tool_calls] == ["opening_hours"]
    assert dict(call.tool_calls[0].arguments) == {"day": "sunday", "note": None}
    result = {"role": "tool", "tool_call_id": "1", "content": "closed on Sunday"}
    spoken = desk().reply([user("Are you open on Sunday?"), result], [HOURS_TOOL])
    assert spoken.tool_calls == ()
    assert spoken.text.endswith("Closed on Sunday.")


def test_a_json_result_is_spoken_without_its_punctuation() -> None:
    """Callers hear words, not braces."""
    result = {"role": "tool", "content": json.dumps({"opens_at": "9", "days": ["mon", "tue"], "is_open": True})}
    text = desk().reply([user("hours?"), result], []).text
    assert text.endswith("Opens at: 9, days: mon, tue, is open: yes.")


def test_an_unfitting_tool_is_left_alone() -> None:
    """A tool that has nothing to do with the question is never called."""
    assert say("Who are you?", tools=[HOURS_TOOL]).tool_calls == ()


def test_without_a_user_the_desk_greets() -> None:
    """An agent that opens the call gets a greeting, whatever its instructions."""
    reply = desk().reply([{"role": "system", "content": "Greet the caller."}], [])
    assert reply.text
    assert SCRIPTED not in reply.text


def test_content_in_parts_is_understood() -> None:
    """The wire allows a list of parts in place of a string."""
    parts = {"role": "user", "content": [{"type": "text", "text": "What time is it?"}]}
    assert "3:05" in desk().reply([parts], []).text


def test_arabic_is_answered_in_arabic() -> None:
    """A polite fallback in the caller's language, first with the truth about itself."""
    first = say("ما هي ساعات العمل؟").text
    assert is_arabic(first)
    second = say("شكرا", user("مرحبا"), {"role": "assistant", "content": first}).text
    assert is_arabic(second)
    assert second != first


def test_replies_are_short() -> None:
    """One to three sentences: it is spoken."""
    for heard in ("Who are you?", "blah blah", "hours", "hello", "help", "thanks", "bye", "book a table"):
        text = say(heard).text
        assert 1 <= sum(text.count(mark) for mark in ".?!") <= 3


def test_a_script_counts_the_assistant_turns() -> None:
    """The k-th assistant turn says the k-th text, from the messages alone; the last one repeats."""
    script = ScriptedDialogue(["one", "two"])
    assistant = {"role": "assistant", "content": "x"}
    assert [script.reply([assistant] * turns, []).text for turns in (0, 1, 2, 0)] == ["one", "two", "two", "one"]
    with pytest.raises(ValueError, match="at least one text"):
        ScriptedDialogue([])
