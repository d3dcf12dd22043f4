"""What cached accounts hold in memory: `python -m bench.accounts.cached_memory URL COUNT`, in a process of its own.

Prints FOUND_PREFIX and JSON. Without their greetings' sound, which has a bound of its own.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import tracemalloc
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from accounts.address import open_store
from accounts.cache import AccountCache
from accounts.store import Key
from bench.accounts.house import account_id
from bench.first_word.call_memory import pss_mb

if TYPE_CHECKING:
    from accounts.store import AccountStore

FOUND_PREFIX = "firstword.cached "


@dataclass(frozen=True)
class CachedMemory:
    """By account: what Python gave out, and by how much the process grew (None where the system does not tell)."""

    accounts: int
    traced_bytes: float
    pss_bytes: float | None


async def measure(url: str, count: int) -> CachedMemory:
    """Read the accounts with numbers below `count` into one cache, and then into another one that is traced."""
    store = open_store(url)
    try:
        await _filled(store, 1)  # the database's library, and what the first read makes
        gc.collect()
        before_mb = pss_mb(os.getpid())
        cache = await _filled(store, count)
        gc.collect()
        after_mb = pss_mb(os.getpid())
        tracemalloc.start()
        traced = await _filled(store, count)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(cache) == len(traced)
    finally:
        await store.aclose()
    pss_bytes = None if before_mb is None or after_mb is None else (after_mb - before_mb) * 1e6 / count
    return CachedMemory(len(cache), held / count, pss_bytes)


async def _filled(store: AccountStore, count: int) -> AccountCache:
    cache = AccountCache(store, size=count, ttl_s=3600.0)
    for number in range(count):
        await cache.get(Key("id", account_id(number)))
    return cache


def main(argv: list[str]) -> None:
    found = asyncio.run(measure(argv[0], int(argv[1])))
    print(FOUND_PREFIX + json.dumps(asdict(found)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
