"""For the tests of accounts: one real PostgreSQL for each process of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.accounts.postgres import PostgresMissing, RealPostgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture(scope="session")
async def postgres() -> AsyncIterator[RealPostgres]:
    """Started when the first test asks for it; a test takes a database of its own."""
    try:
        server = RealPostgres()
    except PostgresMissing as reason:
        pytest.skip(str(reason))
    async with server:
        yield server
