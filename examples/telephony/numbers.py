"""Telephone numbers as the network takes them: E.164, checked before anything is dialled."""

from __future__ import annotations

import re

ALLOWED = "allowed: E.164, a + with country code and number, 7 to 15 digits, such as +4930123456"
TARGET_ALLOWED = f"{ALLOWED}; or sip:user@host, sips:user@host, tel:+number"
WRITTEN = re.compile(r"[\s./-]|\((?!0\))|(?<!\(0)\)")  # what people put between digits; "(0)" is no part of a number
E164 = re.compile(r"\+[1-9]\d{6,14}")
SIP_URI = re.compile(r"sips?:[\w.!~*'()&=+$,;?/%-]+@[A-Za-z0-9.-]+(?::\d{1,5})?(?:;[\w=.-]+)*")


class NumberProblem(ValueError):
    """What was given is no number: the message names field, value and what is allowed."""


def phone_number(field: str, text: str) -> str:
    """`text` as E.164: "+49 (30) 123-456" is "+4930123456". Raises `NumberProblem`."""
    plain = WRITTEN.sub("", text)
    if not E164.fullmatch(plain):
        raise NumberProblem(f"{field}: got {text!r}, {ALLOWED}")
    return plain


def transfer_target(field: str, text: str) -> str:
    """Where a call can be passed on to, as the URI that livekit-server asks for. Raises `NumberProblem`."""
    if SIP_URI.fullmatch(text):
        return text
    try:
        return f"tel:{phone_number(field, text.removeprefix('tel:'))}"
    except NumberProblem:
        raise NumberProblem(f"{field}: got {text!r}, {TARGET_ALLOWED}") from None


def masked(number: str) -> str:
    """For logs: "+49…56"."""
    return f"{number[:3]}…{number[-2:]}" if len(number) > 7 else "…"
