"""A module that is marked `alone`, in a run of several processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.alone import Turnstile

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
LIMIT_S = 120.0
CONFTEST = """
from tests import alone

def pytest_configure(config):
    alone.register(config)
"""
MODULE = """
import os, time
from pathlib import Path
import pytest

{mark}

def note(what):
    with Path({log!r}).open("a") as log:
        log.write(f"{{what}} {name}\\n")

@pytest.fixture(scope="module", autouse=True)
def sound():
    note("begin")
    time.sleep(0.05)
    yield
    note("end")

@pytest.mark.parametrize("number", range(3))
def test_it(number):
    time.sleep(0.02)
"""
MARK = "pytestmark = pytest.mark.alone"


def run(folder: Path, modules: dict[str, bool], *arguments: str) -> list[tuple[str, str]]:
    """A run of pytest in `folder`, of modules that are marked or not: when each began and ended."""
    done, noted = attempt(folder, modules, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return noted


def attempt(
    folder: Path, modules: dict[str, bool], *arguments: str
) -> tuple[subprocess.CompletedProcess[str], list[tuple[str, str]]]:
    """The same, however it ends."""
    log = folder / "log"
    for name, marked in modules.items():
        text = MODULE.format(mark=MARK if marked else "", log=str(log), name=name)
        (folder / f"test_{name}.py").write_text(text, encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = alone\n", encoding="utf-8")
    # What the run around this one has set for its own processes is not for these.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COVERAGE_"))}
    environment = kept | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    temp = f"--basetemp={folder / 'temp'}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "xdist.plugin", temp, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT_S)
    lines = log.read_text(encoding="utf-8").splitlines()
    return done, [(what, name) for what, _, name in (line.partition(" ") for line in lines)]


def test_nobody_begins_or_ends_beside_it(tmp_path: Path) -> None:
    """Three processes, and two modules that are marked among six: each is one piece, with its fixtures."""
    modules = {"a": False, "b": False, "c": True, "d": False, "e": False, "f": True, "g": False, "h": False}
    noted = run(tmp_path, modules, "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")
    assert sorted(name for what, name in noted if what == "end") == sorted(modules)
    open_now: set[str] = set()
    together = 0
    for what, name in noted:
        (open_now.add if what == "begin" else open_now.remove)(name)
        together = max(together, len(open_now))
        assert len(open_now) == 1 or not {"c", "f"} & open_now, noted
    assert together > 1, noted


FAILS_AT_FIRST = """
import time
from pathlib import Path

def note(what):
    with Path({log!r}).open("a") as log:
        log.write(f"{{what}} {name}\\n")

def test_it(request):
    again = request.node.execution_count > 1
    if again:
        note("begin")
        time.sleep(0.3)
        note("end")
    assert {always} and again

def test_beside_again():
    time.sleep(0.05)
"""


@pytest.mark.parametrize("passes", [True, False])
def test_what_fails_is_judged_again_alone(tmp_path: Path, passes: bool) -> None:
    """The second judgement counts, both are told, and nobody tests beside it; also where a file is alone anyway."""
    for name in "fg":
        text = (f"import pytest\n{MARK}\n" if name == "g" else "") + FAILS_AT_FIRST.format(
            log=str(tmp_path / "log"), name=name, always=passes
        )
        (tmp_path / f"test_{name}.py").write_text(text, encoding="utf-8")
    modules = dict.fromkeys("abcde", False)
    options = ("-n", "3", "--dist", "loadfile", "-p", "pytest_rerunfailures", "-rR")
    done, noted = attempt(tmp_path, modules, *options)
    assert done.returncode == (0 if passes else 1), done.stdout + done.stderr
    assert "2 rerun" in done.stdout
    assert "RERUN test_f.py::test_it" in done.stdout
    open_now: set[str] = set()
    for what, name in noted:
        (open_now.add if what == "begin" else open_now.remove)(name)
        assert not {"f", "g"} & open_now or len(open_now) == 1, noted
    assert {"f", "g"} <= {name for _, name in noted}


def test_one_process_has_nobody_to_wait_for(tmp_path: Path) -> None:
    """Without processes of pytest-xdist all runs as collected."""
    assert run(tmp_path, {"a": False, "b": True}) == [("begin", "a"), ("end", "a"), ("begin", "b"), ("end", "b")]


@pytest.fixture
def turnstile(tmp_path: Path) -> Callable[[str], Turnstile]:
    """Of three processes, by the name of one of them."""
    return lambda own: Turnstile(tmp_path, ("gw0", "gw1", "gw2"), own)


def waiting(take: Callable[[], None]) -> tuple[threading.Thread, threading.Event]:
    """`take` in a thread of its own, which stands for a process, and whether it came through."""
    came = threading.Event()

    def run() -> None:
        take()
        came.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, came


def test_those_who_take_turns_do_not_keep_it_out(turnstile: Callable[[str], Turnstile]) -> None:
    """Who waits to be alone comes before those who come later, though somebody is always there."""
    first, second, alone = turnstile("gw0"), turnstile("gw1"), turnstile("gw2")
    first.beside()
    order: list[str] = []
    (one, inside) = waiting(lambda: (alone.alone(), order.append("alone"), alone.leave())[0])
    assert not inside.wait(0.3)
    (other, later) = waiting(lambda: (second.beside(), order.append("beside"), second.leave())[0])
    assert not later.wait(0.3)
    first.leave()
    one.join(LIMIT_S)
    other.join(LIMIT_S)
    assert order == ["alone", "beside"]


def test_two_who_want_to_be_alone_come_one_after_the_other(turnstile: Callable[[str], Turnstile]) -> None:
    """And neither waits for the other for ever."""
    first, second = turnstile("gw0"), turnstile("gw1")
    first.alone()
    (thread, inside) = waiting(second.alone)
    assert not inside.wait(0.3)
    first.leave()
    first.leave()
    assert inside.wait(LIMIT_S)
    thread.join(LIMIT_S)
