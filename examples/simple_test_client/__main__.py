"""`uv run -m examples.simple_test_client [FILE...]`"""

from __future__ import annotations

import asyncio
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from bench.output_file import output_option
from bench.workers import BenchError
from config import SettingsError, load_settings
from examples.simple_test_client.audio_file import AudioFileError, probe
from examples.simple_test_client.client import Client, ClientError
from examples.simple_test_client.place import Place, local_place, place_of
from examples.simple_test_client.report import report
from examples.simple_test_client.talk import talk
from rooms.tokens import new_name
from sim.livekit_binary import LiveKitServerMissing
from sim.livekit_server import LiveKitStartError
from sim.speech.library import FOLDER
from utils.logging_config import configure_logging

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from examples.simple_test_client.talk import Talk

IDENTITY = "test-client"
DEFAULT_SPEECH = "opening_hours"
BROKEN_OFF = 1
BAD_INPUT = 2


def main(
    files: Annotated[list[Path] | None, typer.Argument(help="What to say, in any format, one after the other.")] = None,
    record: Annotated[
        Path, typer.Option(help="Where the answer goes, as WAV.", callback=output_option, dir_okay=False)
    ] = Path("answer.wav"),
    local: Annotated[bool, typer.Option(help="Start LiveKit and an agent here, whatever LIVEKIT_URL says.")] = False,
    agent: Annotated[str, typer.Option(help="Which agent to start here: a file, or a module.")] = "agent.py",
    room: Annotated[str, typer.Option(help="The room to join; a new one brings the agent.")] = "",
    limit_s: Annotated[float, typer.Option(help="How long to wait for an answer, s.", min=1, max=600)] = 30.0,
    latency: Annotated[
        Literal["published", "fixed"], typer.Option(help="Delays of the simulated providers.")
    ] = "published",
    seed: Annotated[int, typer.Option(help="Seed of the published delays.", min=0)] = 1,
) -> None:
    """Call an agent, play files to it, record its answer, and tell times and transcript.

    Without LIVEKIT_URL everything is started on this machine; no keys are needed. Without files: a recorded question.
    Exit codes: 0 every file was answered, 1 not so, 2 what was given is wrong, 3 something did not start.
    """
    said = files or [FOLDER / f"{DEFAULT_SPEECH}.wav"]
    try:
        settings = load_settings()
        for file in said:
            probe(file)
        away = None if local or not settings.livekit_url else place_of(settings)
    except SettingsError as error:
        _end(BAD_INPUT, *error.problems)
    except ValueError as error:
        _end(BAD_INPUT, str(error))
    configure_logging("WARNING", json=False)
    here = local_place(settings, agent=agent, latency=latency, seed=seed)
    place: AbstractAsyncContextManager[Place] = here if away is None else nullcontext(away)
    try:
        came = asyncio.run(_call(place, said, record, room or new_name("test-client"), limit_s))
    except (AudioFileError, ClientError) as error:
        _end(BROKEN_OFF, str(error))
    except (BenchError, LiveKitStartError, LiveKitServerMissing) as error:
        _end(3, str(error))
    print("\n".join(report(came, identity=IDENTITY, record=record)))
    raise typer.Exit(0 if came.answered else BROKEN_OFF)


async def _call(
    where: AbstractAsyncContextManager[Place], files: list[Path], record: Path, room: str, limit_s: float
) -> Talk:
    _tell("starting")
    async with where as place:
        _tell(f"calling {place.agent_name} in {room} at {place.url}")
        client = Client(place.url, place.token(room, IDENTITY))
        return await talk(client, files, record, limit_s=limit_s, said=_tell)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _end(code: int, *problems: str) -> NoReturn:
    for problem in problems:
        print(problem, file=sys.stderr)
    raise typer.Exit(code)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command(context_settings={"help_option_names": ["-h", "--help"]})(main)

if __name__ == "__main__":
    app()
