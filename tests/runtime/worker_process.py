"""A worker as a process of its own: `python -m tests.runtime.worker_process`. It says what happens on its output."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from config import load_settings
from runtime.server import build_server
from runtime.worker import CannotServe, run_worker
from utils.logging_config import configure_logging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livekit.agents import JobContext, JobProcess


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def setup(process: JobProcess) -> None:
    process.userdata["prepared"] = True


async def entrypoint(context: JobContext) -> None:
    async def closing(reason: str) -> None:
        say(f"call ends: {reason}")

    context.add_shutdown_callback(closing)
    await context.connect()
    say(f"call begins in {os.getpid()}, prepared: {context.proc.userdata.get('prepared')}")


class Told:
    """A rescue that says what it is asked for."""

    def look(self) -> None:
        say("look")

    async def release(self, rooms: Sequence[str]) -> None:
        say(f"release {' '.join(rooms)}")

    async def hand_over(self, rooms: Sequence[str]) -> None:
        say(f"hand over {' '.join(rooms)}")


async def main() -> int:
    settings = load_settings()
    configure_logging(settings.log_level, json=False)
    server = build_server(settings, entrypoint=entrypoint, setup=setup)

    def ready() -> None:
        say(f"ready on {server.worker_info.http_port} in {os.getpid()}")

    try:
        await run_worker(server, drain_timeout_s=settings.drain_timeout, on_ready=ready, rescue=Told())
    except CannotServe as error:
        say(f"cannot serve: {error}")
        return 3
    say("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
