"""The accounts of the benchmark: each with words of its own, and all alike in size."""

from __future__ import annotations

import pytest

from accounts.record import parse_account, to_values
from bench.accounts.house import (
    INSTRUCTIONS_CHARS,
    MOST_ACCOUNTS,
    TOOLS,
    VOICES,
    account_id,
    by_instructions,
    changed,
    house,
    tools_of,
)
from sim.dialogue import is_arabic


def test_a_thousand_accounts_have_words_of_their_own() -> None:
    """No two share a greeting, a name or instructions; all are records that a store takes."""
    accounts = house(MOST_ACCOUNTS)
    assert len(accounts) == MOST_ACCOUNTS == 1000
    for field in ("id", "name", "greeting", "instructions"):
        assert len({getattr(account, field) for account in accounts}) == MOST_ACCOUNTS
    assert all(parse_account(to_values(account)) == account for account in accounts)


def test_they_are_alike_in_size() -> None:
    """What differs between two calls is not how much is said."""
    accounts = house(MOST_ACCOUNTS)
    lengths = [len(account.greeting) for account in accounts]
    assert max(lengths) <= 1.25 * min(lengths)
    assert {len(account.instructions) for account in accounts} == {INSTRUCTIONS_CHARS}


def test_they_speak_in_forty_voices_and_one_in_ten_in_arabic() -> None:
    """So that more voices are called than are kept warm."""
    accounts = house(MOST_ACCOUNTS)
    assert len({account.voice for account in accounts}) == VOICES
    assert sum(is_arabic(account.greeting) for account in accounts) == MOST_ACCOUNTS // 10


def test_four_in_a_row_have_different_tools() -> None:
    """All, none, one and two: a mix-up of two calls is seen."""
    found = [tools_of(account) for account in house(4)]
    assert len(set(found)) == 4
    assert found[0] == tuple(sorted(TOOLS))
    assert found[1] == ()


def test_a_change_is_heard() -> None:
    """Other words, another voice, other instructions, of the same business."""
    (before,) = house(1)
    after = changed(before)
    assert after.id == before.id == account_id(0)
    assert before.name in after.greeting
    for field in ("greeting", "voice", "instructions"):
        assert getattr(after, field) != getattr(before, field)
    assert by_instructions((before, after))[after.instructions] is after


@pytest.mark.parametrize("count", [0, MOST_ACCOUNTS + 1])
def test_more_than_there_are_names_is_refused(count: int) -> None:
    """With what is allowed."""
    with pytest.raises(ValueError, match=rf"got {count}, allowed: 1 to {MOST_ACCOUNTS}"):
        house(count)
