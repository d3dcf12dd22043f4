"""The simulated providers of a benchmark, in a process of their own: `python -m bench.simulators`.

What was said is told by the phrasebook (exact and without a model's CPU time), and the words of the replies come
from a script, so that both sides speak the same.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from sim.dialogue import ScriptedDialogue
from sim.ears.phrasebook import Phrasebook
from sim.latency import profile_by_name
from sim.providers import SimulatedProviders, serve
from sim.speech.library import load_speech

API_KEY = "sim"

# Two sentences each, as a model that was told to be brief answers. The first text is never said: the greeting is
# the conversation's first assistant turn.
REPLIES = (
    "Hello.",
    "We are open every evening from five to eleven. Would you like to come by?",
    "I have noted that for you. Is there anything else that I can do?",
    "Thank you for your call. We look forward to seeing you.",
    "Of course, I can help you with that. Please tell me a little more.",
    "That is all arranged. You will get a message in a minute.",
)


def main(argv: list[str]) -> int:
    parent = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m bench.simulators", description="Simulated providers.")
    parser.add_argument("--profile", choices=("fixed", "published"), default="fixed")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    providers = SimulatedProviders(
        profile=profile_by_name(options.profile, options.seed),
        dialogue=ScriptedDialogue(REPLIES),
        ears=Phrasebook(load_speech().values()).ears,
        api_key=API_KEY,
    )
    asyncio.run(serve(providers, parent=parent))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
