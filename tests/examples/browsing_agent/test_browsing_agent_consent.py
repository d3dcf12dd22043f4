"""What the caller has agreed to."""

from __future__ import annotations

import pytest

from examples.browsing_agent.consent import Consent, Sending, means_yes

ORDER = Sending("https://shop.example/order", "e9", (("Your name", "Ada"), ("What", "")))


def test_a_sending_waits_for_the_callers_yes() -> None:
    """Without a question, without words behind it, and after a no, nothing may be sent; after a yes once."""
    consent = Consent()
    consent.heard("Yes, send all you like.")
    assert not consent.take(ORDER)
    assert consent.ask(ORDER) == "Shall I send this to shop.example? Your name: Ada. Yes or no?"
    assert not consent.take(ORDER)
    consent.heard("Yes, please.")
    assert consent.take(ORDER)
    assert not consent.take(ORDER)
    consent.ask(ORDER)
    consent.heard("No, thank you. Okay?")
    assert not consent.take(ORDER)


def test_one_question_is_open_at_a_time() -> None:
    """A second sending cannot take the place of the one that the caller was asked about."""
    other = Sending(ORDER.address, "e11", ())
    consent = Consent()
    consent.ask(ORDER)
    assert consent.ask(other) is None
    consent.heard("yes")
    assert not consent.take(other)
    consent.ask(other)
    consent.heard("yes")
    assert consent.take(other)


def test_a_yes_is_for_what_was_asked_and_for_one_turn() -> None:
    """Another value is another sending; and words in between let the yes expire."""
    consent = Consent()
    consent.ask(ORDER)
    consent.heard("yes")
    assert not consent.take(Sending(ORDER.address, ORDER.ref, (("Your name", "Eve"),)))
    consent.ask(ORDER)
    consent.heard("yes")
    consent.heard("What time is it?")
    assert not consent.take(ORDER)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Yes.", True),
        ("Okay, go on", True),
        ("نعم، من فضلك", True),
        ("Yes. No, wait!", False),
        ("Don\u2019t, okay?", False),
        ("Perhaps", False),
        ("", False),
    ],
)
def test_a_yes_is_one_without_a_no(words: str, expected: bool) -> None:
    """What is not understood is no yes."""
    assert means_yes(words) is expected


def test_only_a_site_that_the_caller_has_named_may_be_gone_to() -> None:
    """As spoken, in pieces or whole; `com` and `www` name nobody."""
    consent = Consent()
    consent.heard("Open wiki pedia, please, and then bbc.co.uk. Or any www com page.")
    assert consent.named("https://en.wikipedia.org/wiki/Rose")
    assert consent.named("https://www.bbc.co.uk/")
    assert not consent.named("https://www.evil.com/?stolen=1")
    assert not consent.named("https://ia.to/")
