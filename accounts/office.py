"""What an open account manager works with: opened before the worker's first call, closed after its last."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from accounts.briefing import ToolNames
from accounts.cache import AccountCache
from accounts.experiments import Experiments
from accounts.greetings import Greetings
from accounts.late_database import LateDatabase
from accounts.limits import Lines
from accounts.outcomes import Outcomes, outcomes_url
from accounts.refresh import Refresher
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from livekit.agents import Agent

    from accounts.record import Account
    from accounts.store import AccountStore
    from accounts.tally import AccountTally
    from config import Settings
    from service import Prepare

log = get_logger("accounts")

READY_LIMIT_S = 10.0  # a worker that waits longer for its greetings is missed more than they are


class Office:
    """`agent` is one of the service's, to know its tools by. Made on a running loop.

    Raises ValueError for an agent whose tools cannot be limited, and `ExperimentsError` for experiments that cannot be
    used; the store is then the caller's to close.
    """

    def __init__(
        self, settings: Settings, store: AccountStore, prepare: Prepare, agent: Agent, tally: AccountTally
    ) -> None:
        size = settings.accounts_cache_size
        self._store = store
        self._tools = ToolNames(agent)
        self._preload = min(settings.accounts_preload, size)
        self.experiments = Experiments(settings.experiments_file, settings, forced=settings.experiments)
        self._greetings = Greetings(prepare, [settings, *self.experiments.each_variant()], tally)
        self.cache = AccountCache(store, size=size, ttl_s=settings.accounts_ttl, on_new=self._welcome, tally=tally)
        self.refresher = Refresher(store, self.cache, preload=self._preload)
        self._database = LateDatabase(store, outcomes_url(settings.accounts_url.get_secret_value()))
        self.outcomes = Outcomes(self._database)
        self.lines = Lines()

    async def open(self) -> None:
        """Read the common accounts and have their greetings spoken, for 10 s at most; the rest goes on behind."""
        await self.experiments.open()
        await self.outcomes.open()
        self.refresher.start()
        if not self._preload:
            return
        try:
            async with asyncio.timeout(READY_LIMIT_S):
                await self.refresher.looked.wait()
                await self._greetings.idle()
        except TimeoutError:
            log.warning("accounts get ready behind the first calls", greetings=self._greetings.under_way)

    async def aclose(self) -> None:
        """Any number of times."""
        await self.refresher.aclose()
        await self._greetings.aclose()
        await self.cache.aclose()
        await self.outcomes.aclose()
        await self._database.aclose()
        await self.experiments.aclose()
        await self._store.aclose()

    def _welcome(self, account: Account) -> None:
        self._greetings.begin(account)
        self._tools.check(account)
