"""One call's way to its account: what is chosen at dispatch, who is called, and how long a caller waits for that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from service import Choice
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from livekit.agents import JobContext

    from config import Settings
    from observe.observer import CallRecord
    from observe.timeline import Span
    from service import Brief, Service

log = get_logger("call")

LIMIT_S = 1.0  # with the caller there: longer, and they hear the default greeting and not silence


class AccountLookup:
    """Made at dispatch. Whatever `Service.accounts` raises is a warning, and the service's own brief answers."""

    def __init__(self, service: Service, context: JobContext, settings: Settings) -> None:
        self._service = service
        self._context = context
        self._accounts = service.accounts
        self._limit: asyncio.Timeout | None = None
        self._caller_is_there = False
        self.choice = self._choose(settings)

    def caller_came(self) -> None:
        """From now on somebody waits in silence."""
        if not self._caller_is_there:
            self._caller_is_there = True
            self._hurry()

    async def find(self, span: Span) -> Brief:
        """The call's brief; `span` tells if it is the service's own because the lookup failed."""
        if self._accounts is not None:
            try:
                # Before the caller is there nobody waits, and perhaps only they can tell whom they call.
                async with asyncio.timeout(self.choice.settings.caller_timeout) as self._limit:
                    if self._caller_is_there:
                        self._hurry()
                    return await self._accounts.find(self._context, self.choice)
            except Exception as error:  # noqa: BLE001  # whatever the lookup does, the caller is greeted
                span.failed = type(error).__name__
                log.warning("account not found, the default one answers", reason=span.failed)
            finally:
                self._limit = None
        return self._service.brief(self.choice.settings)

    async def ended(self, call: CallRecord) -> None:
        """Tell the accounts of the call's end, which is theirs too where each process serves one call."""
        if self._accounts is not None:
            try:
                self._accounts.ended(call)
                if self.choice.settings.isolation == "process":
                    await self._accounts.aclose()
            except Exception as error:  # noqa: BLE001  # the call's end must not hang on who counts it
                log.warning("the accounts were not told of the call's end", reason=type(error).__name__)

    def _choose(self, settings: Settings) -> Choice:
        try:
            if self._service.room_settings is not None:
                settings = self._service.room_settings(self._context, settings)
            return Choice(settings) if self._accounts is None else self._accounts.choose(self._context, settings)
        except Exception as error:  # noqa: BLE001  # whatever it does, the caller is greeted
            log.warning("nothing is chosen for the call, it goes by the settings", reason=type(error).__name__)
            return Choice(settings)

    def _hurry(self) -> None:
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time() + LIMIT_S)
