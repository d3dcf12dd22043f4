"""Accounts in memory: who waits, who is told what, and what the store is asked."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from accounts.cache import ABSENT_S, RETRY_S, STALE_LIMIT_S, AccountCache
from accounts.reads import REFRESHES
from accounts.record import AccountError
from accounts.store import Key, StoreError
from accounts.tally import AccountTally
from tests.accounts.memory_store import MemoryStore
from tests.accounts.store_promises import account, phone

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine

    from accounts.record import Account

TTL_S = 300.0
ID = Key("id", "harbour")


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Bench:
    """A cache on a store in memory, its clock, and what it told."""

    def __init__(self, *accounts: Account, size: int = 100) -> None:
        self.store = MemoryStore(*accounts)
        self.clock = Clock()
        self.tally = AccountTally()
        self.new: list[Account] = []
        self.cache = AccountCache(
            self.store, size=size, ttl_s=TTL_S, on_new=self.new.append, tally=self.tally, clock=self.clock
        )

    @property
    def told(self) -> dict[Any, int]:
        return self.tally.told()


@asynccontextmanager
async def bench(*accounts: Account, size: int = 100) -> AsyncGenerator[Bench]:
    made = Bench(*accounts, size=size)
    yield made
    made.store.gate.set()
    await made.cache.aclose()


def at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """What `work` gives without a pause; fails the test if it waits for anything."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    work.close()
    pytest.fail("it waits")


async def settled() -> None:
    """Let what runs behind the calls run."""
    for _ in range(20):
        await asyncio.sleep(0)


# ---- what a caller waits for --------------------------------------------------------------------------------


async def test_a_hundred_calls_at_once_are_one_read() -> None:
    """The store is asked once, and all get the same object."""
    async with bench(account()) as it:
        found = await asyncio.gather(*(it.cache.get(ID) for _ in range(100)))

        assert it.store.asked == [ID]
        assert all(each is found[0] for each in found)
        assert it.told == {"loaded": 100}


async def test_a_cached_account_costs_no_pause() -> None:
    """Neither while it is fresh nor when it is old."""
    async with bench(account()) as it:
        first = await it.cache.get(ID)
        it.store.gate.clear()

        assert at_once(it.cache.get(ID)) is first
        it.clock.now_s += TTL_S + 1
        assert at_once(it.cache.get(ID)) is first
        assert it.told == {"loaded": 1, "cached": 2}


async def test_who_hangs_up_takes_the_account_from_nobody() -> None:
    """The first one who asks is cancelled; the others get what was read for all, and so does the next call."""
    async with bench(account()) as it:
        it.store.gate.clear()
        first, second = (asyncio.create_task(it.cache.get(ID)) for _ in range(2))
        await settled()
        first.cancel()
        await settled()
        it.store.gate.set()

        assert await second == account()
        assert first.cancelled()
        assert it.cache.peek(ID) is second.result()
        assert len(it.store.asked) == 1


async def test_a_read_that_was_begun_is_joined() -> None:
    """`begin` at dispatch, `get` later: one read; a second `begin` of what is known asks nothing."""
    async with bench(account()) as it:
        it.cache.begin(ID)
        await settled()
        assert at_once(it.cache.get(ID)) == account()
        it.cache.begin(ID)
        await settled()

        assert it.store.asked == [ID]


async def test_each_name_gives_the_same_object() -> None:
    """Found by id, it is there by phone and by host too, without another read."""
    harbour = account(phone_numbers=[phone(1), phone(2)], hosts=["harbour.example.com"])
    async with bench(harbour) as it:
        found = await it.cache.get(Key("phone", phone(2)))
        for key in (ID, Key("phone", phone(1)), Key("host", "harbour.example.com")):
            assert at_once(it.cache.get(key)) is found

        assert len(it.store.asked) == 1


# ---- old, changed, deleted ----------------------------------------------------------------------------------


async def test_what_is_old_is_read_anew_behind_the_call() -> None:
    """The call after its time to live gets what is there, the next one what the store has by then."""
    async with bench(account()) as it:
        await it.cache.get(ID)
        it.store.accounts["harbour"] = account(greeting="Good morning.")  # by hand: no change is told
        it.clock.now_s += TTL_S - 1
        await it.cache.get(ID)
        await settled()
        assert len(it.store.asked) == 1

        it.clock.now_s += 2
        assert at_once(it.cache.get(ID)).greeting == "Hello there."
        await settled()
        assert at_once(it.cache.get(ID)).greeting == "Good morning."
        assert it.told == {"loaded": 1, "cached": 3, "refreshed": 1}


async def test_an_account_that_did_not_change_stays_the_same_object() -> None:
    """Then nobody is told of a new one, and no greeting is spoken again."""
    async with bench(account()) as it:
        first = await it.cache.get(ID)
        it.store.accounts["harbour"] = account()
        it.clock.now_s += TTL_S + 1
        it.cache.peek(ID)
        await settled()

        assert it.told["refreshed"] == 1
        assert it.cache.peek(ID) is first
        assert it.new == [first]


async def test_a_change_is_read_before_the_next_call() -> None:
    """By all names: those that it has no more find it no more, and the new ones do."""
    async with bench(account(phone_numbers=[phone(1)])) as it:
        await it.cache.get(ID)
        it.store.write(account(phone_numbers=[phone(2)], voice="v2"))
        it.cache.changed("harbour", "somebody-else")
        await settled()

        assert at_once(it.cache.get(Key("phone", phone(2)))).voice == "v2"
        assert await it.cache.get(Key("phone", phone(1))) is None
        assert [each.voice for each in it.new] == [None, "v2"]


async def test_a_number_that_moves_to_another_account_moves_in_the_cache() -> None:
    """Whichever of the two is read first."""
    for order in (("harbour", "garden"), ("garden", "harbour")):
        async with bench(account(phone_numbers=[phone(1)]), account("garden")) as it:
            await it.cache.get(ID)
            await it.cache.get(Key("id", "garden"))
            it.store.write(account())
            it.store.write(account("garden", phone_numbers=[phone(1)]))
            for name in order:
                it.cache.changed(name)
                await settled()

            assert at_once(it.cache.get(Key("phone", phone(1)))).id == "garden"


async def test_a_deleted_account_is_gone() -> None:
    """And an account that comes is found at once, though it was just unknown."""
    async with bench(account(phone_numbers=[phone(1)])) as it:
        await it.cache.get(ID)
        await it.store.delete("harbour")
        it.cache.changed("harbour")
        await settled()
        assert await it.cache.get(ID) is None
        assert await it.cache.get(Key("phone", phone(1))) is None

        it.store.write(account(phone_numbers=[phone(1)]))
        it.cache.changed("harbour")
        assert await it.cache.get(Key("phone", phone(1))) == account(phone_numbers=[phone(1)])


async def test_a_change_during_a_read_is_not_lost() -> None:
    """What was read may be older than the change: it is read once more. The same for a name that was unknown."""
    async with bench(account()) as it:
        it.store.answer.clear()
        first = asyncio.create_task(it.cache.get(ID))
        unknown = asyncio.create_task(it.cache.get(Key("id", "garden")))
        await settled()
        it.store.write(account(voice="v2"))
        it.store.write(account("garden"))
        it.cache.changed("harbour", "garden")
        it.store.answer.set()
        await asyncio.gather(first, unknown)
        await settled()

        assert at_once(it.cache.get(ID)).voice == "v2"
        assert await it.cache.get(Key("id", "garden")) == account("garden")


async def test_it_is_not_known_what_changed() -> None:
    """Then all that is there is read anew, a few at once: a caller's own read does not wait behind them."""
    async with bench(*(account(f"a{number}") for number in range(50))) as it:
        for number in range(50):
            await it.cache.get(Key("id", f"a{number}"))
            it.store.write(account(f"a{number}", voice="v2"))
        it.store.asked.clear()
        it.store.gate.clear()
        it.cache.all_changed()
        await settled()
        assert len(it.store.asked) == REFRESHES
        it.cache.begin(Key("id", "garden"))
        await settled()
        assert it.store.asked[REFRESHES:] == [Key("id", "garden")]

        it.store.gate.set()
        while it.told.get("refreshed", 0) < 50:
            await asyncio.sleep(0)
        assert all(at_once(it.cache.get(Key("id", f"a{number}"))).voice == "v2" for number in range(50))


# ---- what there is not --------------------------------------------------------------------------------------


async def test_an_unknown_number_is_asked_for_once_in_a_while() -> None:
    """A thousand calls for it are one read, until its time is over."""
    async with bench() as it:
        for _ in range(1000):
            assert await it.cache.get(Key("phone", phone(9))) is None
        assert len(it.store.asked) == 1

        it.clock.now_s += ABSENT_S
        assert await it.cache.get(Key("phone", phone(9))) is None
        assert len(it.store.asked) == 2


async def test_a_broken_record_is_read_once_in_a_while() -> None:
    """Each call is told why, and the store is asked once."""
    async with bench(account()) as it:
        it.store.broken.add("harbour")
        for _ in range(10):
            with pytest.raises(AccountError, match="greeting"):
                await it.cache.get(ID)
        assert len(it.store.asked) == 1

        it.store.broken.clear()
        it.cache.changed("harbour")
        assert await it.cache.get(ID) == account()


async def test_a_failing_store_is_no_unknown_account() -> None:
    """The calls of that moment are told; the next one asks again."""
    async with bench(account()) as it:
        it.store.fails = StoreError("away")
        failed = await asyncio.gather(*(it.cache.get(ID) for _ in range(10)), return_exceptions=True)
        assert {str(each) for each in failed} == {"away"}
        assert len(it.store.asked) == 1

        it.store.fails = None
        assert await it.cache.get(ID) == account()


async def test_whatever_a_store_raises_is_a_store_error() -> None:
    """By its kind alone: the text of a driver's error may hold a password."""
    async with bench(account()) as it:
        it.store.fails = OSError("postgresql://user:secret@host")
        with pytest.raises(StoreError, match=r"^OSError$"):
            await it.cache.get(ID)


# ---- a store that fails -------------------------------------------------------------------------------------


async def test_calls_go_on_while_the_store_is_away() -> None:
    """An old account is given without a pause, for a day; the store is asked at most each few seconds."""
    async with bench(account()) as it:
        first = await it.cache.get(ID)
        it.store.fails = StoreError("away")
        for _ in range(20):
            it.clock.now_s += TTL_S + RETRY_S
            for _ in range(3):
                assert at_once(it.cache.get(ID)) is first
            await settled()
        assert len(it.store.asked) == 21
        assert it.told == {"loaded": 1, "cached": 3, "stale": 57, "refresh_failed": 20}

        it.store.fails = None
        it.clock.now_s += RETRY_S
        await it.cache.get(ID)
        await settled()
        await it.cache.get(ID)
        assert it.told["refreshed"] == 1
        assert it.told["cached"] == 4


async def test_a_change_that_could_not_be_read_is_read_later() -> None:
    """When the store answers again, and without a call. Once it has been read there is nothing to read any more."""
    async with bench(account()) as it:
        await it.cache.get(ID)
        it.store.write(account(voice="v2"))
        it.store.fails = StoreError("away")
        it.cache.changed("harbour")
        await settled()
        it.store.fails = None
        it.cache.store_answers()
        await settled()
        assert len(it.store.asked) == 2  # not at once: it has just failed

        it.clock.now_s += RETRY_S
        for _ in range(3):
            it.cache.store_answers()
            await settled()
        assert len(it.store.asked) == 3
        assert at_once(it.cache.get(ID)).voice == "v2"


async def test_an_old_account_is_not_kept_for_ever() -> None:
    """After the stated bound the store's word counts, and it is that it is away."""
    async with bench(account()) as it:
        await it.cache.get(ID)
        it.store.fails = StoreError("away")
        it.clock.now_s += TTL_S + STALE_LIMIT_S - 1
        assert at_once(it.cache.get(ID)) is not None
        await settled()

        it.clock.now_s += 1
        with pytest.raises(StoreError):
            await it.cache.get(ID)


async def test_a_record_that_breaks_leaves_the_account_as_it_was() -> None:
    """Its callers are greeted as before, and mending it is enough."""
    async with bench(account()) as it:
        first = await it.cache.get(ID)
        it.store.broken.add("harbour")
        it.cache.changed("harbour")
        await settled()
        assert at_once(it.cache.get(ID)) is first
        assert it.told == {"loaded": 1, "refresh_failed": 1, "stale": 1}

        it.store.broken.clear()
        it.store.write(account(voice="v2"))
        it.cache.changed("harbour")
        await settled()
        assert at_once(it.cache.get(ID)).voice == "v2"


# ---- bounds -------------------------------------------------------------------------------------------------


async def test_it_holds_no_more_than_its_size() -> None:
    """Those used last stay, with all their names; of the others no name is left."""
    many = [account(f"a{number}", phone_numbers=[phone(number)]) for number in range(20)]
    async with bench(*many, size=5) as it:
        for number in range(20):
            await it.cache.get(Key("id", f"a{number}"))
            await it.cache.get(Key("phone", phone(0)))

        assert len(it.cache) == 5
        kept = [number for number in range(20) if it.cache.peek(Key("phone", phone(number))) is not None]
        assert kept == [0, 16, 17, 18, 19]
        assert Key("phone", phone(0)) not in it.store.asked  # it was used, so it was never dropped


async def test_unknown_names_are_bounded_too() -> None:
    """Of a thousand unknown numbers the last ones are remembered."""
    async with bench(size=5) as it:
        for number in range(1000):
            await it.cache.get(Key("phone", phone(number)))
        it.store.asked.clear()
        for number in range(995, 1000):
            await it.cache.get(Key("phone", phone(number)))
        assert it.store.asked == []
        await it.cache.get(Key("phone", phone(1)))
        assert len(it.store.asked) == 1


async def test_closing_ends_what_is_under_way() -> None:
    """Twice is allowed; the check for tasks left behind sees the rest."""
    async with bench(account()) as it:
        it.store.gate.clear()
        it.cache.begin(ID)
        await settled()
        await it.cache.aclose()
        await it.cache.aclose()
