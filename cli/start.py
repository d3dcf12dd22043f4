"""`start`: serve calls, in production and below `dev`."""

from __future__ import annotations

import functools
import importlib.util
import json
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from cli.agent_process import READY_PREFIX
from cli.child_settings import child_environment
from runtime.rescue import NoRescue
from runtime.server import build_server
from runtime.supervisor import CANNOT_START, Supervisor
from runtime.worker import CannotServe, run_worker
from service import AccountsUnusable
from utils.logging_config import get_logger
from utils.own_command import own_command

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from livekit.agents import JobProcess

    from config import Settings
    from prewarm.kit import WarmStep
    from runtime.rescue import Rescue
    from service import Service
    from workshop import Workshop

log = get_logger("worker")

BAD_SETTINGS = 2
STOP_MARGIN_S = 15.0  # a call that is told to end says goodbye and closes within this


async def start(service: Service, settings: Settings, *, announce: bool) -> int:
    """Serve until a stop signal. Returns the process's exit code."""
    missing = settings.missing_for_start()
    if missing:
        print("`start` cannot do without these settings (`dev` can):", file=sys.stderr)
        for name in missing:
            print(f"  {name}: not set", file=sys.stderr)
        return BAD_SETTINGS
    if settings.workers > 1:
        return await _supervise(settings)
    try:
        await _serve(service, settings, announce=announce)
    except AccountsUnusable as error:
        print(f"The accounts cannot be used:\n  {error}", file=sys.stderr)
        return BAD_SETTINGS
    except CannotServe as error:
        log.error("cannot serve", reason=str(error))
        return CANNOT_START
    return 0


async def _serve(service: Service, settings: Settings, *, announce: bool) -> None:
    # Here and not above: the plugins are no business of a process that only watches over workers.
    import orchestrator
    import workshop

    shared: Workshop | None = None
    steps: list[WarmStep] = []
    setup = workshop.prepare_process
    if settings.isolation == "shared":
        shared = workshop.build_workshop(settings)
        steps = await shared.open([service.brief(settings).words.opening], service.openers)
        setup = functools.partial(_share, shared)
    server = build_server(settings, entrypoint=functools.partial(orchestrator.answer, service), setup=setup)

    def ready() -> None:
        port = server.worker_info.http_port
        took_ms = {step.name: round(step.took_ms) for step in steps}
        if announce:
            failed = {step.name: step.failed for step in steps if step.failed}
            print(READY_PREFIX + json.dumps({"health_port": port, "warmed_ms": took_ms, "failed": failed}), flush=True)
        else:
            log.info("ready", agent=settings.agent_name, health_port=port, warmed_ms=took_ms)

    try:
        if shared is not None and service.accounts is not None:
            await service.accounts.open(settings, shared.prepare)
        async with _rescue(settings) as rescue:
            await run_worker(server, drain_timeout_s=settings.drain_timeout, on_ready=ready, rescue=rescue)
    finally:
        if shared is not None:
            if service.accounts is not None:
                await service.accounts.aclose()
            await shared.aclose()


def _share(shared: Workshop, process: JobProcess) -> None:
    process.userdata["workshop"] = shared


@asynccontextmanager
async def _rescue(settings: Settings) -> AsyncGenerator[Rescue]:
    """What looks after callers whose worker is gone; nothing where the folder `rooms` was taken out."""
    if importlib.util.find_spec("rooms") is None:
        yield NoRescue()
        return
    from rooms.rescue import RoomRescue
    from rooms.tokens import ApiKey

    secret = settings.livekit_api_secret
    key = ApiKey(settings.livekit_api_key or "", secret.get_secret_value() if secret else "")
    async with RoomRescue(settings.livekit_url or "", key, settings.agent_name) as rescue:
        yield rescue


async def _supervise(settings: Settings) -> int:
    def environment(index: int) -> dict[str, str]:
        ports = {
            "health_port": settings.health_port + index if settings.health_port else 0,
            "prometheus_port": settings.prometheus_port and settings.prometheus_port + index,
        }
        return child_environment(workers=1, **ports)

    # The workers write into a pipe, and would take that for a wish for JSON.
    readable = ["--readable"] if sys.stderr.isatty() else []
    async with _rescue(settings) as rescue:
        supervisor = Supervisor(
            [*own_command(), *sys.argv[1:], *readable],
            count=settings.workers,
            environment=environment,
            grace_s=settings.drain_timeout + STOP_MARGIN_S,
            on_line=lambda line: print(line, file=sys.stderr),
            on_died=rescue.look,
        )
        return await supervisor.run()
