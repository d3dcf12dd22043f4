"""What a cached account holds is measured on a true store, in a process of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from accounts.sql.store import SqlStore
from bench.accounts.cached_memory import FOUND_PREFIX
from bench.accounts.house import INSTRUCTIONS_CHARS, house
from bench.workers import Announced

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_cached_account_is_its_texts_and_little_more(tmp_path: Path) -> None:
    """At least what its instructions hold, and far below 40 KB."""
    url = f"sqlite:///{tmp_path / 'accounts.db'}"
    store = SqlStore(url)
    await store.put(house(60))
    await store.aclose()
    arguments = ["-m", "bench.accounts.cached_memory", url, "60"]
    async with Announced("memory", FOUND_PREFIX, arguments) as found:
        measured = json.loads(found)
    assert measured["accounts"] == 60
    assert INSTRUCTIONS_CHARS < measured["traced_bytes"] < 40_000
