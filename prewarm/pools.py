"""Instances for calls that differ in settings: a full pool for the service's own, a small one for each other kind."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

from prewarm.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from config import Settings

T = TypeVar("T")

MOST_OTHERS = 32  # an idle voice holds one socket at the provider
OTHERS_SIZE = 1


class Pools(Generic[T]):
    """`fields` are the settings by which instances differ; `make` builds one for a call's settings.

    `own` is the pool of the worker's settings, with `size` members. A pool of other settings is made by their first
    call, keeps OTHERS_SIZE members behind it (none with `size` 0), and is closed when MOST_OTHERS have been used since.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        fields: tuple[str, ...],
        size: int,
        make: Callable[[Settings], T],
        close: Callable[[T], Awaitable[None]],
        warm: Callable[[T], Awaitable[None]] | None = None,
    ) -> None:
        self._name = name
        self._settings = settings
        self._fields = fields
        self._make = make
        self._close = close
        self._warm = warm
        self._own_kind = self._kind(settings)
        self._others: OrderedDict[Hashable, Pool[T]] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()
        self.own = self._pool(settings, size)

    @property
    def leased(self) -> int:
        return self.own.leased + sum(pool.leased for pool in self._others.values())

    def of(self, settings: Settings) -> Pool[T]:
        """The pool whose members fit a call with `settings`."""
        kind = self._own_kind if settings is self._settings else self._kind(settings)
        if kind == self._own_kind:
            return self.own
        pool = self._others.pop(kind, None) or self._pool(settings, min(self.own.size, OTHERS_SIZE))
        self._others[kind] = pool
        if len(self._others) > MOST_OTHERS:
            _, oldest = self._others.popitem(last=False)
            task = asyncio.create_task(oldest.aclose(), name=f"close pool {self._name}")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        return pool

    async def refresh(self) -> None:
        """Warm all free members again: a provider closes what has idled for minutes."""
        await asyncio.gather(*(pool.refresh() for pool in (self.own, *self._others.values())))

    async def aclose(self) -> None:
        await asyncio.gather(*(pool.aclose() for pool in (self.own, *self._others.values())), *self._closing)

    def _kind(self, settings: Settings) -> Hashable:
        return tuple(getattr(settings, field) for field in self._fields)

    def _pool(self, settings: Settings, size: int) -> Pool[T]:
        return Pool(
            self._name,
            size=size,
            policy=self._settings.pool_policy,
            make=lambda: self._make(settings),
            close=self._close,
            warm=self._warm,
        )
