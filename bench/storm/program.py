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

    from service import Brief, Choice, Service

TOOK_PREFIX = "storm.took "
TASKS_PREFIX = "storm.tasks "


def telling(service: Service) -> Service:
    """`service`, which tells of each call at its begin, before anything can go wrong with it."""
    from service import Accounts

    class TellingAccounts(Accounts):
        async def find(self, context: JobContext, choice: Choice) -> Brief:
            took = {"pid": os.getpid(), "room": context.job.room.name, "identity": context.local_participant_identity}
            print(TOOK_PREFIX + json.dumps(took), flush=True)
            return service.brief(choice.settings)

    return replace(service, accounts=TellingAccounts())


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

    run(telling(service))


if __name__ == "__main__":
    main()
