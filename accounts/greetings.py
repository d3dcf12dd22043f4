"""The greetings of accounts, spoken before somebody calls: at their first reading, and anew when they change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from accounts.briefing import busy_sentence, own_settings
from prewarm.greeting import SynthesisFailed
from utils.greeting_text import split_greeting
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.record import Account
    from accounts.tally import AccountTally
    from config import Settings
    from service import Prepare

log = get_logger("accounts")

AT_ONCE = 8
LIMIT_S = 30.0  # of one account; the voice gives up before


class Greetings:
    """`variants` are the settings that calls can have, the service's own first: a greeting is spoken as in each.

    A greeting that fails is a line of the log; the account's first call then has it spoken.
    """

    def __init__(self, prepare: Prepare, variants: Sequence[Settings], tally: AccountTally) -> None:
        self._prepare = prepare
        self._variants = variants
        self._tally = tally
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def under_way(self) -> int:
        return len(self._tasks)

    def begin(self, account: Account) -> None:
        """Have its greeting ready soon, in its own voice; and what callers hear who find no line."""
        if account.enabled:
            task = asyncio.create_task(self._ready(account), name="prepare greeting")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def idle(self) -> None:
        """Wait until all that was begun is ready or has failed."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def aclose(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ready(self, account: Account) -> None:
        said = [split_greeting(account.greeting).opening]
        if account.max_calls is not None:
            said.append(busy_sentence(account))
        async with self._room:
            try:
                async with asyncio.timeout(LIMIT_S):
                    for settings in self._sounds(account):
                        for words in said:
                            await self._prepare(settings, words)
            except Exception as error:  # noqa: BLE001  # whatever the voice does, the others are prepared
                self._tally.add("prepare_failed")
                # only this text is known to hold no key
                reason = str(error) if isinstance(error, SynthesisFailed) else type(error).__name__
                log.warning("an account's greeting is not ready", account=account.id, reason=reason)
            else:
                self._tally.add("prepared")

    def _sounds(self, account: Account) -> list[Settings]:
        """The account's settings, one for each way in which its words can sound."""
        found: dict[tuple[object, ...], Settings] = {}
        for variant in self._variants:
            settings = own_settings(account, variant)
            found.setdefault((settings.tts_voice, settings.tts_model, settings.trim_greeting), settings)
        return list(found.values())
