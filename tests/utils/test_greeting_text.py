"""A greeting's two parts, and a name that comes from outside."""

from __future__ import annotations

import pytest

from utils.greeting_text import (
    MAX_NAME_CHARS,
    PLACEHOLDER,
    GreetingText,
    GreetingTextError,
    personal_words,
    split_greeting,
)


@pytest.mark.parametrize(
    ("text", "opening", "personal"),
    [
        ("Hello, this is Nora.", "Hello, this is Nora.", None),
        ("  Hello  ", "Hello", None),
        ("Hello. Hi {name}!", "Hello.", "Hi {name}!"),
        ("Hello. How are you? Hi {name}. What is it?", "Hello. How are you?", "Hi {name}. What is it?"),
        ("Hello! {name}, welcome. Yes, {name}.", "Hello!", "{name}, welcome. Yes, {name}."),
        ("This is Nora. Welcome back, Dr. {name}. Hi.", "This is Nora.", "Welcome back, Dr. {name}. Hi."),
        ("We open at 5 p.m. today. Hi {name}", "We open at 5 p.m. today.", "Hi {name}"),
        ("مرحبا، أنا نورا. كيف حالك يا {name}؟", "مرحبا، أنا نورا.", "كيف حالك يا {name}؟"),
        ("你好。我是诺拉。{name},欢迎", "你好。我是诺拉。", "{name},欢迎"),
    ],
)
def test_the_opening_ends_before_the_sentence_with_the_name(text: str, opening: str, personal: str | None) -> None:
    """Whole sentences only, in any language that callers speak; a title before a name is no sentence."""
    assert split_greeting(text) == GreetingText(opening, personal)


@pytest.mark.parametrize("text", ["", "  ", "Hi {name}.", "Hello {name}, this is Nora. How are you?", "... {name}!"])
def test_something_is_said_before_the_name(text: str) -> None:
    """The message gives the value and what is allowed, for the setting and for an account's greeting."""
    with pytest.raises(GreetingTextError) as caught:
        split_greeting(text)
    assert str(caught.value) == f"greeting: got {text!r}, allowed: {caught.value.allowed}"
    assert caught.value.allowed == "a whole sentence without {name} first, such as 'Hello, this is Nora.'"


@pytest.mark.parametrize(
    "braced", ["{", "}", "{}", "{ name }", "{Name}", "{name!r}", "{name.__class__}", "{0}", "{{name}}", "{email}"]
)
def test_a_brace_is_a_placeholder_or_an_error(braced: str) -> None:
    """`{name}` is the only field there is, and nothing is evaluated."""
    with pytest.raises(GreetingTextError, match=r"allowed: \{name\} for the caller's name, and no other braces"):
        split_greeting(f"Hello. Hi {braced}.")


def test_a_long_text_is_told_in_short() -> None:
    """The message stays a line."""
    with pytest.raises(GreetingTextError) as caught:
        split_greeting("Hi " * 1000 + PLACEHOLDER)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("Ada", "Ada"),
        ("  Ada \t Lovelace\n", "Ada Lovelace"),
        ("Seán O'Brien-Smith Jr.", "Seán O'Brien-Smith Jr."),
        ("محمد", "محمد"),
        ("王小明", "王小明"),
        ("नमिता", "नमिता"),
        ("Ada 2", "Ada 2"),
        ("\U0001d4d0da", "Ada"),
        ("A\x00d\x1ba", "A d a"),
        ("Ada\u202egnirts", "Ada gnirts"),
        ("{name}", "name"),
        ("{name.__class__}", "name. class"),
        ('<break time="3s"/>Ada', "break time 3s Ada"),
        ("[whispers] Ada 🎉", "whispers Ada"),
    ],
)
def test_a_name_is_letters_and_the_marks_of_names(name: str, spoken: str) -> None:
    """Control characters, markup, braces and emoji do not reach the voice; names of any script do."""
    assert personal_words("Hi {name}, {name}!", name) == f"Hi {spoken}, {spoken}!"


@pytest.mark.parametrize(
    "name", ["", "  ", "\x00\n", "...", "+49 30 1234567", "Phone +15551234", "user_8817", "🎉", "42"]
)
def test_without_a_name_nothing_personal_is_said(name: str) -> None:
    """A number, a sign or nothing is not what anybody is called: the sentences with the name are left out."""
    assert personal_words("Hi {name}!", name) is None


@pytest.mark.parametrize("name", ["Ada " * 1000, "A" * 100_000, "\ufdfa" * 100_000, "a\u0301" * 1000])
def test_a_long_name_is_cut(name: str) -> None:
    """At most 40 characters are spoken, at a word's end if there is one."""
    words = personal_words("{name}", name)
    assert words is not None
    assert 30 <= len(words) <= MAX_NAME_CHARS
    if " " in name:
        assert words.endswith("Ada")
