"""Reads of a store that are shared."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest

import accounts.reads
from accounts.reads import Reads
from accounts.store import Key, StoreError
from tests.accounts.memory_store import MemoryStore
from tests.accounts.store_promises import account

if TYPE_CHECKING:
    from accounts.reads import Came

ID = Key("id", "harbour")
CALL: ContextVar[str] = ContextVar("CALL", default="nobody's")


async def test_a_store_that_hangs_gathers_no_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read ends after its limit, with a `StoreError`, whoever waits for it or not."""
    monkeypatch.setattr(accounts.reads, "LIMIT_S", 0.02)
    store, came = MemoryStore(account()), list["Came"]()
    store.gate.clear()
    reads = Reads(store, lambda _key, each, _changed: came.append(each))
    with pytest.raises(StoreError, match=r"no answer within 0.02 s"):
        await asyncio.shield(reads.start(ID))
    assert [str(each) for each in came] == ["no answer within 0.02 s"]
    assert reads.start(ID) is reads.start(ID)
    await reads.aclose()


async def test_a_read_belongs_to_no_call() -> None:
    """What it logs and starts must not carry the name of the call that happened to be the first."""
    seen: list[str] = []
    reads = Reads(MemoryStore(account()), lambda _key, _came, _changed: seen.append(CALL.get()))

    async def call() -> None:
        CALL.set("the first one's")
        await reads.start(ID)

    await asyncio.create_task(call())
    assert seen == ["nobody's"]
