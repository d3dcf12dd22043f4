"""The simulated providers of turns, in a process of their own: `python -m bench.turns.simulators`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from bench.simulators import API_KEY
from bench.turns.corpus import recordings
from bench.turns.dialogue import TurnsDialogue
from bench.turns.own_voice import own_voice
from bench.turns.plan import parse_pauses
from sim.ears.phrasebook import Phrasebook
from sim.latency import profile_by_name
from sim.providers import SimulatedProviders, serve


def arguments(latency: str, seed: int, pauses_ms: tuple[int, ...]) -> list[str]:
    """What a Python interpreter is called with."""
    choices = {"--latency": latency, "--seed": str(seed), "--pauses": ",".join(map(str, pauses_ms))}
    return ["-m", "bench.turns.simulators", *(word for choice in choices.items() for word in choice)]


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.turns.simulators", description="Simulated providers.")
    parser.add_argument("--latency", choices=("fixed", "published"), default="fixed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pauses", type=parse_pauses, required=True, help="In ms, with commas.")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    parent = os.getppid()
    options = parse(argv)
    understood = [*recordings(options.pauses).values(), *asyncio.run(own_voice())]
    providers = SimulatedProviders(
        profile=profile_by_name(options.latency, options.seed),
        dialogue=TurnsDialogue(options.seed),
        ears=Phrasebook(understood).ears,
        api_key=API_KEY,
    )
    asyncio.run(serve(providers, parent=parent))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
