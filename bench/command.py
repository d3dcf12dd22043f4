"""The commands `bench` and `soak`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path  # noqa: TC003  # typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

CANNOT_RUN = 3


def add_bench(app: typer.Typer) -> None:
    """Add the commands to `app`. What they need is imported when they run."""

    @app.command(rich_help_panel="Measure")
    def bench(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        calls: Annotated[int, typer.Option(help="Calls per side and measure.", min=1, max=1000)] = 10,
        turns: Annotated[int, typer.Option(help="Turns a call, for the gap.", min=1, max=3)] = 3,
        latency: Annotated[Literal["fixed", "published"], typer.Option(help="Delays of the providers.")] = "fixed",
        seed: Annotated[int, typer.Option(help="Seed of the published delays and of the script.", min=0)] = 1,
        modes: Annotated[str, typer.Option(help="What to measure, with commas: join, early, gap.")] = "join,early,gap",
        turn_detection: Annotated[Literal["vad", "stt"], typer.Option(help="The starter's turn detection.")] = "vad",
        json: Annotated[Path | None, typer.Option(help="Write every sample to this file.")] = None,
        markdown: Annotated[bool, typer.Option("--markdown", help="Print a table for a README.")] = False,
    ) -> None:
        """First word and response gap beside the starter shape, in one run, call by call in turns."""
        from bench.report import print_report, write_json
        from bench.run import Options, parse_modes, run_bench

        try:
            chosen = parse_modes(modes)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--modes") from None
        options = Options(calls, turns, latency, seed, chosen, turn_detection)
        report = _run(run_bench(options))
        if json is not None:
            write_json(report, json)
        print_report(report, markdown=markdown)
        raise typer.Exit(1 if report.failed else 0)

    @app.command(rich_help_panel="Measure")
    def soak(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        calls: Annotated[int, typer.Option(help="Calls, one after the other.", min=1, max=1000)] = 20,
        turns: Annotated[int, typer.Option(help="Turns a call.", min=0, max=3)] = 3,
        latency: Annotated[Literal["fixed", "published"], typer.Option(help="Delays of the providers.")] = "fixed",
        seed: Annotated[int, typer.Option(help="Seed of the published delays and of the script.", min=0)] = 1,
        json: Annotated[Path | None, typer.Option(help="Write every sample to this file.")] = None,
    ) -> None:
        """Calls in a row against one worker: none may be lost, nothing may grow, and the timelines must add up."""
        from bench.soak import run_soak
        from bench.soak_report import print_soak, write_soak

        report = _run(run_soak(calls=calls, turns=turns, latency=latency, seed=seed))
        if json is not None:
            write_soak(report, json)
        print_soak(report)
        raise typer.Exit(1 if report.failures else 0)


def _run(work: Coroutine[None, None, T]) -> T:
    """The result of `work`; or one readable message and exit code CANNOT_RUN."""
    from bench.workers import BenchError
    from sim.livekit_binary import LiveKitServerMissing
    from sim.livekit_server import LiveKitStartError
    from utils.logging_config import configure_logging

    configure_logging("WARNING", json=False)
    try:
        return asyncio.run(work)
    except (BenchError, LiveKitServerMissing, LiveKitStartError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(CANNOT_RUN) from None
