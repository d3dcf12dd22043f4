"""The commands `bench` and `soak`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from bench.first_word.situations import ROW_NAMES, parse_rows
from bench.output_file import output_option

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

CANNOT_RUN = 3
StarterDetection = Annotated[Literal["vad", "stt", "v1-mini"], typer.Option(help="The starter's turn detection.")]
JsonFile = Annotated[Path | None, typer.Option(help="Write every sample to this file.", callback=output_option)]


def _page_option(file: Path | None) -> Path | None:
    """What draws the page is asked for now, and not when minutes of measuring are over."""
    if file is not None:
        from bench.page import check_tools

        try:
            check_tools()
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    return output_option(file)


HtmlFile = Annotated[Path | None, typer.Option(help="Write a page to this file.", callback=_page_option)]


def add_bench(app: typer.Typer) -> None:
    """Add the commands to `app`. What they need is imported when they run."""

    group = typer.Typer(invoke_without_command=True)
    app.add_typer(group, name="bench", rich_help_panel="Measure")

    @group.callback()
    def bench(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        context: typer.Context,
        calls: Annotated[int, typer.Option(help="Calls per side and measure.", min=1, max=1000)] = 10,
        turns: Annotated[int, typer.Option(help="Turns a call, for the gap.", min=1, max=3)] = 3,
        latency: Annotated[Literal["fixed", "published"], typer.Option(help="Delays of the providers.")] = "fixed",
        seed: Annotated[int, typer.Option(help="Seed of the published delays and of the script.", min=0)] = 1,
        modes: Annotated[str, typer.Option(help="What to measure, with commas: join, early, gap.")] = "join,early,gap",
        turn_detection: StarterDetection = "vad",
        json: JsonFile = None,
        markdown: Annotated[bool, typer.Option("--markdown", help="Print a table for a README.")] = False,
    ) -> None:
        """First word and response gap beside the starter shape, in one run, call by call in turns."""
        if context.invoked_subcommand is not None:
            _refuse_options(context)
            return
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

    @group.command("first-word")
    def first_word(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        calls: Annotated[int, typer.Option(help="Calls per row and side.", min=1, max=1000)] = 30,
        rows: Annotated[str, typer.Option(help=f"With commas: {', '.join(ROW_NAMES)}.")] = "all",
        steps: Annotated[bool, typer.Option(help="Measure what each optimisation gives.")] = True,
        step_calls: Annotated[int, typer.Option(help="Calls per side of each step.", min=1, max=1000)] = 5,
        seed: Annotated[int, typer.Option(help="Seed of the random arrivals.", min=0)] = 1,
        json: JsonFile = None,
        html: HtmlFile = None,
        markdown: Annotated[bool, typer.Option("--markdown", help="Print tables for a README.")] = False,
    ) -> None:
        """The first word in every situation beside the starter and the floor, and what each step to it gives."""
        from bench.first_word.html import write_html
        from bench.first_word.json_file import write_first_word
        from bench.first_word.run import Options, run_first_word
        from bench.first_word.terminal import print_first_word

        try:
            chosen = parse_rows(rows)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--rows") from None
        report = _run(run_first_word(Options(calls, chosen, step_calls if steps else 0, seed)))
        if json is not None:
            write_first_word(report, json)
        if html is not None:
            write_html(report, html)
        print_first_word(report, markdown=markdown)
        raise typer.Exit(1 if report.failures else 0)

    @group.command("turns")
    def turns_command(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        turns: Annotated[int, typer.Option(help="Questions a side, and as many with a pause.", min=1, max=1000)] = 60,
        parts: Annotated[
            str, typer.Option(help="What to measure, with commas: gap,pause,arabic,noise,echo,barge.")
        ] = "all",
        pauses: Annotated[
            str, typer.Option(help="How long callers pause in a sentence, in ms, with commas.")
        ] = "300,500,700,900",
        sides: Annotated[
            str,
            typer.Option(
                help="Whom, with commas: starter-v1-mini, starter-stt, starter-vad, a profile, fast:NAME=value."
            ),
        ] = "all",
        latency: Annotated[Literal["fixed", "published"], typer.Option(help="Delays of the providers.")] = "fixed",
        seed: Annotated[int, typer.Option(help="Seed of the published delays and of the order.", min=0)] = 1,
        json: JsonFile = None,
        html: HtmlFile = None,
        markdown: Annotated[bool, typer.Option("--markdown", help="Print tables for a README.")] = False,
    ) -> None:
        """Response gap, cut-offs, false and true interruptions beside the starter in each of its modes."""
        from bench.turns.html import write_html
        from bench.turns.json_file import write_turns
        from bench.turns.plan import parse_parts, parse_pauses
        from bench.turns.run import Options, run_turns
        from bench.turns.sides import parse_sides
        from bench.turns.terminal import print_turns

        try:
            chosen = parse_parts(parts)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--parts") from None
        try:
            lengths_ms = parse_pauses(pauses)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--pauses") from None
        try:
            whom = parse_sides(sides)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--sides") from None
        report = _run(run_turns(Options(turns, chosen, whom, latency, seed, lengths_ms)))
        if json is not None:
            write_turns(report, json)
        if html is not None:
            write_html(report, html)
        print_turns(report, markdown=markdown)
        raise typer.Exit(1 if report.failures else 0)

    @group.command("scripts")
    def scripts_command(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        scripts: Annotated[int, typer.Option(help="Random callers.", min=1, max=10_000)] = 500,
        seed: Annotated[int, typer.Option(help="Seed of all that is random.", min=0)] = 1,
        at_once: Annotated[int, typer.Option(help="Callers at once.", min=1, max=50)] = 4,
        profile: Annotated[Literal["fast", "production", "steady"], typer.Option(help="The agent's.")] = "production",
        latency: Annotated[Literal["fixed", "published"], typer.Option(help="Delays of the providers.")] = "published",
        only: Annotated[int | None, typer.Option(help="Number of the one script to say again.", min=0)] = None,
        json: JsonFile = None,
    ) -> None:
        """Random callers: is anything answered that was not finished, lost, or answered twice?"""
        from bench.scripts.report import print_scripts, write_scripts
        from bench.scripts.run import Options, run_scripts

        report = _run(run_scripts(Options(scripts, seed, at_once, profile, latency, only)))
        if json is not None:
            write_scripts(report, json)
        print_scripts(report)
        raise typer.Exit(0 if report.passed else 1)

    @group.command("accounts")
    def accounts_command(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        parts: Annotated[str, typer.Option(help="With commas: many, new, faults, experiment.")] = "all",
        calls: Annotated[int, typer.Option(help="Calls of one account, and of any, each way.", min=1, max=1000)] = 60,
        new_calls: Annotated[int, typer.Option(help="First calls of accounts, each way.", min=1, max=100)] = 20,
        fault_calls: Annotated[int, typer.Option(help="Calls during each fault.", min=2, max=100)] = 8,
        apart_calls: Annotated[int, typer.Option(help="Rounds of four callers at once.", min=1, max=1000)] = 10,
        experiment_calls: Annotated[int, typer.Option(help="Calls of the experiments.", min=1, max=1000)] = 90,
        accounts: Annotated[int, typer.Option(help="Accounts in the store.", min=1, max=1000)] = 1000,
        called: Annotated[int, typer.Option(help="Those of them that are called and known.", min=4, max=220)] = 200,
        seed: Annotated[int, typer.Option(help="Seed of all that is random.", min=0)] = 1,
        json: JsonFile = None,
        markdown: Annotated[bool, typer.Option("--markdown", help="Print tables for a README.")] = False,
    ) -> None:
        """Many accounts on one worker: as fast as one? What becomes of calls when their store fails or changes?"""
        from bench.accounts.plan import Options, parse_parts
        from bench.accounts.report import print_accounts, write_accounts
        from bench.accounts.run import run_accounts

        try:
            chosen = parse_parts(parts)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--parts") from None
        counts = (calls, new_calls, fault_calls, apart_calls, experiment_calls)
        try:
            options = Options(*counts, accounts, called, seed, chosen)
        except ValueError as error:
            name, _, why = str(error).partition(": ")
            raise typer.BadParameter(why, param_hint=f"--{name}") from None
        report = _run(run_accounts(options))
        if json is not None:
            write_accounts(report, json)
        print_accounts(report, markdown=markdown)
        raise typer.Exit(1 if report.failed else 0)

    @group.command("clients")
    def clients_command(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        parts: Annotated[str, typer.Option(help="With commas: calls, restarts.")] = "all",
        calls: Annotated[int, typer.Option(help="API calls, each way.", min=1, max=100_000)] = 2000,
        at_once: Annotated[int, typer.Option(help="Tasks that call at the same time.", min=1, max=500)] = 50,
        restarts: Annotated[int, typer.Option(help="Kills of livekit-server.", min=1, max=100)] = 10,
        rate: Annotated[int, typer.Option(help="Requests a second under restarts.", min=1, max=1000)] = 100,
        seed: Annotated[int, typer.Option(help="Seed of all that is random.", min=0)] = 1,
        json: JsonFile = None,
        html: HtmlFile = None,
        markdown: Annotated[bool, typer.Option("--markdown", help="Print tables for a README.")] = False,
    ) -> None:
        """The pool of API clients beside one shared and one new client a call, and while LiveKit is killed."""
        from bench.clients.html import write_html
        from bench.clients.plan import Options, parse_parts
        from bench.clients.report import print_clients, write_clients
        from bench.clients.run import run_clients

        try:
            chosen = parse_parts(parts)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--parts") from None
        report = _run(run_clients(Options(calls, at_once, restarts, rate, seed, chosen)))
        if json is not None:
            write_clients(report, json)
        if html is not None:
            write_html(report, html)
        print_clients(report, markdown=markdown)
        raise typer.Exit(1 if report.failed else 0)

    @group.command("limits")
    def limits_command(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        parts: Annotated[str, typer.Option(help="With commas: rooms, kills, participants, tracks.")] = "all",
        creations: Annotated[int, typer.Option(help="Rooms that are asked for at once.", min=20, max=10_000)] = 200,
        kills: Annotated[int, typer.Option(help="Processes that are killed while they create.", min=1, max=100)] = 10,
        participants: Annotated[int, typer.Option(help="Participants a room may have.", min=1, max=200)] = 50,
        seed: Annotated[int, typer.Option(help="Seed of the moments of the kills.", min=0)] = 1,
        json: JsonFile = None,
    ) -> None:
        """Are the limits exact? Rooms asked for at once and around kills, and who is one too many in a room."""
        from bench.limits.plan import Options, parse_parts
        from bench.limits.report import print_limits, write_limits
        from bench.limits.run import run_limits

        try:
            chosen = parse_parts(parts)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--parts") from None
        options = Options(creations=creations, kills=kills, participants=participants, seed=seed, parts=chosen)
        report = _run(run_limits(options))
        if json is not None:
            write_limits(report, json)
        print_limits(report)
        raise typer.Exit(1 if report.failed else 0)

    @group.command("quality")
    def quality_command(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        rounds: Annotated[int, typer.Option(help="Times that each network becomes bad.", min=1, max=100)] = 3,
        interval: Annotated[float, typer.Option(help="Seconds between two looks.", min=1, max=60)] = 5.0,
        networks: Annotated[str, typer.Option(help="With commas: loss, delay, both.")] = "all",
        seed: Annotated[int, typer.Option(help="Seed of losses and moments.", min=0)] = 1,
        json: JsonFile = None,
    ) -> None:
        """A call whose network becomes bad and good again: how soon is it seen, and is the caller's side told?"""
        from bench.quality.plan import Options, parse_networks
        from bench.quality.report import print_quality, write_quality
        from bench.quality.run import run_quality

        try:
            chosen = parse_networks(networks)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--networks") from None
        report = _run(run_quality(Options(rounds, interval, chosen, seed)))
        if json is not None:
            write_quality(report, json)
        print_quality(report)
        raise typer.Exit(1 if report.failed else 0)

    @group.command("browser")
    def browser_command(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        parts: Annotated[str, typer.Option(help="With commas: click, turns, echo, leaks, load, cuts.")] = "all",
        transports: Annotated[str, typer.Option(help="With commas: whip, livekit.")] = "all",
        clicks: Annotated[int, typer.Option(help="Calls each way, and of the floor.", min=1, max=1000)] = 40,
        browsers: Annotated[int, typer.Option(help="Fresh browsers each way.", min=0, max=100)] = 5,
        chirps: Annotated[int, typer.Option(help="Chirps a row of the echo.", min=5, max=500)] = 40,
        leak_calls: Annotated[int, typer.Option(help="Calls in one page, each way.", min=1, max=5000)] = 500,
        load_calls: Annotated[int, typer.Option(help="Calls of one browser at once.", min=1, max=200)] = 20,
        seed: Annotated[int, typer.Option(help="Seed of all that is random.", min=0)] = 1,
        json: JsonFile = None,
        html: HtmlFile = None,
        markdown: Annotated[bool, typer.Option("--markdown", help="Print tables for a README.")] = False,
    ) -> None:
        """The page in Chromium, by WHIP and by livekit-client: click to sound, turns, echo, leaks, load, cuts."""
        from bench.browser.html import write_html
        from bench.browser.plan import Options, parse_parts, parse_transports
        from bench.browser.report import print_browser, write_browser
        from bench.browser.run import run_browser

        try:
            chosen = parse_parts(parts)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--parts") from None
        try:
            ways = parse_transports(transports)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--transports") from None
        report = _run(run_browser(Options(clicks, browsers, chirps, leak_calls, load_calls, seed, chosen, ways)))
        if json is not None:
            write_browser(report, json)
        if html is not None:
            write_html(report, html)
        print_browser(report, markdown=markdown)
        raise typer.Exit(1 if report.failures else 0)

    @app.command(rich_help_panel="Measure")
    def soak(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        calls: Annotated[int, typer.Option(help="Calls, one after the other.", min=1, max=1000)] = 20,
        turns: Annotated[int, typer.Option(help="Turns a call.", min=0, max=3)] = 3,
        latency: Annotated[Literal["fixed", "published"], typer.Option(help="Delays of the providers.")] = "fixed",
        seed: Annotated[int, typer.Option(help="Seed of the published delays and of the script.", min=0)] = 1,
        json: JsonFile = None,
    ) -> None:
        """Calls in a row against one worker: none may be lost, nothing may grow, and the timelines must add up."""
        from bench.soak import run_soak
        from bench.soak_report import print_soak, write_soak

        report = _run(run_soak(calls=calls, turns=turns, latency=latency, seed=seed))
        if json is not None:
            write_soak(report, json)
        print_soak(report)
        raise typer.Exit(1 if report.failures else 0)

    @app.command(rich_help_panel="Measure")
    def storm(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        calls: Annotated[int, typer.Option(help="Callers.", min=1, max=1000)] = 200,
        seed: Annotated[int, typer.Option(help="Seed of arrivals, fates and moments.", min=0)] = 1,
        standby: Annotated[int, typer.Option(help="Standby rooms.", min=0, max=100)] = 3,
        restarts: Annotated[int, typer.Option(help="Rolling restarts of all workers.", min=0, max=100)] = 4,
        kills: Annotated[int, typer.Option(help="Workers that are killed in the middle of a call.", min=0)] = 1,
        workers: Annotated[int, typer.Option(help="Worker processes.", min=1, max=16)] = 2,
        every: Annotated[float, typer.Option(help="Mean seconds between two callers.", min=0.1, max=60)] = 2.0,
        json: Annotated[
            Path | None, typer.Option(help="Write every call to this file.", callback=output_option)
        ] = None,
    ) -> None:
        """Callers who stay, hang up or come late while workers are restarted: is each who stays greeted, once?"""
        from bench.storm.plan import Options
        from bench.storm.report import print_storm, write_storm
        from bench.storm.run import run_storm

        try:
            options = Options(calls, seed, standby, restarts, kills, workers, every)
        except ValueError as error:
            raise typer.BadParameter(str(error).partition(": ")[2], param_hint="--kills") from None
        report = _run(run_storm(options))
        if json is not None:
            write_storm(report, json)
        print_storm(report)
        raise typer.Exit(1 if report.failures else 0)


def _refuse_options(context: typer.Context) -> None:
    """What stands before the name of a command below `bench` would do nothing there."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            where = f"it stands before '{context.invoked_subcommand}'; allowed: behind it, if that command has it"
            raise typer.BadParameter(where, param_hint=f"--{name.replace('_', '-')}")


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
