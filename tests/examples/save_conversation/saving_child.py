"""Twenty conversations in one process that is to be killed: what is said is told to the parent first, then saved.

Its standard output has a line of JSON for each time that somebody has said more: [time, call, who, number, words so
far], and [time] from a thread of its own, by which the parent sees that the process had a machine to run on.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from pathlib import Path
from random import Random

from examples.save_conversation.entries import Began
from examples.save_conversation.saving import TELL_S
from examples.save_conversation.words import Words
from examples.save_conversation.writer import Writer

CALLS = 20
PULSE_S = 0.05
BETWEEN_WORDS_S = 0.08


def tell(*what: object) -> None:
    os.write(1, json.dumps([time.time(), *what]).encode() + b"\n")  # less than a pipe's 4 kB: never torn


def pulse() -> None:
    while True:
        tell()
        time.sleep(PULSE_S)


async def talk(writer: Writer, number: int) -> None:
    random = Random(number)
    call = f"AJ_{number}"
    words = Words(writer.open(Began(time.time(), call, f"room {number}")).put)

    def tick() -> None:
        words.tell()
        asyncio.get_running_loop().call_later(TELL_S, tick)

    await asyncio.sleep(random.random() * TELL_S)
    tick()
    for turn in range(1, 10_000):
        who = "agent" if turn % 2 else "caller"
        said = ""
        for word in range(random.randint(5, 30)):
            said = f"{said} {turn}-{word}".strip()
            tell(call, who, turn, said)
            words.going_on(who, said)
            await asyncio.sleep(BETWEEN_WORDS_S * random.uniform(0.5, 1.5))
        words.settle(who, said)


async def main(folder: Path) -> None:
    writer = Writer(folder)
    threading.Thread(target=pulse, daemon=True).start()
    await asyncio.gather(*(talk(writer, number) for number in range(CALLS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
