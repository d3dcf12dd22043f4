"""Simulated providers that write what the LLM is asked: `python -m bench.accounts.simulators`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from bench.accounts.asked import AskedDialogue
from bench.simulators import API_KEY
from sim.ears.phrasebook import Phrasebook
from sim.latency import profile_by_name
from sim.providers import SimulatedProviders, serve
from sim.speech.library import load_speech


def main(argv: list[str]) -> int:
    parent = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m bench.accounts.simulators", description="Simulated providers.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--asked", type=Path, required=True, help="Where to write what the LLM is asked.")
    options = parser.parse_args(argv)
    with options.asked.open("a", encoding="utf-8") as file:
        providers = SimulatedProviders(
            profile=profile_by_name("fixed", options.seed),
            dialogue=AskedDialogue(file),
            ears=Phrasebook(load_speech().values()).ears,
            api_key=API_KEY,
        )
        asyncio.run(serve(providers, parent=parent))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
