"""The record of an account: what it takes, what it refuses and in which words, and what it costs to keep."""

from __future__ import annotations

import pickle
import random
import string
import tracemalloc
from typing import Any

import pytest
from pydantic import ValidationError

from accounts.record import (
    MOST_CHARS_INSTRUCTIONS,
    Account,
    AccountError,
    is_id,
    parse_account,
    refuse_doubles,
    to_values,
)
from utils.yaml_text import dump, load

LEAST: dict[str, Any] = {
    "id": "harbour",
    "name": "Harbour Café",
    "instructions": "You speak for the harbour.",
    "greeting": "Harbour office.",
}
KEPT_BYTES = 40 * 1024
LIST = "allowed: a list of"


def problems_of(**fields: Any) -> list[str]:
    with pytest.raises(AccountError) as refused:
        parse_account({**LEAST, **fields})
    return refused.value.problems


def test_what_is_left_out_is_the_services_own() -> None:
    """Four fields are enough."""
    account = parse_account(LEAST)
    assert to_values(account) == LEAST
    assert account.enabled
    assert account.voice is account.tools is account.max_calls is None
    assert account.phone_numbers == ()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"id": "Har/bour"}, "id: got 'Har/bour', allowed: 1 to 64 of a-z, 0-9, - and _, the first and last"),
        ({"id": ".."}, "id: got '..', allowed: 1 to 64 of a-z"),
        ({"id": 7}, "id: got 7, allowed: 1 to 64 of a-z"),
        ({"name": "a\nb"}, "name: got 'a\\nb', allowed: a text of 1 to 120 characters in one line"),
        ({"name": " "}, "name: got ' ', allowed: a text of 1 to 120 characters in one line"),
        ({"name": 24}, "name: got 24, allowed: a text of 1 to 120"),
        ({"instructions": "x" * 8001}, "instructions: got 'xxxx"),
        ({"instructions": ""}, "instructions: got '', allowed: a text that is not empty"),
        (
            {"instructions": "a\x00b"},
            "instructions: got 'a\\x00b', allowed: text without control characters, and U+0000",
        ),
        ({"instructions": "\ud800"}, "instructions: got '\\ud800', allowed: a valid string"),
        ({"greeting": "Hi {caller}."}, "greeting: got 'Hi {caller}.', allowed: {name} for the caller's name, and no"),
        ({"greeting": "{name}!"}, "greeting: got '{name}!', allowed: a whole sentence without {name} first"),
        ({"greeting": "y" * 501}, "greeting: got 'yyy"),
        ({"voice": "a/../b"}, "voice: got 'a/../b', allowed: a voice id, 1 to 64 letters, digits, - and _"),
        ({"llm_model": "a b"}, "llm_model: got 'a b', allowed: a model's name"),
        ({"language_hints": []}, f"language_hints: got [], {LIST} ISO 639-1 codes"),
        ({"language_hints": [False]}, f"language_hints: got False, {LIST} ISO 639-1 codes"),
        ({"language_hints": "ar,en"}, f"language_hints: got 'ar,en', {LIST} ISO 639-1 codes"),
        (
            {"language_hints": ["en", "en"]},
            "language_hints: got ['en', 'en'], allowed: each once, and en is there twice",
        ),
        ({"profile": "Fast"}, "profile: got 'Fast', allowed: fast, steady or production"),
        ({"max_tokens": "120"}, "max_tokens: got '120', allowed: a whole number from 16 to 4096"),
        ({"max_tokens": True}, "max_tokens: got True, allowed: a whole number from 16 to 4096"),
        ({"max_calls": 0}, "max_calls: got 0, allowed: a whole number from 1 to 1000"),
        ({"max_call_s": float("nan")}, "max_call_s: got nan, allowed: a number from 10.0 to 86400.0"),
        ({"tools": ["book table"]}, f"tools: got 'book table', {LIST} names of the agent's function tools"),
        ({"phone_numbers": ["030 1234567"]}, f"phone_numbers: got '030 1234567', {LIST} up to 200 numbers in E.164"),
        ({"phone_numbers": [493012345678]}, f"phone_numbers: got 493012345678, {LIST} up to 200 numbers"),
        (
            {"phone_numbers": ["+493012345678"] * 2},
            "phone_numbers: got ['+493012345678', '+493012345678'], allowed: each once, and +493012345678 is there",
        ),
        ({"hosts": ["Harbour.example.com"]}, f"hosts: got 'Harbour.example.com', {LIST} up to 200 host names in lower"),
        ({"hosts": [f"h{n}" for n in range(201)]}, "hosts: got ['h0', 'h1', "),
        ({"variants": {"openers": False}}, "variants: got False, allowed: names of experiments, each with the name of"),
        ({"enabled": "yes"}, "enabled: got 'yes', allowed: true or false"),
        ({"greting": "Hi."}, "'greting': unknown; allowed: id, name, instructions, greeting, voice,"),
        ({"api_key": "sk-abcdefgh12345678"}, "'api_key': unknown; allowed: id, name,"),
        ({"a\nb": 1}, "'a\\nb': unknown; allowed: id,"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_wrong_value_is_told_in_one_line(fields: dict[str, Any], problem: str) -> None:
    """Field, what was found, what is allowed; the value of an unknown field, which may be a key, is not told."""
    told = problems_of(**fields)
    assert len(told) == 1
    assert told[0].startswith(problem)
    assert "\n" not in told[0]
    assert "sk-abc" not in told[0]
    assert len(told[0]) < 300


def test_each_wrong_field_has_its_line() -> None:
    """All at once, so that nobody mends them one by one; a missing one too."""
    with pytest.raises(AccountError) as refused:
        parse_account({"id": "harbour", "greeting": "{name}", "max_calls": -1, "hosts": ["a b", "ok", "ü"]})
    assert [each.partition(":")[0] for each in refused.value.problems] == [
        "name",
        "instructions",
        "greeting",
        "max_calls",
        "hosts",
        "hosts",
    ]
    assert refused.value.problems[0] == "name: missing; it has to be there"
    assert refused.value.account == "harbour"
    assert str(refused.value).startswith("account harbour: name: missing")


@pytest.mark.parametrize("values", [None, [], "harbour", 3, [LEAST]])
def test_what_is_no_record_at_all_is_told(values: object) -> None:
    """A list, a word, nothing."""
    with pytest.raises(AccountError, match="allowed: one `field: value` for each field"):
        parse_account(values)
    with pytest.raises(AccountError) as refused:
        parse_account(values, kept_as="harbour")
    assert refused.value.account == "harbour"


def test_a_record_is_kept_as_its_id() -> None:
    """The place where it is kept may give the id, and must not contradict it."""
    without = {name: value for name, value in LEAST.items() if name != "id"}
    assert parse_account(without, kept_as="harbour") == parse_account(LEAST)
    with pytest.raises(AccountError, match="id: got 'harbour', allowed: station, as which it is kept"):
        parse_account(LEAST, kept_as="station")


def test_no_tools_is_not_all_tools() -> None:
    """An empty list allows none, and stays one when it is written down."""
    assert parse_account({**LEAST, "tools": []}).tools == ()
    assert to_values(parse_account({**LEAST, "tools": []}))["tools"] == []
    assert "tools" not in to_values(parse_account(LEAST))


def test_an_account_does_not_change() -> None:
    """It is shared by all its calls."""
    account = parse_account(LEAST)
    with pytest.raises(ValidationError):
        account.voice = "other"  # pyright: ignore[reportAttributeAccessIssue]  # what a caller must not do
    assert pickle.loads(pickle.dumps(account)) == account


def test_windows_line_ends_are_line_ends() -> None:
    """The same instructions are the same prompt, wherever they were written."""
    assert parse_account({**LEAST, "instructions": "a\r\nb"}).instructions == "a\nb"


@pytest.mark.parametrize("text", ["a", "0", "a-b_c", "a" * 64])
def test_an_id_is_a_file_name(text: str) -> None:
    """Letters, digits, - and _."""
    assert is_id(text)


@pytest.mark.parametrize("text", ["", "-a", "a-", "A", "a.b", "a/b", "..", "a\n", "a" * 65, "ä", "a b"])
def test_what_is_no_id(text: str) -> None:
    """Nothing that leads to another file."""
    assert not is_id(text)


def test_of_what_is_written_together_each_is_there_once() -> None:
    """The error names the second one, the value and who has it."""
    first = parse_account({**LEAST, "phone_numbers": ["+493012345678"]})
    second = parse_account({**LEAST, "id": "station", "phone_numbers": ["+493012345678"]})
    refuse_doubles([first])
    with pytest.raises(AccountError, match=r"account station: phone_numbers: got '\+493012345678', .* it is harbour's"):
        refuse_doubles([first, second])
    with pytest.raises(AccountError, match="account harbour: id: got 'harbour' twice"):
        refuse_doubles([first, first])


def random_account(chance: random.Random) -> Account:
    """Any account: texts of all scripts, each field there or not."""

    def text(most: int, extra: str = "") -> str:
        letters = string.printable[:95] + "äßéمرحبا漢字👩‍🚀\u0301\ufeff\u200f" + extra
        return ("x" + "".join(chance.choice(letters) for _ in range(chance.randrange(most))) + "x").replace("\r", "")

    def some(values: list[str]) -> list[str]:
        return chance.sample(values, chance.randrange(len(values) + 1))

    words = ["yes", "no", "on", "off", "null", "1e3", "0x10", "1.2", "true", "a-b"]
    record: dict[str, Any] = {
        "id": chance.choice(["yes", "off", "null", "1e3", "0", "a-b_c"]),
        "name": text(100),
        "instructions": text(400, "\n\n\t    \u2028\u2029"),
        "greeting": "Hello there. " + text(100).replace("{", "").replace("}", ""),
    }
    optional: dict[str, Any] = {
        "voice": chance.choice(["on", "1e3", "hpp4J3VqNfWAUOO0d1Us"]),
        "language_hints": some(["no", "ar", "en"]) or ["yes"],
        "llm_model": "ft:gpt-4o-mini:acme::1",
        "profile": chance.choice(["fast", "steady", "production"]),
        "max_tokens": chance.randrange(16, 4097),
        "max_call_s": chance.choice([600, 10.25, 86_400.0]),
        "tools": some(["yes", "no", "book"]),
        "phone_numbers": some(["+493012345678", "+4930123456", "+97150123456"]),
        "hosts": some(["no", "on", "1.2", "1.2.3.4", "harbour.example.com"]),
        "variants": {name: chance.choice(words) for name in some(words)},
        "enabled": chance.random() < 0.5,
    }
    return parse_account(record | {name: value for name, value in optional.items() if chance.random() < 0.6})


@pytest.mark.parametrize("seed", range(60))
def test_what_is_written_down_is_read_back(seed: int) -> None:
    """As values and as YAML text, whatever is in it."""
    account = random_account(random.Random(seed))
    values = to_values(account)
    assert parse_account(values) == account
    assert [each.value for each in load(dump(values))] == [values]
    assert [name for name, value in values.items() if value is None or value == () or value == {}] == []


def test_a_thousand_accounts_are_small() -> None:
    """At most 40 KB an account with 1,500 characters of instructions, and with the longest in the widest script."""
    for instructions, count in (("You speak for the harbour. " * 60)[:1500], 1000), ("⚓🚢" * 4000, 50):
        assert len(instructions) <= MOST_CHARS_INSTRUCTIONS
        tracemalloc.start()
        try:
            accounts = [
                parse_account(
                    {
                        **LEAST,
                        "id": f"a{n}",
                        "instructions": f"{n}{instructions}"[:MOST_CHARS_INSTRUCTIONS],
                        "phone_numbers": [f"+4930{n:07d}{m}" for m in range(3)],
                        "hosts": [f"h{n}.example.com"],
                        "variants": {"openers": "off"},
                    }
                )
                for n in range(count)
            ]
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(accounts) == count
        assert kept / count <= KEPT_BYTES
