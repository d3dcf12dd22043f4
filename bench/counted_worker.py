"""This project's worker, which tells on SIGUSR1 how many asyncio tasks it has: `python -m bench.counted_worker`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from types import FrameType  # noqa: TC003  # a signal handler's argument

TASKS_PREFIX = "firstword.tasks "


def tell_tasks(_number: int, _frame: FrameType | None) -> None:
    """Runs in the loop's own thread, between two of its steps or while it waits."""
    try:
        count = len(asyncio.all_tasks())
    except RuntimeError:
        count = 0  # no loop runs yet
    # Not print: the handler may have interrupted one.
    os.write(sys.stdout.fileno(), f"{TASKS_PREFIX}{count}\n".encode())


def main() -> None:
    signal.signal(signal.SIGUSR1, tell_tasks)
    from agent import service
    from cli.app import main as run

    sys.argv = ["agent.py", "start", "--announce", "--readable"]
    run(service)


if __name__ == "__main__":
    main()
