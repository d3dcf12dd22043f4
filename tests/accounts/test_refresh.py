"""What is asked of the store behind the calls."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import accounts.cache
import accounts.refresh
from accounts.cache import AccountCache
from accounts.refresh import Refresher
from accounts.store import Key, StoreError
from tests.accounts.memory_store import MemoryStore
from tests.accounts.store_promises import account
from tests.accounts.test_cache import at_once, settled

if TYPE_CHECKING:
    import pytest

    from accounts.record import Account


def pair(*accounts_there: Account, preload: int = 10) -> tuple[MemoryStore, AccountCache, Refresher]:
    store = MemoryStore(*accounts_there)
    cache = AccountCache(store, size=100, ttl_s=300.0)
    return store, cache, Refresher(store, cache, preload=preload)


async def test_news_are_one_query() -> None:
    """Nothing changed: one question and no read. Each change is read once."""
    store, cache, refresher = pair(account(), account("garden"))
    for _ in range(5):
        await refresher.look()
    assert (store.looks, store.asked, len(cache)) == (4, [], 2)

    store.write(account(voice="v2"))
    for _ in range(3):
        await refresher.look()
        await settled()
    assert store.asked == [Key("id", "harbour")]
    assert at_once(cache.get(Key("id", "harbour"))).voice == "v2"
    await cache.aclose()


async def test_a_change_that_could_not_be_read_is_read_when_the_store_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The news are told once only, and nobody calls."""
    monkeypatch.setattr(accounts.cache, "RETRY_S", 0.0)
    store, cache, refresher = pair(account())
    await refresher.look()
    store.write(account(voice="v2"))
    await refresher.look()
    store.fails = StoreError("away")
    await settled()
    await refresher.look()
    store.fails = None
    await refresher.look()
    await settled()
    assert at_once(cache.get(Key("id", "harbour"))).voice == "v2"
    assert len(store.asked) == 2
    await cache.aclose()


async def test_what_changed_before_the_first_answer_is_read_too() -> None:
    """A call may have read an account while nobody could be asked which version that is."""
    store, cache, refresher = pair(account(), preload=0)
    await cache.get(Key("id", "harbour"))
    store.write(account(voice="v2"))
    await refresher.look()
    await settled()
    assert at_once(cache.get(Key("id", "harbour"))).voice == "v2"
    await cache.aclose()


async def test_the_most_used_accounts_are_the_last_to_be_dropped() -> None:
    """When the cache is full, those that came first from the store stay."""
    store = MemoryStore(*(account(f"a{number}") for number in range(6)))
    store.calls.update({f"a{number}": 10 - number for number in range(6)})
    cache = AccountCache(store, size=6, ttl_s=300.0)
    await Refresher(store, cache, preload=6).look()
    for number in range(3):
        cache.add(account(f"new{number}"))
    left = [number for number in range(6) if cache.peek(Key("id", f"a{number}")) is not None]
    assert left == [0, 1, 2]
    await cache.aclose()


async def test_a_store_that_hangs_is_away(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """It is given up after a limit, told once, and asked again."""
    monkeypatch.setattr(accounts.refresh, "FIRST_LIMIT_S", 0.02)
    store, cache, refresher = pair(account())
    hangs = asyncio.Event()

    async def version() -> int:
        await hangs.wait()
        return 0

    store.version = version
    for _ in range(3):
        await refresher.look()
    assert [vars(record)["reason"] for record in caplog.records] == ["no answer within 0.02 s"]
    hangs.set()
    await refresher.look()
    assert len(cache) == 1
    await cache.aclose()


async def test_uses_are_told_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with each look; what a failing store did not take is told later, and the rest at the end."""
    store, cache, refresher = pair(account())
    await refresher.look()
    for _ in range(3):
        refresher.used("harbour")
    await refresher.look()
    assert not store.calls

    monkeypatch.setattr(accounts.refresh, "USES_INTERVAL_S", 0.0)
    taken = store.used

    async def refused(counts: dict[str, int]) -> None:
        raise StoreError(f"no room for {len(counts)}")

    store.used = refused
    await refresher.look()
    store.used = taken
    await refresher.look()
    assert store.calls == {"harbour": 3}

    refresher.start()
    await refresher.looked.wait()
    refresher.used("harbour")
    await refresher.aclose()
    await refresher.aclose()
    assert store.calls == {"harbour": 4}
    await cache.aclose()
