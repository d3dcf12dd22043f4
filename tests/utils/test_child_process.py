from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from utils.child_process import ChildProcess, ChildStartError

ROOT = Path(__file__).parents[2]
LIMIT_S = 20.0
SLEEPER = [sys.executable, "-S", "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-S",
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('no', flush=True));"
    "print('up', flush=True)\nwhile True: time.sleep(600)",
]


class Lines:
    """Collects a child's lines and lets a test wait for one."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._more = asyncio.Event()

    def __call__(self, line: str) -> None:
        self.all.append(line)
        self._more.set()

    async def wait_for(self, line: str) -> None:
        async with asyncio.timeout(LIMIT_S):
            while line not in self.all:
                self._more.clear()
                await self._more.wait()


async def gone(pid: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        with suppress(psutil.NoSuchProcess):  # it may go between two looks, or in the middle of one
            while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.02)


async def test_child_runs_and_its_end_is_seen() -> None:
    """`wait` gives the exit code, and the last lines hold what the child wrote to both outputs."""
    script = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"
    async with ChildProcess([sys.executable, "-S", "-c", script], name="short") as child:
        assert await child.wait() == 3
    assert sorted(child.last_lines) == ["one", "two"]


async def test_environment_and_folder_are_the_given_ones(tmp_path: Path) -> None:
    """The child sees exactly the given environment and working directory."""
    script = "import os; print(os.getcwd()); print(os.environ.get('COLOUR')); print('HOME' in os.environ)"
    async with ChildProcess(
        [sys.executable, "-S", "-c", script], name="env", env={"COLOUR": "red"}, cwd=tmp_path
    ) as child:
        await child.wait()
    assert child.last_lines == [str(tmp_path.resolve()), "red", "False"]


async def test_stop_is_graceful_and_idempotent() -> None:
    """SIGTERM ends a willing child; a second and a third stop do nothing."""
    lines = Lines()
    child = ChildProcess(SLEEPER, name="sleeper", on_line=lines)
    await child.start()
    await lines.wait_for("up")
    await asyncio.gather(child.stop(), child.stop())
    await child.stop()
    assert child.returncode == 128 + signal.SIGTERM
    assert not psutil.pid_exists(child.pid)


async def test_stubborn_child_is_killed_after_its_grace() -> None:
    """A child that ignores SIGTERM was asked first, and is killed when its grace is over."""
    lines = Lines()
    async with ChildProcess(STUBBORN, name="stubborn", on_line=lines) as child:
        await lines.wait_for("up")
        await child.stop(grace_s=0.3)
    assert "no" in lines.all
    assert child.returncode == 128 + signal.SIGKILL


async def test_grandchildren_end_with_the_child() -> None:
    """What the child itself has started does not outlive it."""
    script = (
        "import subprocess, sys, time;"
        "p = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)']);"
        "print(p.pid, flush=True); print('up', flush=True); time.sleep(600)"
    )
    lines = Lines()
    async with ChildProcess([sys.executable, "-S", "-c", script], name="parent", on_line=lines):
        await lines.wait_for("up")
        grandchild = int(lines.all[0])
        assert psutil.pid_exists(grandchild)
    await gone(grandchild)


async def test_missing_program_is_one_readable_error() -> None:
    """A program that is not there: the error names the child, the program and the reason."""
    with pytest.raises(ChildStartError, match=r"voice: cannot start /no/such/program: No such file"):
        await ChildProcess(["/no/such/program"], name="voice").start()


async def test_missing_folder_is_one_readable_error() -> None:
    """A working directory that is not there is a start error too."""
    with pytest.raises(ChildStartError, match="voice: cannot start"):
        await ChildProcess(SLEEPER, name="voice", cwd="/no/such/folder").start()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_child_dies_with_its_parent(number: signal.Signals) -> None:
    """The parent is ended from outside, even by SIGKILL: the child and its guard end too."""
    script = textwrap.dedent(f"""
        import asyncio
        from utils.child_process import ChildProcess
        async def main():
            async with ChildProcess({SLEEPER!r}, name="sleeper") as child:
                print(child.pid, flush=True)
                await asyncio.sleep(600)
        asyncio.run(main())
    """)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(await asyncio.wait_for(parent.stdout.readline(), LIMIT_S))
    guard = psutil.Process(child).ppid()
    parent.send_signal(number)
    await parent.wait()
    await gone(child)
    await gone(guard)


async def test_child_dies_although_a_forked_sibling_lives_on() -> None:
    """A fork of the parent that survives it, with all its file descriptors, does not keep the child alive."""
    script = textwrap.dedent(f"""
        import asyncio, os, time
        from utils.child_process import ChildProcess
        async def main():
            async with ChildProcess({SLEEPER!r}, name="sleeper") as child:
                sibling = os.fork()
                if sibling == 0:
                    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                    time.sleep(600)
                print(child.pid, sibling, flush=True)
                await asyncio.sleep(600)
        asyncio.run(main())
    """)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child, sibling = map(int, (await asyncio.wait_for(parent.stdout.readline(), LIMIT_S)).split())
    try:
        parent.kill()
        await gone(parent.pid)
        await gone(child)
        assert psutil.pid_exists(sibling)
    finally:
        os.kill(sibling, signal.SIGKILL)
        await parent.wait()  # asyncio also waits for the pipe, which the sibling held


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs PR_SET_PDEATHSIG (Linux)")
async def test_child_dies_with_its_guard() -> None:
    """On Linux a killed guard takes the child along, so nothing is ever unguarded."""
    lines = Lines()
    async with ChildProcess(SLEEPER, name="sleeper", on_line=lines) as child:
        await lines.wait_for("up")
        psutil.Process(child.pid).parent().kill()  # type: ignore[union-attr]  # a live child has a parent
        await gone(child.pid)
        assert await child.wait() != 0


async def test_child_outlives_the_thread_that_started_it() -> None:
    """Started from a thread that ends, the child goes on until its process is gone."""
    script = textwrap.dedent(f"""
        import asyncio, threading, time
        from utils.child_process import ChildProcess
        async def start():
            child = ChildProcess({SLEEPER!r}, name="sleeper")
            await child.start()
            kept.append(child)
        kept = []
        thread = threading.Thread(target=lambda: asyncio.run(start()))
        thread.start()
        thread.join()
        print(kept[0].pid, flush=True)
        time.sleep(600)
    """)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(await asyncio.wait_for(parent.stdout.readline(), LIMIT_S))
    try:
        await asyncio.sleep(0.2)  # a death signal bound to the thread would have come by now
        assert psutil.pid_exists(child)
    finally:
        parent.kill()
        await parent.wait()
    await gone(child)


async def test_descendant_that_left_the_group_is_not_waited_for() -> None:
    """A daemon of the child's that keeps its output open holds up neither `wait` nor `stop`."""
    script = (
        "import subprocess, sys;"
        "p = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)'],"
        " start_new_session=True); print(p.pid, flush=True)"
    )
    async with ChildProcess([sys.executable, "-S", "-c", script], name="parent") as child:
        assert await child.wait() == 0
        await child.stop()
    os.kill(int(child.last_lines[0]), signal.SIGKILL)
