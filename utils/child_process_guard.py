"""Runs one command and ends it when the program that asked for it is gone, however it went.

Started by `utils.child_process` as `python -I -S child_process_guard.py <socket fd> <signals> <command...>`. The
socket's other end lives in the parent: the kernel closes it even when the parent is killed with SIGKILL, and the
end of file is the order to stop. PR_SET_PDEATHSIG alone would not do: it follows the parent's thread, not the
process, and exists on Linux only. Standard library only, and no package imports: this has to start fast.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

ORPHAN_GRACE_S = 2.0
PARENT_CHECK_S = 0.5
BETWEEN_SIGNALS_S = 0.05
POSIX_SIGNAL_BASE = 128
CANNOT_START = 127


def main(argv: list[str]) -> int:
    control = socket.socket(fileno=int(argv[0]))
    signals = [signal.Signals(int(number)) for number in argv[1].split(",")]
    parent = os.getppid()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    received: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        received.append(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, note)
    try:
        child = subprocess.Popen(argv[2:], process_group=0, preexec_fn=_follow_guard())
    except OSError as error:
        _tell(control, f"error {error.strerror}")
        return CANNOT_START
    _tell(control, f"pid {child.pid}")

    grace_s: float | None = None
    while grace_s is None and child.poll() is None:
        readable, _, _ = select.select([control, wake_read], [], [], PARENT_CHECK_S)
        if wake_read in readable:
            os.read(wake_read, 4096)
        if control in readable:
            grace_s = _ordered_grace_s(control)
        # A forked sibling of ours may hold the socket open, so the parent's death is looked for as well.
        elif os.getppid() != parent or any(number != signal.SIGCHLD for number in received):
            grace_s = ORPHAN_GRACE_S
    if grace_s is not None:
        _stop(child, signals, grace_s)
    _signal_group(child.pid, signal.SIGKILL)
    code = child.wait()
    return code if code >= 0 else POSIX_SIGNAL_BASE - code


def _tell(control: socket.socket, line: str) -> None:
    try:
        control.sendall(f"{line}\n".encode())
    except OSError:
        return  # the parent is gone; the loop that follows sees it too


def _ordered_grace_s(control: socket.socket) -> float:
    try:
        order = control.recv(64)
    except OSError:
        return ORPHAN_GRACE_S
    # Two stops at once arrive as two lines; the first one counts.
    return float(order.split()[0]) if order else ORPHAN_GRACE_S


def _stop(child: subprocess.Popen[bytes], signals: list[signal.Signals], grace_s: float) -> None:
    deadline = time.monotonic() + grace_s
    for number in signals:
        # Only the command itself: it knows its own children, and a worker's calls end better by its word than by
        # a signal of their own. Whoever is left of the group afterwards is killed.
        child.send_signal(number)
        if _ended(child, min(BETWEEN_SIGNALS_S, grace_s)):
            return
    _ended(child, max(deadline - time.monotonic(), 0.0))


def _ended(child: subprocess.Popen[bytes], limit_s: float) -> bool:
    try:
        child.wait(limit_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return  # nothing of the group is left (macOS reports EPERM for a group of zombies)


def _follow_guard() -> Callable[[], None] | None:
    """On Linux the child also dies when the guard itself is killed with SIGKILL."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    libc = ctypes.CDLL(None)
    pr_set_pdeathsig = 1

    def follow() -> None:
        libc.prctl(pr_set_pdeathsig, int(signal.SIGKILL))

    return follow


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
