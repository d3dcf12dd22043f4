"""A store that is told to be slow or away, while another process asks it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from accounts.store import StoreError
from bench.accounts.faulty_store import Faults, FaultyStore, show, shown
from bench.accounts.house import house, key_of
from tests.accounts.memory_store import MemoryStore

if TYPE_CHECKING:
    from pathlib import Path


async def test_without_a_file_it_is_the_true_store(tmp_path: Path) -> None:
    """Whatever it is asked."""
    accounts = house(2)
    store = FaultyStore(MemoryStore(), tmp_path / "faults.json")
    await store.put(accounts)
    assert await store.find(key_of(accounts[1])) == accounts[1]
    assert [each async for each in store.all()] == list(accounts)
    assert len(await store.changes(0)) == len(await store.common(5)) == 2
    assert await store.version() > 0
    await store.used({accounts[0].id: 1})
    assert await store.delete(accounts[0].id)
    await store.aclose()


async def test_it_is_slow_and_down_as_long_as_it_is_told(tmp_path: Path) -> None:
    """The change takes effect with the next question."""
    file = tmp_path / "faults.json"
    (account,) = house(1)
    store = FaultyStore(MemoryStore(account), file)
    show(file, Faults(delay_ms=120))
    begun = time.monotonic()
    assert await store.find(key_of(account)) == account
    assert time.monotonic() - begun >= 0.12
    show(file, Faults(down=True))
    with pytest.raises(StoreError, match="does not answer"):
        await store.find(key_of(account))
    show(file, Faults())
    assert shown(file) == Faults()
    assert await store.find(key_of(account)) == account
    await store.aclose()
