"""One run of `bench clients`, from the server it needs to the report."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.aside import progress, tell
from bench.clients.calls import measure_bounds, measure_calls
from bench.clients.plan import SIDES
from bench.clients.restarts import measure_restarts
from bench.clients.results import ClientsReport
from bench.clients.targets import targets
from bench.machine import this_machine
from sim.livekit_binary import default_cache_dir, find_livekit_server
from sim.livekit_server import LocalLiveKit

if TYPE_CHECKING:
    from bench.clients.plan import Options


async def run_clients(options: Options) -> ClientsReport:
    """Raises `LiveKitStartError` if a server does not start. What fails after that is in the report."""
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    report = ClientsReport(options.command, this_machine(binary), options.seed, options.at_once, options.rate)
    with progress() as shown:
        if "calls" in options.parts:
            task = shown.add_task("calls", total=options.calls * len(SIDES))
            async with LocalLiveKit(binary=binary) as livekit:
                sides = await measure_calls(livekit, options, lambda count: shown.advance(task, count))
                report = replace(report, sides=sides, bounds=await measure_bounds(livekit, options.at_once))
        if "restarts" in options.parts:
            again = shown.add_task("restarts", total=options.restarts)
            async with LocalLiveKit(binary=binary, empty_timeout_s=1) as livekit:
                asked, restarts = await measure_restarts(livekit, options, lambda: shown.advance(again))
                report = replace(report, asked=asked, restarts=restarts)
    return replace(report, targets=targets(report))
