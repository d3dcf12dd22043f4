"""The command line. The outer folders are imported only by the command that needs them."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from config import PROVIDER_KEYS, Settings, SettingsError, load_settings
from utils.logging_config import configure_logging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service import Service

BAD_SETTINGS = 2


def main(service: Service) -> None:
    """Run the command line for `service`; never returns."""
    build_app(service)()


def build_app(service: Service) -> typer.Typer:
    app = typer.Typer(
        help="A latency-first voice agent on LiveKit.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.command(rich_help_panel="Run")
    def dev(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        page_port: Annotated[int, typer.Option(help="Port of the page; 0 picks a free one.", min=0, max=65535)] = 0,
        reload: Annotated[bool, typer.Option(help="Restart the agent when a file of it changes or it dies.")] = True,
        latency: Annotated[
            Literal["published", "fixed"], typer.Option(help="Delays of the simulated providers.")
        ] = "published",
        seed: Annotated[int, typer.Option(help="Seed of the published delays.")] = 1,
    ) -> None:
        """Talk to the agent in the browser. Needs no keys: what is not set is simulated on this machine."""
        _end_quietly_on_ctrl_c()
        settings = _settings(json=False)
        from cli.dev import Dev

        raise typer.Exit(asyncio.run(Dev(settings, page_port=page_port, latency=latency, seed=seed).run(reload=reload)))

    @app.command(rich_help_panel="Run")
    def start(  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        announce: Annotated[bool, typer.Option("--announce", hidden=True)] = False,
        readable: Annotated[bool, typer.Option("--readable", hidden=True)] = False,
    ) -> None:
        """Serve calls in production: warm, drained on SIGTERM, with a health endpoint."""
        _end_quietly_on_ctrl_c()
        settings = _settings(json=False if readable else None)
        from cli.start import start as serve
        from cli.with_accounts import with_accounts
        from cli.with_rooms import with_rooms

        try:
            full = with_rooms(with_accounts(service, settings))
        except ValueError as error:
            _refuse(str(error).splitlines())
        if not settings.lazy_imports:
            from cli.eager_imports import import_everything

            import_everything()
        raise typer.Exit(asyncio.run(serve(full, settings, announce=announce)))

    if importlib.util.find_spec("rooms") is not None:

        @app.command(rich_help_panel="Run")
        def control() -> None:  # pyright: ignore[reportUnusedFunction]  # typer keeps it
            """Serve LiveKit's control plane: tokens, webhooks, limits, quality; settings from performance.yaml."""
            _end_quietly_on_ctrl_c()
            settings = _settings()
            from rooms.control import control as serve

            raise typer.Exit(asyncio.run(serve(settings)))

    @app.command(rich_help_panel="Check")
    def doctor() -> None:  # pyright: ignore[reportUnusedFunction]  # typer keeps it
        """Check keys, LiveKit, ports, clock, versions and the audio path; says what to do for each failure."""
        settings = _settings()
        from cli.doctor import run_doctor

        raise typer.Exit(run_doctor(settings))

    if importlib.util.find_spec("accounts") is not None:
        from cli.accounts.command import add_account
        from cli.experiment import add_experiment

        add_account(app, service, _settings)
        add_experiment(app, _settings)
    if importlib.util.find_spec("bench") is not None:
        from bench.command import add_bench

        add_bench(app)
    return app


def _end_quietly_on_ctrl_c() -> None:
    """Until the command handles the signal itself: nothing has begun that needs an end, let alone a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _refuse(problems: Sequence[str]) -> NoReturn:
    print(f"The settings cannot be used ({Path.cwd()}):", file=sys.stderr)
    for problem in problems:
        print(f"  {problem}", file=sys.stderr)
    raise typer.Exit(BAD_SETTINGS)


def _settings(*, json: bool | None = None) -> Settings:
    """The settings, with logging configured by them; or one readable line a problem and exit code 2."""
    # A template is run from its own folder: its .env and performance.yaml are found from anywhere.
    try:
        settings = load_settings()
    except SettingsError as error:
        _refuse(error.problems)
    secrets = [getattr(settings, name) for name in (*PROVIDER_KEYS, "livekit_api_secret", "control_token")]
    configure_logging(
        settings.log_level, json=json, secrets=[secret.get_secret_value() for secret in secrets if secret]
    )
    return settings
