"""The pool: which member is taken, what comes back, what is replaced and what is closed."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING

import pytest

from prewarm.pool import Lease, Pool, State

if TYPE_CHECKING:
    from config import PoolPolicy


class Instances:
    """Makes instances named 0, 1, 2 ... and notes what happens to them."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.warmed: list[int] = []
        self.closed: list[int] = []
        self.refuses_to_close: set[int] = set()
        self.refuses_to_warm: set[int] = set()
        self.may_warm = asyncio.Event()
        self.may_warm.set()

    def make(self) -> int:
        self.made.append(len(self.made))
        return self.made[-1]

    async def warm(self, instance: int) -> None:
        await self.may_warm.wait()
        self.warmed.append(instance)
        if instance in self.refuses_to_warm:
            raise ConnectionError("cold")

    async def close(self, instance: int) -> None:
        await asyncio.sleep(0)
        if instance in self.refuses_to_close:
            raise OSError("stuck")
        self.closed.append(instance)

    def pool(self, size: int, policy: PoolPolicy = "round_robin") -> Pool[int]:
        return Pool("test", size=size, make=self.make, warm=self.warm, close=self.close, policy=policy)


async def settle() -> None:
    """Let the pool's own tasks run to their end: none of them waits for more than a few turns of the loop."""
    for _ in range(10):
        await asyncio.sleep(0)


Step = tuple[str, str, int | None, str]
"""What is done, to which lease, the instance that it is expected to hold, and the pool's repr afterwards."""

SCENARIOS: dict[str, tuple[PoolPolicy, int, list[Step], list[int]]] = {
    "round robin goes around the ring, whatever comes back first": (
        "round_robin",
        3,
        [
            ("lease", "a", 0, "2 free, 1 leased, 0 replaced"),
            ("release", "a", None, "3 free, 0 leased, 0 replaced"),
            ("lease", "b", 1, "2 free, 1 leased, 0 replaced"),
            ("lease", "c", 2, "1 free, 2 leased, 0 replaced"),
            ("release", "c", None, "2 free, 1 leased, 0 replaced"),
            ("lease", "d", 0, "1 free, 2 leased, 0 replaced"),
            ("lease", "e", 2, "0 free, 3 leased, 0 replaced"),
            ("release", "b", None, "1 free, 2 leased, 0 replaced"),
            ("lease", "f", 1, "0 free, 3 leased, 0 replaced"),
        ],
        [],
    ),
    "lru takes what has rested longest": (
        "lru",
        3,
        [
            ("lease", "a", 0, "2 free, 1 leased, 0 replaced"),
            ("lease", "b", 1, "1 free, 2 leased, 0 replaced"),
            ("lease", "c", 2, "0 free, 3 leased, 0 replaced"),
            ("release", "b", None, "1 free, 2 leased, 0 replaced"),
            ("release", "c", None, "2 free, 1 leased, 0 replaced"),
            ("release", "a", None, "3 free, 0 leased, 0 replaced"),
            ("lease", "d", 1, "2 free, 1 leased, 0 replaced"),
            ("lease", "e", 2, "1 free, 2 leased, 0 replaced"),
            ("lease", "f", 0, "0 free, 3 leased, 0 replaced"),
        ],
        [],
    ),
    "one too many is made on the spot and thrown away when the pool is full again": (
        "round_robin",
        1,
        [
            ("lease", "a", 0, "0 free, 1 leased, 0 replaced"),
            ("lease", "b", 1, "0 free, 2 leased, 0 replaced"),
            ("release", "a", None, "0 free, 1 leased, 0 replaced"),
            ("release", "b", None, "1 free, 0 leased, 0 replaced"),
            ("lease", "c", 1, "0 free, 1 leased, 0 replaced"),
        ],
        [0],
    ),
    "a pool of none makes one for each call and closes it with the call": (
        "round_robin",
        0,
        [
            ("lease", "a", 0, "0 free, 1 leased, 0 replaced"),
            ("lease", "b", 1, "0 free, 2 leased, 0 replaced"),
            ("release", "b", None, "0 free, 1 leased, 0 replaced"),
            ("break", "a", None, "0 free, 1 leased, 0 replaced"),
            ("release", "a", None, "0 free, 0 leased, 1 replaced"),
            ("lease", "c", 2, "0 free, 1 leased, 1 replaced"),
        ],
        [1, 0],
    ),
    "a broken one is replaced by a new one": (
        "round_robin",
        2,
        [
            ("lease", "a", 0, "1 free, 1 leased, 0 replaced"),
            ("break", "a", None, "1 free, 1 leased, 0 replaced"),
            ("release", "a", None, "2 free, 0 leased, 1 replaced"),
            ("lease", "b", 1, "1 free, 1 leased, 1 replaced"),
            ("lease", "c", 2, "0 free, 2 leased, 1 replaced"),
        ],
        [0],
    ),
    "a broken one that is one too many is not made again": (
        "round_robin",
        1,
        [
            ("lease", "a", 0, "0 free, 1 leased, 0 replaced"),
            ("lease", "b", 1, "0 free, 2 leased, 0 replaced"),
            ("break", "b", None, "0 free, 2 leased, 0 replaced"),
            ("release", "b", None, "0 free, 1 leased, 1 replaced"),
            ("release", "a", None, "1 free, 0 leased, 1 replaced"),
        ],
        [1],
    ),
    "releasing twice, and breaking what was released, changes nothing": (
        "round_robin",
        2,
        [
            ("lease", "a", 0, "1 free, 1 leased, 0 replaced"),
            ("release", "a", None, "2 free, 0 leased, 0 replaced"),
            ("release", "a", None, "2 free, 0 leased, 0 replaced"),
            ("break", "a", None, "2 free, 0 leased, 0 replaced"),
            ("release", "a", None, "2 free, 0 leased, 0 replaced"),
        ],
        [],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
async def test_scenarios(name: str) -> None:
    """Each step leaves exactly the expected pool, and the right instance in the caller's hand."""
    policy, size, steps, closed = SCENARIOS[name]
    instances = Instances()
    leases: dict[str, Lease[int]] = {}
    async with instances.pool(size, policy) as pool:
        await pool.fill()
        for number, (action, who, instance, expected) in enumerate(steps):
            if action == "lease":
                leases[who] = pool.lease()
                assert leases[who].instance == instance, f"step {number}"
            elif action == "break":
                leases[who].mark_broken("test")
            else:
                leases[who].release()
            await settle()
            assert repr(pool) == f"<Pool test: {expected}>", f"step {number}"
        assert instances.closed == closed
        for lease in leases.values():
            lease.release()
    assert sorted(instances.closed) == instances.made


async def test_round_robin_uses_every_member_equally_often() -> None:
    """Nine calls one after the other over three members: none is used twice more than another."""
    async with Instances().pool(3) as pool:
        await pool.fill()
        taken: list[int] = []
        for _ in range(9):
            with pool.lease() as instance:
                taken.append(instance)
    assert taken == [0, 1, 2] * 3


async def test_the_numbers_say_what_the_repr_says() -> None:
    """`free`, `leased`, `made` and `replaced` are what a health page shows."""
    async with Instances().pool(2) as pool:
        await pool.fill()
        with pool.lease():
            assert (pool.free, pool.leased, pool.made, pool.replaced) == (1, 1, 2, 0)
        assert (pool.free, pool.leased) == (2, 0)


async def test_a_lease_knows_its_state() -> None:
    """LEASED, BROKEN, CLOSED: in this order, and CLOSED is the end."""
    async with Instances().pool(1) as pool:
        lease = pool.lease()
        states = [lease.state]
        lease.mark_broken("test")
        states.append(lease.state)
        lease.release()
        states.append(lease.state)
        lease.mark_broken("again")
        states.append(lease.state)
    assert states == [State.LEASED, State.BROKEN, State.CLOSED, State.CLOSED]


async def test_filling_warms_all_members_at_once_and_only_what_is_missing() -> None:
    """A second `fill` makes nothing; a leased member counts as there."""
    instances = Instances()
    async with instances.pool(3) as pool:
        with pool.lease():
            await pool.fill()
            await pool.fill()
        assert instances.made == [0, 1, 2]
        assert instances.warmed == [1, 2]


async def test_a_pool_of_none_warms_nothing() -> None:
    """Neither at the start, nor for a call, nor in between: each call pays for its own."""
    instances = Instances()
    async with instances.pool(0) as pool:
        await pool.fill()
        with pool.lease():
            await pool.refresh()
        await settle()
        assert (instances.made, instances.warmed, instances.closed) == ([0], [], [0])


async def test_a_member_that_does_not_warm_is_reported_and_kept() -> None:
    """A provider that is away now may be back at the call; the others are warmed all the same."""
    instances = Instances()
    instances.refuses_to_warm = {0}
    async with instances.pool(3) as pool:
        with pytest.raises(ConnectionError, match="cold"):
            await pool.fill()
        assert (instances.warmed, pool.free) == ([0, 1, 2], 3)


async def test_refreshing_warms_the_free_members_again() -> None:
    """Only those that no call has; one that fails does not keep the others from it."""
    instances = Instances()
    async with instances.pool(3) as pool:
        await pool.fill()
        instances.warmed.clear()
        instances.refuses_to_warm = {1}
        with pool.lease():
            await pool.refresh()
            assert instances.warmed == [1, 2]


async def test_what_comes_back_is_warmed_again_without_holding_its_call() -> None:
    """A connection may have dropped in the call; and what is begun for the next one knows nothing of this one."""
    instances = Instances()
    call_field: contextvars.ContextVar[str] = contextvars.ContextVar("call_field", default="nobody")
    seen: list[str] = []

    async def warm(_: int) -> None:
        seen.append(call_field.get())

    async with Pool("test", size=1, make=instances.make, warm=warm, close=instances.close) as pool:
        await pool.fill()
        call_field.set("a call")
        pool.lease().release()
        await settle()
    assert seen == ["nobody", "nobody"]


async def test_taking_never_waits_for_a_replacement_that_is_still_warming() -> None:
    """The replacement is handed out cold rather than not at all."""
    instances = Instances()
    async with instances.pool(1) as pool:
        await pool.fill()
        instances.may_warm.clear()
        lease = pool.lease()
        lease.mark_broken("test")
        lease.release()
        await settle()
        with pool.lease() as instance:
            assert (instance, instances.warmed) == (1, [0])
        instances.may_warm.set()


async def test_a_closed_pool_gives_nothing() -> None:
    """The message names the pool."""
    pool = Instances().pool(1)
    await pool.aclose()
    with pytest.raises(RuntimeError, match="pool test is closed"):
        pool.lease()


async def test_closing_with_leases_out_closes_them_when_they_come_back() -> None:
    """A call that is still saying goodbye keeps its instances until then."""
    instances = Instances()
    pool = instances.pool(2)
    await pool.fill()
    lease = pool.lease()
    await pool.aclose()
    assert instances.closed == [1]
    lease.release()
    await settle()
    assert (instances.closed, repr(pool)) == ([1, 0], "<Pool test: 0 free, 0 leased, 0 replaced>")


async def test_closing_twice_closes_once() -> None:
    """The second closer finds nothing to do."""
    instances = Instances()
    pool = instances.pool(2)
    await pool.fill()
    await pool.aclose()
    await pool.aclose()
    assert instances.closed == [0, 1]


async def test_closing_in_the_middle_of_a_replacement_leaves_nothing_open() -> None:
    """Whatever was made is closed, also what was just about to be made for a broken member."""
    instances = Instances()
    pool = instances.pool(1)
    await pool.fill()
    lease = pool.lease()
    lease.mark_broken("test")
    lease.release()
    await pool.aclose()
    assert sorted(instances.closed) == instances.made


async def test_closing_while_a_replacement_warms_leaves_nothing_open() -> None:
    """The replacement is waited for and closed."""
    instances = Instances()
    pool = instances.pool(1)
    await pool.fill()
    instances.may_warm.clear()
    lease = pool.lease()
    lease.mark_broken("test")
    lease.release()
    await settle()
    closing = asyncio.create_task(pool.aclose())
    await settle()
    instances.may_warm.set()
    await closing
    assert sorted(instances.closed) == instances.made == [0, 1]


async def test_a_member_that_cannot_close_takes_nothing_with_it() -> None:
    """Neither the replacement of a broken one nor the closing of the others."""
    instances = Instances()
    instances.refuses_to_close = {0, 1}
    async with instances.pool(3) as pool:
        await pool.fill()
        lease = pool.lease()
        lease.mark_broken("test")
        lease.release()
        await settle()
        assert repr(pool) == "<Pool test: 3 free, 0 leased, 1 replaced>"
    assert instances.closed == [2, 3]


async def test_a_member_that_cannot_close_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the pool and the kind of error, not its text, which may hold a key."""
    instances = Instances()
    instances.refuses_to_close = {0}
    pool = instances.pool(1)
    await pool.fill()
    with caplog.at_level("WARNING", logger="prewarm"):
        await pool.aclose()
    fields = [(record.getMessage(), vars(record)["pool"], vars(record)["error"]) for record in caplog.records]
    assert fields == [("pool member did not open or close", "test", "OSError")]


async def test_the_broken_one_is_closed_even_if_no_replacement_can_be_made() -> None:
    """A constructor that raises must not leave the old connection open."""
    instances = Instances()
    pool = Pool("test", size=1, make=instances.make, close=instances.close)
    await pool.fill()
    lease = pool.lease()

    def fails() -> int:
        raise ValueError("no key")

    pool._make = fails  # pyright: ignore[reportPrivateUsage]  # a key that was withdrawn while the worker runs
    lease.mark_broken("test")
    lease.release()
    await settle()
    assert instances.closed == [0]
    await pool.aclose()


async def test_a_lease_ends_with_its_block_even_if_that_raises() -> None:
    """The member goes back as healthy: the block's error need not be its fault."""
    async with Instances().pool(1) as pool:
        await pool.fill()
        with pytest.raises(KeyError), pool.lease():
            raise KeyError
        assert repr(pool) == "<Pool test: 1 free, 0 leased, 0 replaced>"
