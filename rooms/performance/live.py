"""Performance settings that change while the service runs: by their file, or by a request."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Self

from watchfiles import awatch

from config import PERFORMANCE_FILE
from rooms.performance.problems import PerformanceError, Problem, shown
from rooms.performance.settings_file import (
    SECTIONS,
    Layer,
    as_layer,
    combined,
    read_environment,
    read_file,
    variable,
)
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from rooms.performance.sections import Performance

    Subscriber = Callable[[Performance, Performance], Awaitable[None] | None]

LOOK_INTERVAL_S = 5.0
"""A change is seen at once where the system tells of it; on a disk that tells nothing, after this time."""

log = get_logger(__name__)


class LivePerformance:
    """The settings of now, and everybody who has to follow them.

        async with LivePerformance() as live:
            live.subscribe(lambda old, new: pool.reconfigure(new.connection_pool))

    A value is taken from the environment, from `.env`, from what `change` was last told, from the file, from the
    default, in this order; the first two are read again with each change. What `change` is told lives in memory only
    and ends with the next change of the file, which then speaks last. A change is judged as a whole: if any part of it
    is wrong, nothing changes. Changes come one after the other, in the order in which they were asked for.

    Without `async with` the file is not watched. Raises PerformanceError if the settings cannot be used at the start.
    """

    def __init__(self, path: Path | None = None, *, look_interval_s: float = LOOK_INTERVAL_S) -> None:
        self._path = path or Path(PERFORMANCE_FILE)
        self._look_interval_s = look_interval_s
        if not self._path.absolute().parent.is_dir():
            raise PerformanceError([Problem("", str(self._path), "no such folder", "a file in a folder that exists")])
        self._seen = self._state()
        self._file: Layer = read_file(self._path)
        self._changes: Layer = {}
        self._current = self._combined(self._file, {})
        self._problem: PerformanceError | None = None
        self._subscribers: list[Subscriber] = []
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[Performance]] = set()
        self._telling: asyncio.Task[object] | None = None
        self._stop = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    @property
    def current(self) -> Performance:
        return self._current

    @property
    def problem(self) -> PerformanceError | None:
        """Why the file as it is now is not followed; None if it is."""
        return self._problem

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop watching; a change that has begun is finished."""
        self._stop.set()
        if self._watching is not None:
            await self._watching
        if self._tasks:
            await asyncio.wait(self._tasks)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have `subscriber(old, new)` called after each change, sync or async; returns what ends that.

        Subscribers are called in their order, and the next change waits for them. One that fails is logged, the others
        are called. A subscriber may not ask for a change.
        """
        self._subscribers.append(subscriber)

        def end() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return end

    async def change(self, changes: Mapping[str, object]) -> Performance:
        """Change the fields in `changes`, `{"room_limits": {"max_rooms": 20}}`; returns what holds from now on.

        Returns when all subscribers have been told. Who is cancelled here leaves a change that is done wholly. Raises
        PerformanceError with each fault, and nothing has changed: a field that the environment sets is one.
        """

        def do() -> Performance:
            asked = _asked(changes)
            _refuse_hidden(asked, read_environment())
            merged = {name: {**self._changes.get(name, {}), **asked.get(name, {})} for name in SECTIONS}
            new = self._combined(self._file, merged)
            self._changes = merged
            return new

        return await self._in_turn(do)

    async def reload(self) -> Performance:
        """Read file and environment again. Raises PerformanceError, and nothing has changed.

        A file that is gone or empty changes nothing: an editor may be about to write it anew.
        """

        def do() -> Performance:
            try:
                file = read_file(self._path) if self._state() else self._file
                changes = self._changes if file == self._file else {}
                new = self._combined(file, changes)
            except PerformanceError as error:
                self._problem = error
                raise
            self._file, self._changes, self._problem = file, changes, None
            return new

        return await self._in_turn(do)

    def _combined(self, file: Layer, changes: Layer) -> Performance:
        return combined(file, changes, read_environment(), file_name=self._path.name)

    async def _in_turn(self, do: Callable[[], Performance]) -> Performance:
        if self._telling is not None and self._telling is asyncio.current_task():
            raise RuntimeError("a subscriber may not change the settings that it is told of: it would wait for itself")
        task = asyncio.create_task(self._do_in_turn(do))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _do_in_turn(self, do: Callable[[], Performance]) -> Performance:
        async with self._turn:
            old = self._current
            # Both files are small: read here, nothing can come between judging and taking over.
            new = do()
            if new != old:
                self._current = new
                log.info("performance settings changed", fields=_differences(old, new))
                await self._tell(old, new)
            return new

    async def _tell(self, old: Performance, new: Performance) -> None:
        self._telling = asyncio.current_task()
        try:
            for subscriber in [*self._subscribers]:
                try:
                    told = subscriber(old, new)
                    if told is not None:
                        await told
                except Exception:  # whatever a subscriber does, the others are told
                    log.exception("a subscriber to the performance settings failed", subscriber=_name(subscriber))
        finally:
            self._telling = None

    async def _watch(self) -> None:
        # The folder, not the file: editors put a new file in the place of the old one.
        batches = awatch(
            self._path.absolute().parent,
            recursive=False,
            watch_filter=None,
            stop_event=self._stop,
            rust_timeout=int(self._look_interval_s * 1000),
            yield_on_timeout=True,
        )
        async with aclosing(batches):
            async for _ in batches:
                now = self._state()
                if now != self._seen:
                    self._seen = now
                    await self._follow()

    async def _follow(self) -> None:
        try:
            await self.reload()
        except PerformanceError as error:
            log.error("performance settings: the file is not followed, the old ones stay", problems=error.problems)

    def _state(self) -> tuple[int, ...] | None:
        """Differs when the file may have changed; None while it is gone or empty."""
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return (stat.st_mtime_ns, stat.st_size, stat.st_ino) if stat.st_size else None


def _asked(changes: Mapping[str, object]) -> Layer:
    unknown = [name for name in changes if name not in SECTIONS]
    if unknown:
        allowed = ", ".join(SECTIONS)
        raise PerformanceError(
            Problem(shown_name, shown_name, shown_name, allowed) for shown_name in map(_text, unknown)
        )
    return as_layer(changes, lambda section, field: f"{section}.{field}" if field else section)


def _refuse_hidden(asked: Layer, environment: Layer) -> None:
    """A field that the environment sets would not change, whatever is asked."""
    faults = [
        Problem(
            f"{section}.{field}",
            f"{section}.{field}",
            shown(value),
            f"no change, since {variable(section, field)} is set",
        )
        for section, fields in asked.items()
        for field, value in fields.items()
        if field in environment.get(section, {})
    ]
    if faults:
        raise PerformanceError(faults)


def _differences(old: Performance, new: Performance) -> list[str]:
    before, after = old.model_dump(), new.model_dump()
    return [
        f"{section}.{field}: {before[section][field]} -> {value}"
        for section, fields in after.items()
        for field, value in fields.items()
        if before[section][field] != value
    ]


def _text(name: object) -> str:
    return str(shown(str(name)))


def _name(subscriber: object) -> str:
    return getattr(subscriber, "__qualname__", type(subscriber).__name__)
