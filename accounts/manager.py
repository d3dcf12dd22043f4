"""Who is called: one call's account, from the key that it names to the brief that answers it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from accounts.briefing import busy_sentence, new_agent, own_agent, own_settings, own_values
from accounts.caller import caller_name, caller_of
from accounts.experiments import Known
from accounts.office import Office
from accounts.record import AccountError
from accounts.store import StoreError
from accounts.tally import AccountTally
from accounts.who import caller_keys, keys, overrides_of
from service import Accounts, AccountsUnusable, Brief, Choice
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from livekit import rtc
    from livekit.agents import Agent, JobContext

    from accounts.record import Account
    from accounts.store import AccountStore, Key
    from accounts.tally import Reason
    from config import Settings
    from observe.observer import CallRecord
    from service import Prepare

log = get_logger("accounts")

STORE_LIMIT_S = 0.9  # the call itself gives up 1 s after its caller came, and could not tell why


def settings_store(settings: Settings) -> AccountStore:
    """The store that ACCOUNTS_URL names. Raises ValueError for a URL that names none."""
    from accounts.address import open_store  # the database's library takes a moment

    return open_store(settings.accounts_url.get_secret_value())


class AccountManager(Accounts):
    """Answers each call as the account says that it names; the service's own `agent` and `greeting` for all others.

    `agent` makes a new one for each call. With ISOLATION=process what is handed in must be importable by name, and
    each process knows its own call only: no account's `max_calls` is held there.
    """

    def __init__(
        self,
        agent: Callable[[], Agent],
        greeting: str,
        *,
        store: Callable[[Settings], AccountStore] = settings_store,
    ) -> None:
        self._agent = agent
        self._greeting = greeting
        self._make_store = store
        self._tally = AccountTally()
        self._office: Office | None = None

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_tally": AccountTally(), "_office": None}

    @property
    def counts(self) -> dict[Reason, int]:
        """What came of the calls' accounts so far, by reason."""
        return self._tally.snapshot()

    async def open(self, settings: Settings, prepare: Prepare) -> None:
        """Read the common accounts and have their greetings spoken, for 10 s at most; the rest goes on behind.

        Raises `AccountsUnusable` for an ACCOUNTS_URL, an agent or experiments that cannot be used.
        """
        try:
            store = self._make_store(settings)
        except ValueError as error:
            raise AccountsUnusable(f"ACCOUNTS_URL: {error}") from None
        try:
            office = Office(settings, store, prepare, self._agent(), self._tally)
        except BaseException as error:
            await store.aclose()
            if isinstance(error, ValueError) and not isinstance(error, AccountsUnusable):
                raise AccountsUnusable(str(error)) from None
            raise
        self._office = office
        await office.open()

    def choose(self, context: JobContext, settings: Settings) -> Choice:
        """What takes effect at dispatch. An account that is not in memory is read from this moment on."""
        office = self._opened
        named = keys(context)
        account = next((found for key in named if (found := office.cache.peek(key)) is not None), None)
        if account is None and named:
            office.cache.begin(named[0])
        if account is not None and not account.enabled:
            account = None
        assigned = office.experiments.at_dispatch(settings, self._known(context, account, None))
        return Choice(assigned.settings, assigned.labels)

    async def find(self, context: JobContext, choice: Choice) -> Brief:
        """The account's brief; for a call whose account cannot be found or used the service's own, and a warning."""
        try:
            return await self._find(self._opened, context, choice)
        except asyncio.CancelledError:
            self._tally.add("gave_up")
            raise

    def ended(self, call: CallRecord) -> None:
        """Give the call's line back, and keep what it gave if it was in an experiment."""
        office = self._opened
        office.lines.leave(call.call_id)
        office.outcomes.ended(call, office.experiments)

    async def aclose(self) -> None:
        office, self._office = self._office, None
        if office is None:
            return
        await office.aclose()
        log.info("accounts are closed", **self._tally.told())

    @property
    def _opened(self) -> Office:
        if self._office is None:
            raise RuntimeError("AccountManager: it is not open")
        return self._office

    async def _find(self, office: Office, context: JobContext, choice: Choice) -> Brief:
        named = keys(context)
        caller = None
        # Where there is no account at all, it makes no difference whom they call.
        if (not named and not office.refresher.empty) or office.experiments.needs_caller():
            caller = await caller_of(context)
            named = named or caller_keys(caller)
        account = await self._account(office, named)
        settings = choice.settings if account is None else own_settings(account, choice.settings)
        known = self._known(context, account, caller)
        assigned = office.experiments.assign(settings, known, choice.labels)
        settings = assigned.settings
        if account is None:
            return Brief(new_agent(self._agent), settings.greeting or self._greeting, settings, assigned.labels)
        agent = await own_agent(self._agent, account)
        labels = {**assigned.labels, "account": account.id}
        if not office.lines.take(account, context.job.id, context):
            self._tally.add("over_limit")
            log.warning("the account has no line left", account=account.id, max_calls=account.max_calls)
            return Brief(agent, busy_sentence(account), settings, labels, hangs_up=True)
        self._tally.add("found")
        office.refresher.used(account.id)
        return Brief(agent, account.greeting, settings, labels, account.max_call_s)

    async def _account(self, office: Office, named: Sequence[Key]) -> Account | None:
        """The account of the first key that names one; None, and the one line that says why."""
        if not named:
            self._tally.add("unnamed")
            return None
        reason, detail, key = "unknown", "", named[0]
        try:
            async with asyncio.timeout(STORE_LIMIT_S):
                for key in named:
                    account = await office.cache.get(key)
                    if account is not None and account.enabled:
                        return account
                    if account is not None:
                        reason = "disabled"
                        break
                else:
                    key = named[0]
        except TimeoutError:
            reason, detail = "store_slow", f"no answer within {STORE_LIMIT_S:g} s"
        except StoreError as error:
            reason, detail = "store_failed", str(error)
        except AccountError as error:
            reason, detail = "broken", "; ".join(error.problems)
        self._tally.add(reason)
        log.warning("the service's own words answer", reason=reason, key=f"{key.kind} {key.value}", detail=detail)
        return None

    def _known(self, context: JobContext, account: Account | None, caller: rtc.RemoteParticipant | None) -> Known:
        """What experiments go by."""
        return Known(
            context.job.id,
            account=None if account is None else account.id,
            caller=None if caller is None else caller_name(caller),
            asked=overrides_of(context),
            recorded={} if account is None else account.variants,
            fixed=() if account is None else (*own_values(account), "greeting"),
        )
