"""Numbers are E.164 before anything is dialled."""

from __future__ import annotations

import pytest

from examples.telephony.numbers import NumberProblem, masked, phone_number, transfer_target


@pytest.mark.parametrize("text", ["+4930123456", "+49 30 123-456", "+49 (30) 123.456", "+49/30/123456"])
def test_a_number_as_people_write_it(text: str) -> None:
    """Blanks and signs between the digits do not matter."""
    assert phone_number("to", text) == "+4930123456"


@pytest.mark.parametrize(
    "text",
    ["", "030123456", "004930123456", "+0301234567", "+49 (0)30 123456", "+12345", "+1234567890123456"],
)
def test_what_is_no_number_is_named(text: str) -> None:
    """The error has field, value and what is allowed; a number that may be meant otherwise is not guessed at."""
    with pytest.raises(NumberProblem) as error:
        phone_number("to", text)
    assert f"to: got {text!r}, allowed: E.164" in str(error.value)


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("+49 30 123456", "tel:+4930123456"),
        ("tel:+4930123456", "tel:+4930123456"),
        ("sip:desk@pbx.example", "sip:desk@pbx.example"),
        ("sips:desk@pbx.example:5061;transport=tls", "sips:desk@pbx.example:5061;transport=tls"),
    ],
)
def test_where_a_call_can_be_passed_on_to(text: str, uri: str) -> None:
    """A number becomes a tel: URI, the form that livekit-server asks for."""
    assert transfer_target("to", text) == uri


@pytest.mark.parametrize("text", ["911", "https://pbx.example", "sip:pbx.example", "sip:a@b\r\nX-Evil: 1", "tel:12"])
def test_what_is_no_target_is_named(text: str) -> None:
    """Neither another scheme nor a line break gets into a header of SIP."""
    with pytest.raises(NumberProblem, match="allowed"):
        transfer_target("to", text)


def test_a_number_in_a_log_is_masked() -> None:
    """Country and the last two digits are left."""
    assert masked("+4930123456") == "+49…56"
    assert masked("+4912") == "…"
