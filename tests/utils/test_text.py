from __future__ import annotations

import time

import pytest

from utils.text import PHONE, SECRET, TEXT_LIMIT, Mask

# Put together here, so that no scanner takes the source for a leak.
JWT = ".".join(["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiJjYWxsZXIifQ", "c2lnbmF0dXJl"])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Incorrect API key provided: sk-proj-abcDEF123_456", f"Incorrect API key provided: {SECRET}"),
        ("voice key sk_0123456789abcdef0123", f"voice key {SECRET}"),
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {SECRET}"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz'}", f"{{'Authorization': 'Basic {SECRET}'}}"),
        (f"wss://host/rtc?access_token={JWT}&x=1", f"wss://host/rtc?access_token={SECRET}&x=1"),
        (f"got {JWT}", f"got {SECRET}"),
        ("{'xi-api-key': 'abcd1234', 'a': 1}", f"{{'xi-api-key': '{SECRET}', 'a': 1}}"),
        ("api_secret=abcd1234 room=r", f"api_secret={SECRET} room=r"),
        ('{"api_key": "abcd1234"}', f'{{"api_key": "{SECRET}"}}'),
        ("redis://user:pass@host/0", f"redis://{SECRET}@host/0"),
        ("token=abcdefghijklmnop1234", f"token={SECRET}"),
    ],
)
def test_what_looks_like_a_key_is_masked_and_the_words_around_it_stay(text: str, masked: str) -> None:
    """A key is masked in each of the shapes in which libraries print it; what surrounds it stays readable."""
    assert Mask().text(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("calling +4915112345678 now", f"calling {PHONE} now"),
        ("calling +49 (151) 1234-5678 now", f"calling {PHONE} now"),
        ("from +1.202.555.0123", f"from {PHONE}"),
        ("sip:+4915112345678@host:5060", f"sip:{PHONE}@host:5060"),
        ("participant sip_+4915112345678 joined", f"participant sip_{PHONE} joined"),
        ("sip:4915112345678@host", f"sip:{PHONE}@host"),
        ("tel:0151-12345678", f"tel:{PHONE}"),
        ("caller 0151 12345678 left", f"caller {PHONE} left"),
        ("{'sip.phoneNumber': '4915112345678'}", f"{{'sip.phoneNumber': '{PHONE}'}}"),
    ],
)
def test_a_phone_number_is_masked_in_a_text(text: str, masked: str) -> None:
    """A phone number is masked when it is written internationally or behind a word that announces one."""
    assert Mask().text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T03:33:53.696+00:00",
        "at 1763695993696 ms, epoch 1763695993",
        "127.0.0.1:54321",
        "caller 192.168.100.200 joined",
        "caller: 2026-01-01 10:00:00.123",
        "room 7b7e4c1a-9c7f-4a52-8a34-112233445566",
        "job AJ_1234567890abcd, worker AW_12345678",
        "gap 1234.56789 ms, +1234.567 ms, 1e+12345678",
        "headphone 12345678",
        "max_tokens=180, first token: 410 ms, tokens: 12345678",
        "the secret of good coffee; a key question; password reset",
        "livekit-agents 1.8.9, 16000 Hz, 48000 samples",
        "port 65535 pid 1234567 sid RM_aBcDeF123456",
        "api_key=None",
    ],
)
def test_other_numbers_and_words_pass(text: str) -> None:
    """Times, ids, addresses, ports and figures are left as they are: a log that hides them is of no use."""
    assert Mask().text(text) == text


def test_a_given_secret_is_masked_wherever_it_stands() -> None:
    """A given secret is masked inside of words and in its URL-quoted form, whatever it looks like."""
    mask = Mask(["plain words, no key", "a/b+c=d", "short"])
    assert mask.text("<plain words, no key>") == f"<{SECRET}>"
    assert mask.text("xa/b+c=dx ?k=a%2Fb%2Bc%3Dd") == f"x{SECRET}x ?k={SECRET}"
    assert mask.text("a short word") == "a short word", "a value of under 6 characters would blank ordinary words"
    assert "plain" not in repr(mask)


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("phone", "0151 12345678", PHONE),
        ("phone_number", 4915112345678, PHONE),
        ("sip.phoneNumber", "4915112345678", PHONE),
        ("caller", "0151/1234567", PHONE),
        ("caller", "caller-1a2b", "caller-1a2b"),
        ("caller_at_ms", 1763695993696, 1763695993696),
        ("microphone", "48000 12345678", "48000 12345678"),
        ("call_id", "1763695993696", "1763695993696"),
        ("duration_ms", 1763695993696.5, 1763695993696.5),
        ("api_key", "anything", SECRET),
        ("livekit_api_secret", "anything", SECRET),
        ("token", "anything", SECRET),
        ("max_tokens", 180, 180),
        ("first_token", 410, 410),
        ("ok", True, True),
        ("nothing", None, None),
        ("error", ValueError("Bearer abcdef"), f"Bearer {SECRET}"),
        ("call", {"phone": "015112345678", "key": ["sk-abcdefghij"]}, {"phone": PHONE, "key": [SECRET]}),
        ("a", {"b": {"c": {"d": {"e": {"f": 1}}}}}, {"b": {"c": {"d": {"e": "{…}"}}}}),
    ],
)
def test_a_field_is_masked_by_its_name_and_by_its_text(name: str, value: object, masked: object) -> None:
    """The name of a field tells a key or a phone number; nested values are looked through, other types kept."""
    assert Mask().field(name, value) == masked


@pytest.mark.parametrize("keep_end", [False, True])
@pytest.mark.parametrize("shift", range(0, 60, 7))
def test_a_secret_at_the_cut_of_a_long_text_does_not_survive_in_part(shift: int, keep_end: bool) -> None:
    """Wherever a long text is cut, no part of a secret stays behind at the edge."""
    secret = "sk-" + "".join(chr(ord("a") + i % 26) for i in range(50))
    filler = "." * (TEXT_LIMIT - shift)
    tail = "." * TEXT_LIMIT
    text = f"{tail} {secret} {filler}" if keep_end else f"{filler} {secret} {tail}"
    masked = Mask([secret]).text(text, keep_end=keep_end)
    assert "abcdef" not in masked
    assert "uvwxyz" not in masked
    assert "more characters" in masked
    assert len(masked) <= TEXT_LIMIT + 100


@pytest.mark.parametrize("keep_end", [False, True])
def test_a_text_a_little_longer_than_the_limit_loses_only_what_is_over(keep_end: bool) -> None:
    """A cut takes from a text what exceeds the limit and no more, and tells how much that was."""
    masked = Mask().text("a" * (TEXT_LIMIT + 10), keep_end=keep_end)
    assert masked.count("a") - "(10 more characters)".count("a") == TEXT_LIMIT
    assert "(10 more characters)" in masked


def test_masking_takes_no_longer_for_a_huge_text_than_for_one_at_the_limit() -> None:
    """The work for one text is bounded: a hundred megabytes cost about what the limit costs."""

    def best_s(text: str) -> float:
        mask = Mask(["some-secret-value"])
        times_s: list[float] = []
        for _ in range(5):
            begin_s = time.perf_counter()
            mask.text(text)
            times_s.append(time.perf_counter() - begin_s)
        return min(times_s)

    unit = "key=1234567 +12 34 sip token: eyJ "
    assert best_s(unit * 3_000_000) < 20 * best_s((unit * 200)[:TEXT_LIMIT])
