"""What is done with the store behind the calls: the common accounts at start, news of changes, and what was used."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from typing import TYPE_CHECKING

from accounts.store import StoreError
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from accounts.cache import AccountCache
    from accounts.store import AccountStore

log = get_logger("accounts")

LOOK_INTERVAL_S = 2.0  # a change reaches the calls after that and a read; one query each
USES_INTERVAL_S = 30.0
LIMIT_S = 10.0  # the store's own is shorter
LAST_LIMIT_S = 2.0
FIRST_LIMIT_S = 60.0  # the tables are created or upgraded, perhaps by another worker


class Refresher:
    """Asks the store every 2 s. One that is away is a warning, and is asked again; a line says when it is back."""

    def __init__(self, store: AccountStore, cache: AccountCache, *, preload: int) -> None:
        self._store = store
        self._cache = cache
        self._preload = preload
        self._since: int | None = None
        self._away = False
        self._uses: Counter[str] = Counter()
        self._uses_told_s = time.monotonic()
        self._task: asyncio.Task[None] | None = None
        self.empty = False
        """The store has no account that could be found; not known unless common accounts are asked for."""
        self.looked = asyncio.Event()
        """The store has been asked once, and the common accounts are in the cache if it answered."""

    def start(self) -> None:
        self._task = self._task or asyncio.create_task(self._run(), name="refresh accounts")

    def used(self, account_id: str) -> None:
        """A call for this account: the store is told with the next ones, so that it knows the common accounts."""
        self._uses[account_id] += 1

    async def aclose(self) -> None:
        """Tell the store what was used and end. Any number of times."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            with contextlib.suppress(Exception):  # it is away, and so are the counts
                async with asyncio.timeout(LAST_LIMIT_S):
                    await self._tell_uses()

    async def _run(self) -> None:
        while True:
            await self.look()
            self.looked.set()
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def look(self) -> None:
        """Ask the store once. A failure is a line of the log, not raised."""
        limit_s = FIRST_LIMIT_S if self._since is None else LIMIT_S
        try:
            async with asyncio.timeout(limit_s):
                await self._ask()
        except TimeoutError:
            self._note_away(f"no answer within {limit_s:g} s")
        except StoreError as error:
            self._note_away(str(error))
        except Exception as error:  # noqa: BLE001  # whatever a store does, the calls go on
            self._note_away(type(error).__name__)  # its text may hold the address with its password
        else:
            if self._away:
                log.info("the accounts' store is back")
            self._away = False

    async def _ask(self) -> None:
        if self._since is None:
            # The version first: what changes after it is told by the next look.
            since = await self._store.version()
            common = await self._store.common(self._preload) if self._preload else []
            self._cache.all_changed()  # a store that was away at start may have been read before that version
            for account in reversed(common):  # the most common is the last to be dropped
                self._cache.add(account)
            self._since = since
            self.empty = self._preload > 0 and not common
            return
        changes = await self._store.changes(self._since)
        if changes:
            self._since = max(change.version for change in changes)
            self._cache.changed(*(change.account_id for change in changes))
            self.empty = False
        self._cache.store_answers()
        if time.monotonic() - self._uses_told_s >= USES_INTERVAL_S:
            await self._tell_uses()

    async def _tell_uses(self) -> None:
        self._uses_told_s = time.monotonic()
        uses, self._uses = self._uses, Counter()
        if uses:
            try:
                await self._store.used(dict(uses))
            except BaseException:
                self._uses.update(uses)
                raise

    def _note_away(self, reason: str) -> None:
        if not self._away:
            log.warning("the accounts' store is away: calls go on with the accounts in memory", reason=reason)
        self._away = True
