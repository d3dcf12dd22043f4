"""One script as a call: the caller speaks by the plan, and what was said, heard and asked is put together."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import psutil
from livekit import api

from bench.busy import busy_share
from bench.measure import CallFailed, caller_token, leave_nothing
from bench.scripts.asked import number_in
from bench.scripts.heard import Transcript, replies
from bench.scripts.record import CallRecord, Word
from bench.scripts.speech import Line, spoken
from rooms.tokens import new_name
from sim.caller import TRANSCRIPTION_TOPIC, Caller, CallerTimeout
from sim.speech.library import RATE_HZ

if TYPE_CHECKING:
    from bench.scripts.plan import Script, Turn
    from bench.workers import Surroundings, Worker
    from sim.microphone import Spoken
    from sim.speech.library import Recording

CALLER = "caller"
FIRST_WORD_LIMIT_S = 20.0
ANSWER_LIMIT_S = 20.0
"""So long a caller waits for an answer, and then for no more: a provider may take HTTP_TIMEOUT."""
REPLY_OVER_MS = 400.0
LAST_QUIET_MS = 2000.0
"""At the end, for a reply that comes late or a second time."""
QUIET_LIMIT_S = 40.0
APART_S = 0.4
"""Between two sounds of the caller's, so that the simulated recogniser takes them for two."""
CALL_LIMIT_S = 150.0
OWN_END_S = 5.0
"""For the agent to end the call of a caller who has hung up."""


class Torn(CallFailed):
    """This process was too busy to speak without a gap: the script has to be said again."""


@dataclass(frozen=True)
class Held:
    """A call that is over. What the LLM was asked in it is not in `record` yet; it is known by `room` and `zero_s`."""

    record: CallRecord
    room: str
    zero_s: float


async def hold_script(place: Surroundings, worker: Worker, script: Script) -> Held:
    """Raises `Torn`, `CallFailed`, `CallerError`, TimeoutError: a call that says nothing about the agent's turns."""
    room = new_name("scripts")
    try:
        token = caller_token(place, room, worker.agent_name)
        async with asyncio.timeout(CALL_LIMIT_S), Caller(place.livekit.url, token, name=CALLER) as caller:
            await caller.first_word(FIRST_WORD_LIMIT_S)
            await caller.quiet(REPLY_OVER_MS, timeout_s=QUIET_LIMIT_S)
            zero_s = time.perf_counter()
            cpu = psutil.cpu_times()
            words = await _talk(caller, script)
            await caller.quiet(LAST_QUIET_MS, timeout_s=QUIET_LIMIT_S)
            busy = round(busy_share(cpu, psutil.cpu_times()), 2)
            return Held(_record(caller, script, words, zero_s, busy), room, zero_s)
    finally:
        with contextlib.suppress(api.ServerError, aiohttp.ClientError, TimeoutError):
            await leave_nothing(place, room, after_s=OWN_END_S)


async def _talk(caller: Caller, script: Script) -> list[Word]:
    words: list[Word] = []
    reply_at_s: float | None = None
    for number, turn in enumerate(script.turns):
        await _wait_before(caller, turn, reply_at_s)
        said = await _say(caller, turn.line, number, words)
        reply_at_s = await _answered(caller, said)
        if turn.aside and reply_at_s is not None:
            await asyncio.sleep(reply_at_s + turn.aside_ms / 1000 - time.perf_counter())
            await _say(caller, Line(turn.aside), None, words)
            await asyncio.sleep(APART_S)
    return words


async def _wait_before(caller: Caller, turn: Turn, reply_at_s: float | None) -> None:
    """Until the caller begins this turn: over the last reply, or behind it."""
    if turn.interrupts and reply_at_s is not None:
        await asyncio.sleep(reply_at_s + turn.after_ms / 1000 - time.perf_counter())
    else:
        await caller.quiet(max(float(turn.after_ms), REPLY_OVER_MS), timeout_s=QUIET_LIMIT_S)


async def _answered(caller: Caller, said: Spoken) -> float | None:
    """When a reply behind it began to sound; None without one. What it answers is judged later."""
    try:
        reply = await caller.reply(after=said, since=said.last_audible_sample_at, timeout_s=ANSWER_LIMIT_S)
    except CallerTimeout:
        if caller.disconnect_reason is not None:
            raise
        return None
    return reply.first_audible_at


async def _say(caller: Caller, line: Line, number: int | None, words: list[Word]) -> Spoken:
    recording = spoken(line)
    said = await caller.say(recording.pcm, RATE_HZ)
    if said.torn:
        raise Torn(f"{line.recording}: this process was too busy to speak without a gap")
    words += _words(recording, said, number)
    return said


def _words(recording: Recording, said: Spoken, number: int | None) -> list[Word]:
    at_s = said.first_sample_at
    return [Word(word.text, at_s + word.start_ms / 1000, at_s + word.end_ms / 1000, number) for word in recording.words]


def _record(caller: Caller, script: Script, words: list[Word], zero_s: float, busy: float) -> CallRecord:
    now_s = time.perf_counter()
    spans = [(begin, end or now_s) for track in caller.heard() for begin, end in track.spans()]
    said = [
        Transcript(text.began_at - zero_s, text.text, number_in(text.text))
        for text in caller.texts
        if text.topic == TRANSCRIPTION_TOPIC and text.identity != CALLER and text.text.strip()
    ]
    return CallRecord(
        script.number,
        script.seed,
        tuple(Word(w.text, round(w.begin_s - zero_s, 3), round(w.end_s - zero_s, 3), w.turn) for w in words),
        replies([(begin - zero_s, end - zero_s) for begin, end in spans], said),
        recognised=tuple(
            (round(text.began_at - zero_s, 3), text.text)
            for text in caller.texts
            if text.topic == TRANSCRIPTION_TOPIC and text.identity == CALLER and text.text.strip()
        ),
        busy=busy,
    )
