"""The parts of `bench limits`, one after the other, each on a server of its own."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from bench.aside import tell
from bench.limits.full import full_of_tracks, full_room
from bench.limits.results import LimitsReport
from bench.limits.rushes import rush_after_kill, rush_of_many, rush_of_one
from bench.machine import this_machine
from sim.livekit_binary import default_cache_dir, find_livekit_server

if TYPE_CHECKING:
    from bench.limits.plan import Options


async def run_limits(options: Options) -> LimitsReport:
    """Raises BenchError, and what a livekit-server that does not start raises."""
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    report = LimitsReport(options, this_machine(binary))
    moments = Random(options.seed)
    if "rooms" in options.parts:
        report.rushes.append(await rush_of_one(options))
        report.rushes.append(await rush_of_many(options))
    if "kills" in options.parts:
        report.rushes += [await rush_after_kill(options, number, moments) for number in range(options.kills)]
    if "participants" in options.parts:
        report.full += await full_room(options)
    if "tracks" in options.parts:
        report.full += [await full_of_tracks(options, video=video) for video in (False, True)]
    return report
