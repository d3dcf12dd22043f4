"""Instances that are ready before a call needs one.

A plugin instance carries the state of one call (event handlers, an open websocket, its errors), so a
member is leased to one call at a time and goes back when the call ends. Taking never waits: when all
members are out, one more is made on the spot and thrown away once the pool is full again.

All decisions are in functions without an await, so on one loop they need no lock; what takes time
(warming, closing) happens behind them in tasks that the pool owns.
"""

from __future__ import annotations

import asyncio
import contextvars
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from config import PoolPolicy

log = get_logger("prewarm")

T = TypeVar("T")


class State(enum.Enum):
    FREE = "free"
    LEASED = "leased"
    BROKEN = "broken"
    CLOSED = "closed"


@dataclass
class Member(Generic[T]):
    """An instance with its place in the ring and when it was last given back (a count, not a time)."""

    instance: T
    number: int
    last_used: int = 0
    is_warm: bool = False


class Lease(Generic[T]):
    """One member, one call. A context manager; `release` may be called any number of times."""

    def __init__(self, pool: Pool[T], member: Member[T]) -> None:
        self.instance = member.instance
        self._member = member
        self.state = State.LEASED
        self._pool = pool

    def mark_broken(self, reason: str) -> None:
        """Have the member replaced instead of handed to the next call."""
        if self.state is State.LEASED:
            self.state = State.BROKEN
            log.warning("pool member is broken and will be replaced", pool=self._pool.name, reason=reason)

    def warm(self) -> None:
        """Have a member that was made for this lease open what it needs, behind the call. One that is warm stays."""
        if self.state is State.LEASED and not self._member.is_warm:
            self._pool._start(self._pool._warm_up(self._member))  # pyright: ignore[reportPrivateUsage]  # as in `release`

    def another(self) -> Lease[T]:
        """One of the same pool, in place of this one."""
        return self._pool.lease()

    def release(self) -> None:
        """Give the member back. Never waits and never raises."""
        if self.state is not State.CLOSED:
            broken = self.state is State.BROKEN
            self.state = State.CLOSED
            self._pool._take_back(self._member, broken=broken)  # pyright: ignore[reportPrivateUsage]  # the lease is half of the pool

    def __enter__(self) -> T:
        return self.instance

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Pool(Generic[T]):
    """`size` instances of one kind, warmed and ready.

    `make` builds an instance (no await: it may run in the middle of a call's start), `warm` opens what it
    needs and `close` ends it. `policy`: `round_robin` goes around the ring, so that every member is used as
    often as any other; `lru` takes the free member whose last call ended longest ago. With `size` 0 nothing is kept:
    each lease makes an instance, cold, and its release closes it.
    """

    def __init__(
        self,
        name: str,
        *,
        size: int,
        make: Callable[[], T],
        close: Callable[[T], Awaitable[None]],
        warm: Callable[[T], Awaitable[None]] | None = None,
        policy: PoolPolicy = "round_robin",
    ) -> None:
        self.name = name
        self._size = size
        self._make = make
        self._close = close
        self._warm = warm
        self._policy: PoolPolicy = policy
        self._free: list[Member[T]] = []
        self._leased = 0
        self._last_taken = -1
        self._returns = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self.made = 0
        self.replaced = 0

    def __repr__(self) -> str:
        return f"<Pool {self.name}: {len(self._free)} free, {self._leased} leased, {self.replaced} replaced>"

    @property
    def size(self) -> int:
        return self._size

    @property
    def free(self) -> int:
        return len(self._free)

    @property
    def leased(self) -> int:
        return self._leased

    async def fill(self) -> None:
        """Make and warm members until `size` are there. Raises what `warm` raises, after all have tried."""
        missing = self._size - len(self._free) - self._leased
        made = [self._new() for _ in range(max(missing, 0))]
        self._free.extend(made)
        results = await asyncio.gather(*(self._warm_up(member) for member in made), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def lease(self) -> Lease[T]:
        """A ready member, at once. Raises RuntimeError when the pool is closed, and what `make` raises."""
        if self._closed:
            raise RuntimeError(f"pool {self.name} is closed")
        member = self._next() if self._free else self._new()
        self._leased += 1
        self._last_taken = member.number
        return Lease(self, member)

    async def refresh(self) -> None:
        """Warm the free members again: a provider closes what has idled for minutes."""
        await asyncio.gather(*(self._warm_up(member) for member in list(self._free)), return_exceptions=True)

    async def aclose(self) -> None:
        """Close the free members and wait for what is under way; leased ones close when they come back."""
        self._closed = True
        await asyncio.gather(*self._tasks)
        free, self._free = self._free, []
        for member in free:
            self._start(self._discard(member))
        await asyncio.gather(*self._tasks)

    def _new(self) -> Member[T]:
        member = Member(self._make(), number=self.made)
        self.made += 1
        return member

    def _next(self) -> Member[T]:
        if self._policy == "lru":
            chosen = min(self._free, key=lambda member: member.last_used)
        else:
            ahead = [member for member in self._free if member.number > self._last_taken]
            chosen = min(ahead or self._free, key=lambda member: member.number)
        self._free.remove(chosen)
        return chosen

    async def _warm_up(self, member: Member[T]) -> None:
        if self._warm is not None:
            await self._warm(member.instance)
        member.is_warm = True

    def _take_back(self, member: Member[T], *, broken: bool) -> None:
        self._leased -= 1
        self._returns += 1
        member.last_used = self._returns
        full = len(self._free) + self._leased >= self._size
        if self._closed or (full and not broken):
            self._start(self._discard(member))
        elif broken:
            self.replaced += 1
            self._start(self._discard(member))
            if not full:
                self._start(self._renew())
        else:
            self._free.append(member)
            self._start(self._warm_up(member))

    async def _discard(self, member: Member[T]) -> None:
        await self._close(member.instance)

    async def _renew(self) -> None:
        if not self._closed:
            fresh = self._new()
            self._free.append(fresh)
            await self._warm_up(fresh)

    def _start(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001  # one member must not take the pool with it
                log.warning("pool member did not open or close", pool=self.name, error=type(error).__name__)

        # An empty context: what a member starts here outlives the call that gave it back, and would hold all of it.
        task = asyncio.create_task(run(), name=f"pool {self.name}", context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
