"""`pytestmark = pytest.mark.alone`: no other process of the run tests anything while this module does.

What judges sound or time cannot tell a fault from a machine that has no time for it. The other processes wait, so such
modules are few and short. For the same reason, and because a virtual machine stands still at times, a test that fails
is judged once more, alone: what fails then has failed. pytest-rerunfailures does that and tells it (`-rR`).
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

MARK = "alone"


class Turnstile:
    """Lets the processes of a run test beside each other, or one of them alone.

    `folder` is the same for all of them, and so is `seats`, a name each. A process has at most one of the two at a
    time, and gives it back by `leave`; the system does that for one that is killed.
    """

    def __init__(self, folder: Path, seats: Sequence[str], own: str) -> None:
        self._gate = filelock.FileLock(folder / "gate.lock")
        self._own = filelock.FileLock(folder / f"{own}.lock")
        self._others = [filelock.FileLock(folder / f"{seat}.lock") for seat in seats if seat != own]
        self._held = ExitStack()

    def beside(self) -> None:
        """Wait while another one is alone, or waits for that."""
        with self._gate:
            self._held.enter_context(self._own)

    def alone(self) -> None:
        """Wait until nobody else tests. The gate is closed meanwhile: those who take turns could do so for ever."""
        with self._gate:
            for seat in (self._own, *self._others):
                self._held.enter_context(seat)

    def leave(self) -> None:
        """Twice is allowed."""
        self._held.close()


class Alone:
    """The plugin. A place is held for a whole file, so that it covers what the file's fixtures start and end."""

    def __init__(self, turnstile: Turnstile) -> None:
        self._turnstile = turnstile
        self._file: tuple[Path, bool] | None = None
        self._judged_again = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            item.add_marker(pytest.mark.flaky(reruns=1))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        if self._file is None:
            self._file = _file(item)
            (self._turnstile.alone if is_alone(item) else self._turnstile.beside)()
        try:
            return (yield)
        finally:
            if nextitem is None or _file(nextitem) != self._file:
                self._turnstile.leave()
                self._file = None
            elif self._judged_again:
                self._turnstile.leave()
                self._turnstile.beside()
            self._judged_again = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if getattr(item, "execution_count", 1) > 1 and not is_alone(item):  # pytest-rerunfailures counts there
            self._judged_again = True
            self._turnstile.leave()
            self._turnstile.alone()


def is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker(MARK) is not None


def register(config: pytest.Config) -> None:
    """In a process of pytest-xdist; without it there is nobody to wait for."""
    process: dict[str, object] | None = getattr(config, "workerinput", None)
    if process is None:
        return
    seats = [f"gw{number}" for number in range(int(str(process["workercount"])))]
    # What xdist gives to each process is a folder below that of the run.
    folder = Path(str(config.getoption("basetemp"))).parent
    config.pluginmanager.register(Alone(Turnstile(folder, seats, str(process["workerid"]))), MARK)


def _file(item: pytest.Item) -> tuple[Path, bool]:
    return item.path, is_alone(item)
