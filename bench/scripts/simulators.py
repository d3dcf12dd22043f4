"""The simulated providers of random scripts, in a process of their own: `python -m bench.scripts.simulators`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from bench.scripts.asked import NumberedDialogue
from bench.scripts.speech import pieces
from bench.simulators import API_KEY
from sim.ears.phrasebook import Phrasebook
from sim.latency import profile_by_name
from sim.providers import SimulatedProviders, serve


def main(argv: list[str]) -> int:
    parent = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m bench.scripts.simulators", description="Simulated providers.")
    parser.add_argument("--latency", choices=("fixed", "published"), default="published")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--asked", type=Path, required=True, help="Where to write what the LLM is asked.")
    options = parser.parse_args(argv)
    with options.asked.open("a", encoding="utf-8") as file:
        providers = SimulatedProviders(
            profile=profile_by_name(options.latency, options.seed),
            dialogue=NumberedDialogue(options.seed, file),
            ears=Phrasebook(pieces()).ears,
            api_key=API_KEY,
        )
        asyncio.run(serve(providers, parent=parent))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
