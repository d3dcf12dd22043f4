"""Twenty real calls, and a kill -9 in the middle of them: what is missing from their files?

uv run -m examples.save_conversation.killed

A livekit-server, simulated providers, the example's own worker and its callers, all on this machine. What was said is
what the callers were sent: their own words as they were recognized, and the agent's as far as their sound was heard.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING
from uuid import uuid4

from livekit import api

from bench.workers import PROJECT, READY_PREFIX, Announced, Surroundings
from examples.save_conversation.conversation import Conversation, read
from examples.save_conversation.file_names import LIVE
from examples.save_conversation.mending import mend_all
from examples.save_conversation.redaction import Redaction
from sim.caller import Caller, CallerError, mint_caller_token
from sim.speech.library import load_speech

if TYPE_CHECKING:
    from collections.abc import Sequence

CALLS = 20
TALK_S = 20.0
BETWEEN_CALLS_S = 1.0
WITHIN_S = 1.0
SPEECH = ("opening_hours", "book_table", "who_are_you", "open_sunday", "help", "time", "repeat", "good_morning")
SLOWEST_CHARS_A_S = 10.0
"""Of speech: so much of a text has been heard at least."""
FOLDER = "conversations"  # of the agent, in its working directory


@dataclass
class Visit:
    """One call, from the caller's side."""

    room: str
    identity: str
    caller: Caller
    failed: str = ""
    spoken: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Verdict:
    """`checked`: texts that had to be there. `missing`: those that were not."""

    checked: int
    missing: list[str]


async def run(folder: Path, calls: int, talk_s: float) -> tuple[list[Visit], float]:
    """Returns the visits and when the worker was killed, as `time.perf_counter()`."""
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(Surroundings("fixed", 1))
        name = f"saved-{uuid4().hex[:8]}"
        env = place.environment(agent_name=name, log_level="WARNING", max_calls=2 * calls) | {
            "PYTHONPATH": str(PROJECT)
        }
        command = ("-m", "examples.save_conversation", "start", "--announce", "--readable")
        worker = Announced("worker", READY_PREFIX, command, env, folder=folder)
        await stack.enter_async_context(worker)
        visits = [await _open(place, name) for _ in range(calls)]
        talking = [asyncio.create_task(_talk(visit, number * BETWEEN_CALLS_S)) for number, visit in enumerate(visits)]
        await asyncio.sleep(calls * BETWEEN_CALLS_S + talk_s + random.random() * 3)
        worker.check()
        os.kill(worker.process.pid, signal.SIGKILL)
        killed_at = time.perf_counter()
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)
        await asyncio.gather(*(visit.caller.hang_up() for visit in visits))
    return visits, killed_at


async def _open(place: Surroundings, agent_name: str) -> Visit:
    # Letters only: seven digits in a row would be taken for somebody's number, and taken out.
    room, identity = "".join(random.choices(ascii_lowercase, k=12)), f"caller-{uuid4().hex[:8]}"
    agent = api.RoomAgentDispatch(agent_name=agent_name)
    await place.lk.room.create_room(api.CreateRoomRequest(name=room, agents=[agent]))
    token = mint_caller_token(place.livekit.api_key, place.livekit.api_secret, room, identity)
    return Visit(room, identity, Caller(place.livekit.url, token, name=identity))


async def _talk(visit: Visit, after_s: float) -> None:
    await asyncio.sleep(after_s)
    speech = load_speech()
    try:
        await visit.caller.connect()
        await visit.caller.first_word(timeout_s=30)
        while True:
            await visit.caller.quiet(500)
            name = random.choice(SPEECH)
            spoken = await visit.caller.say(speech[name].pcm, 16_000)
            visit.spoken.append(name)
            with suppress(CallerError):  # not heard: said again, another thing
                await visit.caller.reply(after=spoken, timeout_s=10)
    except CallerError as error:
        visit.failed = str(error)


def judge(visits: Sequence[Visit], saved: dict[str, Conversation], killed_at: float) -> dict[str, Verdict]:
    """What was said more than a second before the kill, by whom, and what of it is in no file."""
    checked = {"caller": 0, "agent": 0}
    missing: dict[str, list[str]] = {"caller": [], "agent": []}
    for visit in visits:
        conversation = saved.get(visit.room, Conversation())
        agent_began = sorted(text.began_at for text in visit.caller.texts if text.identity != visit.identity)
        for text in visit.caller.texts:
            who = "caller" if text.identity == visit.identity else "agent"
            until = killed_at - WITHIN_S
            if not text.final or text.began_at > until:
                continue
            words = text.text
            if who == "agent":
                # They are sent ahead of their sound: what counts is what was heard of it, before the next words came.
                end = min([until, *(begin for begin in agent_began if begin > text.began_at)])
                words = words[: int(_heard_s(visit, text.began_at, end) * SLOWEST_CHARS_A_S)].rpartition(" ")[0]
            final = text.attributes.get("lk.transcription_final") == "true" or who == "agent"
            expected = _plain(Redaction().text(words) if final else Redaction().draft(words))
            if not expected:
                continue
            checked[who] += 1
            told = _plain(" ".join(said.text for said in conversation.said if said.who == who))
            if expected not in told:
                missing[who].append(f"{visit.room}, {killed_at - text.began_at:.1f} s before: {words!r}")
    return {who: Verdict(checked[who], missing[who]) for who in checked}


def _heard_s(visit: Visit, begin: float, end: float) -> float:
    """Seconds of the agent's sound that the caller has heard between the two, pauses within it left out."""
    spans = [(first, last or end) for track in visit.caller.heard() for first, last in track.spans()]
    return sum(max(0.0, min(last, end) - max(first, begin)) for first, last in spans)


def _plain(text: str) -> str:
    """Words only: final ones differ from those before them in marks and capitals."""
    return " ".join(re.findall(r"\w+", text.lower()))


def read_all(folder: Path, pattern: str) -> dict[str, Conversation]:
    found = [read(file) for file in folder.glob(pattern)]
    return {each.began.room: each for each in found if each.began is not None}


def main() -> int:
    parser = argparse.ArgumentParser(prog="examples.save_conversation.killed", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--talk-s", type=float, default=TALK_S, help="from the last call's begin to the kill")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="killed-") as made:
        visits, killed_at = asyncio.run(run(Path(made), options.calls, options.talk_s))
        folder = Path(made) / FOLDER
        live = read_all(folder, f"*{LIVE}")
        mended = mend_all(folder)
        done = read_all(folder, "*.jsonl")
    for visit in visits:
        if visit.failed:
            print(f"{visit.room}: {visit.failed}", file=sys.stderr)
    turns = sum(len(visit.spoken) for visit in visits)
    unreadable = sum(each.unreadable for each in [*live.values(), *done.values()])
    print(f"{len(visits)} calls, {turns} times that a caller spoke, {len(live)} files without an end, {mended} mended")
    print(f"half lines {sum(bool(each.torn) for each in live.values())}, lines that cannot be read {unreadable}")
    failed = bool(unreadable) or mended != options.calls
    for when, conversations in (("after the kill", live), ("after mending", done)):
        for who, verdict in judge(visits, conversations, killed_at).items():
            print(f"{when}, {who}: {verdict.checked} texts older than {WITHIN_S:g} s, {len(verdict.missing)} missing")
            for line in verdict.missing:
                print(f"  {line}")
            failed = failed or bool(verdict.missing) or not verdict.checked
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
