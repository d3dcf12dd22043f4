"""For every test: settings of its own, a deadline, nothing left running, and one livekit-server for the run."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import os
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import pytest_asyncio

from config import Settings, load_settings
from sim.livekit_server import LocalLiveKit
from tests import alone
from tests.order import in_order
from utils.logging_config import FRAMEWORK, THIRD_PARTY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from pathlib import Path

LEVELS = {name: logging.getLogger(name).level for name in ("root", *THIRD_PARTY, *FRAMEWORK)}
TEST_LIMIT_S = 60.0
SETTLE_LIMIT_S = 2.0
"""Tasks that are ending need a few turns of the loop, and more of them on a busy machine."""


class MakeSettings(Protocol):
    """`make_settings(max_calls=2)`: the defaults, changed by field name; nothing is read from the machine."""

    def __call__(self, **fields: Any) -> Settings: ...


def pytest_configure(config: pytest.Config) -> None:
    alone.register(config)


@pytest.fixture(scope="session", autouse=True)
def no_greeting_in_the_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a test has spoken, in this process or in a worker that it starts, is kept in a folder of the run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREETING_CACHE_DIR", str(tmp_path_factory.mktemp("greetings")))
        yield


@pytest.fixture(autouse=True)
def levels_as_they_were() -> Iterator[None]:
    """A command that a test runs in this process sets the levels of its log: the next test has those of pytest."""
    yield
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(autouse=True)
def no_farewell_of_an_earlier_room(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """LiveKit tells from a thread of its own that a room is left: the line may come while the next test runs."""

    def of_this_test(record: logging.LogRecord) -> bool:
        return record.name != "livekit" or record.levelno > logging.INFO

    caplog.handler.addFilter(of_this_test)
    yield
    caplog.handler.removeFilter(of_this_test)


@pytest.fixture
def make_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeSettings]:
    """A working directory without files and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.lower() in Settings.model_fields:
            monkeypatch.delenv(name)
    monkeypatch.setenv("GREETING_CACHE_DIR", str(tmp_path / "greetings"))
    load_settings.cache_clear()

    def make(**fields: Any) -> Settings:
        return Settings(**fields)

    yield make
    load_settings.cache_clear()


@pytest_asyncio.fixture(scope="session")
async def livekit() -> AsyncIterator[LocalLiveKit]:
    """The real livekit-server, one for the whole run: a test takes a room name of its own."""
    async with LocalLiveKit() as server:
        yield server


@pytest_asyncio.fixture(autouse=True)
async def no_task_is_left_behind() -> AsyncIterator[None]:
    """Fails a test after which an asyncio task still runs, and says which one and where it waits."""
    before = asyncio.all_tasks()
    yield
    ours = asyncio.current_task()
    left = {task for task in asyncio.all_tasks() - before if task is not ours}
    if left:
        _, left = await asyncio.wait(left, timeout=SETTLE_LIMIT_S)
    if left:
        told = "\n".join(_where(task) for task in left)
        for task in left:
            task.cancel()  # the next test begins without them
        await asyncio.wait(left, timeout=SETTLE_LIMIT_S)
        pytest.fail(f"{len(left)} task(s) left behind:\n{told}", pytrace=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files in their order, and each async test has its deadline."""
    files = in_order(list(dict.fromkeys(map(_file, items))), {_file(item) for item in items if alone.is_alone(item)})
    places = {file: place for place, file in enumerate(files)}
    items.sort(key=lambda item: places[_file(item)])
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.obj = _with_deadline(item.obj)


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _with_deadline(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., Coroutine[Any, Any, None]]:
    @functools.wraps(test)
    async def limited(*args: Any, **kwargs: Any) -> None:
        deadline = asyncio.timeout(TEST_LIMIT_S)
        try:
            async with deadline:
                await test(*args, **kwargs)
        except TimeoutError as error:
            if deadline.expired():
                raise AssertionError(f"not done after {TEST_LIMIT_S:g} s; it waited where the cause ends") from error
            raise

    return limited


def _where(task: asyncio.Task[Any]) -> str:
    coroutine = task.get_coro()
    name = getattr(coroutine, "__qualname__", repr(coroutine))
    frames = task.get_stack()
    place = f"{frames[-1].f_code.co_filename}:{frames[-1].f_lineno}" if frames else "not started"
    return f"  {task.get_name()}: {name} at {place}"
