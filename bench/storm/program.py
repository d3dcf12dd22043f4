"""`agent.py` in a storm: the same service, which also tells which process took which room, and its asyncio tasks.

    python bench/storm/program.py start --announce

Each job is a line of TOOK_PREFIX and JSON, each SIGUSR1 one of TASKS_PREFIX and JSON. A path and not a module: the
supervisor of WORKERS=2 starts its workers by `sys.argv`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType  # noqa: TC003  # a signal handler's argument
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit.agents import JobContext

    from service import Brief, Service

TOOK_PREFIX = "storm.took "
TASKS_PREFIX = "storm.tasks "


class TellingAccounts:
    """Every call is the service's own; that it came is told at its begin, before anything can go wrong with it."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def find(self, context: JobContext) -> Brief:
        from config import load_settings

        took = {"pid": os.getpid(), "room": context.job.room.name, "identity": context.local_participant_identity}
        print(TOOK_PREFIX + json.dumps(took), flush=True)
        return self._service.brief(load_settings())


def tell_tasks(_number: int, _frame: FrameType | None) -> None:
    """Runs in the loop's own thread, between two of its steps or while it waits."""
    try:
        count = len(asyncio.all_tasks())
    except RuntimeError:
        count = 0  # no loop runs yet
    # Not print: the handler may have interrupted one.
    os.write(sys.stdout.fileno(), f"{TASKS_PREFIX}{json.dumps({'pid': os.getpid(), 'tasks': count})}\n".encode())


def main() -> None:
    signal.signal(signal.SIGUSR1, tell_tasks)
    # Started by its path, Python has put this folder first; the project's own is meant.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from agent import service
    from cli.app import main as run

    run(replace(service, accounts=TellingAccounts(service)))


if __name__ == "__main__":
    main()
