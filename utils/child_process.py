"""A child process that never outlives its parent, not even one killed with SIGKILL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

GUARD = Path(__file__).with_name("child_process_guard.py")
KEPT_LINES = 40
LINE_LIMIT_BYTES = 1 << 20
START_LIMIT_S = 30.0
KILL_LIMIT_S = 5.0
OUTPUT_LIMIT_S = 1.0


class ChildStartError(RuntimeError):
    """The command could not be started: the message names the child, the command and the system's reason."""


class ChildProcess:
    """One command in a process group of its own, under a small guard process (about 10 MB, 30 ms).

    The guard ends the whole group when `stop` is called, when the block is left, or when this process is gone.
    A terminal's Ctrl-C does not reach the child: its owner decides. Needs a POSIX system.

    `stop_signals` are sent 50 ms apart; then the child has the rest of its grace before SIGKILL.
    `on_line` is called on the event loop for each line of the child's standard output and error.
    """

    def __init__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        name: str,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        on_line: Callable[[str], None] | None = None,
        stop_signals: Sequence[signal.Signals] = (signal.SIGTERM,),
    ) -> None:
        self.name = name
        self._argv = [os.fspath(part) for part in argv]
        self._env = env
        self._cwd = cwd
        self._on_line = on_line
        self._stop_signals = stop_signals
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._guard: asyncio.subprocess.Process | None = None
        self._control: socket.socket | None = None
        self._output: asyncio.ReadTransport | None = None
        self._reader: asyncio.Task[None] | None = None
        self._pid: int | None = None

    @property
    def pid(self) -> int:
        """Process id of the command itself (not of its guard), also its process group."""
        if self._pid is None:
            raise RuntimeError(f"{self.name}: not started")
        return self._pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; then the exit code as a shell gives it (128 + signal number)."""
        return self._guard.returncode if self._guard else None

    @property
    def last_lines(self) -> list[str]:
        """The end of what the command wrote, for error messages."""
        return list(self._lines)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Raises `ChildStartError` if there is no such program or it may not be run."""
        if self._guard is not None:
            raise RuntimeError(f"{self.name}: already started")
        if sys.platform == "win32":
            raise ChildStartError(f"{self.name}: child processes need Linux or macOS (on Windows: WSL)")
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._control = ours
        # A pipe of our own: `wait` of asyncio's would not return while a descendant keeps its end open.
        read_fd, write_fd = os.pipe()
        lines = asyncio.StreamReader(limit=LINE_LIMIT_BYTES)
        self._output, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(read_fd, "rb", 0)
        )
        signals = ",".join(str(int(number)) for number in self._stop_signals)
        try:
            self._guard = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(GUARD), str(theirs.fileno()), signals, *self._argv),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write_fd,
                stderr=asyncio.subprocess.STDOUT,
                env=self._env,
                cwd=self._cwd,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            self._output.close()
            raise ChildStartError(f"{self.name}: cannot start {self._argv[0]}: {error.strerror}") from error
        finally:
            theirs.close()
            os.close(write_fd)
        self._reader = asyncio.create_task(self._read_lines(lines), name=f"output of {self.name}")
        try:
            async with asyncio.timeout(START_LIMIT_S):
                answer = await self._guard_says()
        except BaseException:
            await self.stop(grace_s=0.0)
            raise
        word, _, value = answer.partition(" ")
        if word != "pid":
            await self.stop(grace_s=0.0)
            reason = value or "the guard process ended: " + " / ".join(self._lines)
            raise ChildStartError(f"{self.name}: cannot start {self._argv[0]}: {reason}")
        self._pid = int(value)

    async def wait(self) -> int:
        """Waits for the command's own end and for what it has written; returns `returncode`."""
        if self._guard is None or self._reader is None:
            raise RuntimeError(f"{self.name}: not started")
        code = await self._guard.wait()
        # A process that left the group may still hold the pipe: its output is not waited for.
        await asyncio.wait([self._reader], timeout=OUTPUT_LIMIT_S)
        return code

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """Ends the command and everything in its group; after `grace_s` by force. Any number of times."""
        guard, reader, control, output = self._guard, self._reader, self._control, self._output
        if guard is None or reader is None or control is None or output is None:
            return
        with contextlib.suppress(OSError):  # the guard has ended already
            control.send(f"{grace_s}\n".encode())
        try:
            async with asyncio.timeout(grace_s + KILL_LIMIT_S):
                await guard.wait()
        except TimeoutError:
            self._kill_all(guard)
            await guard.wait()
        finally:
            control.close()
        await asyncio.wait([reader], timeout=OUTPUT_LIMIT_S)
        reader.cancel()
        await asyncio.wait([reader])
        output.close()

    def _kill_all(self, guard: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._pid is not None:
                os.killpg(self._pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            guard.kill()

    async def _guard_says(self) -> str:
        assert self._control is not None
        loop = asyncio.get_running_loop()
        received = b""
        while not received.endswith(b"\n"):
            part = await loop.sock_recv(self._control, 1024)
            if not part:
                break
            received += part
        return received.decode().strip()

    async def _read_lines(self, lines: asyncio.StreamReader) -> None:
        while True:
            try:
                raw = await lines.readline()
            except ValueError:
                continue  # a line beyond LINE_LIMIT_BYTES: asyncio has dropped it
            if not raw:
                return
            line = raw.decode(errors="replace").rstrip()
            self._lines.append(line)
            if self._on_line is not None:
                self._on_line(line)
