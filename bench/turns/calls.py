"""One call of the benchmark, measured at the caller: sentences, long replies with noises, and interruptions."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

import aiohttp
from livekit import api

from bench.measure import CallFailed, caller_token, hear_greeting, leave_nothing
from bench.residuals import message
from bench.turns.corpus import BARGE_IN, LONG_NOISE_MS, LONG_QUESTION, recordings
from bench.turns.dialogue import is_part_answer
from bench.turns.hearing import Noise, heard_s, inner_stops, stop_ms, stopped_for, stretches
from bench.turns.results import BargeIn, Cost, Disturbance, LongReply, Turn
from observe.room_feed import TOPIC
from rooms.tokens import new_name
from sim.caller import TRANSCRIPTION_TOPIC, Caller, CallerError, CallerTimeout
from sim.speech.library import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.turns.corpus import Script
    from bench.turns.hearing import Stretch
    from bench.turns.plan import BargePlan, PlannedCall
    from bench.turns.results import Part, SideResult
    from bench.workers import Surroundings, Worker
    from sim.microphone import Spoken

CALLER = "caller"
TRIES = 3
REPLY_LIMIT_S = 12.0
SECOND_REPLY_S = 6.0
QUIET_LIMIT_S = 60.0
CALL_LIMIT_S = 240.0
SHORT_QUIET_MS = 800.0
QUIET_MS = 1500.0
"""Where a caller was perhaps cut off: longer than the wait for an answer to the rest."""
LONG_QUIET_MS = 2500.0
"""Longer than a pause after a false interruption."""
FIRST_NOISE_S = 1.5
FIRST_LONG_NOISE_S = 1.0
NOISE_EVERY_S = 4.0
JUST_BEFORE_S = 0.02
STILL_S = 1.0


async def hold_call(place: Surroundings, worker: Worker, planned: PlannedCall, result: SideResult) -> None:
    """One call; what it brings and a failure are put into `result`. What was measured before a failure stays."""
    room, began_at = new_name("turns"), time.perf_counter()
    said_before = result.torn
    try:
        token = caller_token(place, room, worker.agent_name)
        topics = (TRANSCRIPTION_TOPIC, TOPIC)
        async with (
            asyncio.timeout(CALL_LIMIT_S),
            Caller(place.livekit.url, token, name=CALLER, text_topics=topics) as caller,
        ):
            await hear_greeting(caller)
            before = await _counts(place)
            talk_at = time.perf_counter()
            sentences = await _talk(caller, planned, result) + result.torn - said_before
            after, duration_s = await _counts(place), time.perf_counter() - talk_at
        told = [after[name] - before[name] for name in before]
        result.costs.append(Cost(planned.part, sentences, duration_s, *told))
    except (CallFailed, CallerError, TimeoutError, aiohttp.ClientError) as error:
        result.failed.append(f"{planned.part}: {str(error) or f'not over after {CALL_LIMIT_S:g} s'}")
    finally:
        with contextlib.suppress(api.ServerError, aiohttp.ClientError, TimeoutError):
            await leave_nothing(place, room)
        result.call_s += time.perf_counter() - began_at


async def _talk(caller: Caller, planned: PlannedCall, result: SideResult) -> int:
    """How many sentences the caller said that want an answer."""
    for script in planned.scripts:
        result.turns.append(await _turn(caller, planned.part, script, result))
    for barge_in in planned.barge_ins:
        result.barge_ins.append(await _barge_in(caller, barge_in, result))
    if planned.noises:
        alone = await _long_reply(caller, (), 0.0)
        result.long_replies += [alone, *[await _long_reply(caller, each, alone.heard_s) for each in planned.noises]]
    return len(planned.scripts) + 2 * len(planned.barge_ins) + len(planned.noises) + bool(planned.noises)


async def _turn(caller: Caller, part: Part, script: Script, result: SideResult) -> Turn:
    for _ in range(TRIES):
        said = await _say(caller, script.recording)
        turn = await _heard(caller, part, script, said)
        if not said.torn:
            return turn
        result.torn += 1
    raise CallFailed(f"{script.recording}: this process was too busy to speak without a gap, {TRIES} times")


async def _heard(caller: Caller, part: Part, script: Script, said: Spoken) -> Turn:
    try:
        reply = await caller.reply(after=said, timeout_s=REPLY_LIMIT_S)
    except CallerTimeout:
        if caller.disconnect_reason is not None:
            raise
        return Turn(part, script.recording, script.pause_ms, "lost", replies=_replies(caller, said))
    is_cut_off = reply.gap_ms < 0
    if is_cut_off:
        # What the caller says after all is answered too, or the next turn would be taken for cut off.
        with contextlib.suppress(CallerTimeout):
            await caller.reply(after=said, since=said.last_audible_sample_at, timeout_s=SECOND_REPLY_S)
    await caller.quiet(SHORT_QUIET_MS if script.pause_ms is None else QUIET_MS, timeout_s=QUIET_LIMIT_S)
    replies = _replies(caller, said)
    return Turn(
        part,
        script.recording,
        script.pause_ms,
        "cut off" if is_cut_off else "answered",
        gap_ms=None if is_cut_off else reply.gap_ms,
        early_ms=-reply.gap_ms if is_cut_off else None,
        replies=replies,
        to_a_part=bool(replies) and is_part_answer(replies[-1]),
        opener=_opener(caller, said),
    )


async def _long_reply(caller: Caller, names: Sequence[str], whole_s: float) -> LongReply:
    """`whole_s`: how long such a reply is heard when nothing disturbs it."""
    begin_s = await _ask_at_length(caller)
    made: list[Noise] = []
    for number, name in enumerate(names):
        recording = recordings()[name]
        first_s = FIRST_LONG_NOISE_S if recording.duration_ms >= LONG_NOISE_MS else FIRST_NOISE_S
        await asyncio.sleep(begin_s + first_s + number * NOISE_EVERY_S - time.perf_counter())
        if not _is_speaking(caller):
            break
        said = await caller.say(recording.pcm, RATE_HZ)
        made.append(Noise(name, said.first_audible_sample_at, said.last_audible_sample_at))
    await caller.quiet(LONG_QUIET_MS, timeout_s=QUIET_LIMIT_S)
    heard = _stretches(caller, begin_s)
    stopped = stopped_for(made, heard, whole_s)
    disturbances = tuple(Disturbance(noise.name, each) for noise, each in zip(made, stopped, strict=True))
    return LongReply(disturbances, heard_s(heard), len(inner_stops(heard)))


async def _barge_in(caller: Caller, planned: BargePlan, result: SideResult) -> BargeIn:
    for _ in range(TRIES):
        begin_s = await _ask_at_length(caller)
        await asyncio.sleep(begin_s + planned.after_s - time.perf_counter())
        said = await _say(caller, BARGE_IN)
        answered = True
        try:
            await caller.reply(after=said, since=said.last_audible_sample_at, timeout_s=REPLY_LIMIT_S)
        except CallerTimeout:
            answered = False
        await caller.quiet(QUIET_MS, timeout_s=QUIET_LIMIT_S)
        stopped_ms = stop_ms(_stretches(caller, begin_s), said.first_audible_sample_at)
        if stopped_ms is not None and not said.torn:
            return BargeIn(planned.when, stopped_ms, answered)
        result.torn += said.torn
    raise CallFailed(f"barge-in, {planned.when}: the agent was silent when the caller spoke, {TRIES} times")


async def _ask_at_length(caller: Caller) -> float:
    """Ask what is answered at length; when the answer's first audible sample came."""
    said = await _say(caller, LONG_QUESTION)
    reply = await caller.reply(after=said, since=said.last_audible_sample_at, timeout_s=REPLY_LIMIT_S)
    return reply.first_audible_at


async def _say(caller: Caller, name: str) -> Spoken:
    return await caller.say(recordings()[name].pcm, RATE_HZ)


def _is_speaking(caller: Caller) -> bool:
    """Sound now or just before: a noise after the reply's end disturbs nothing."""
    last = max((at for track in caller.heard() if (at := track.last_audible_at)), default=0.0)
    return any(track.sounding for track in caller.heard()) or time.perf_counter() - last < STILL_S


def _stretches(caller: Caller, begin_s: float) -> list[Stretch]:
    spans = [span for track in caller.heard() for span in track.spans()]
    return stretches(spans, begin_s - JUST_BEFORE_S, time.perf_counter())


def _replies(caller: Caller, said: Spoken) -> tuple[str, ...]:
    """The agent's own transcript since the caller began to speak."""
    return tuple(
        text.text
        for text in caller.texts
        if text.topic == TRANSCRIPTION_TOPIC
        and text.identity != CALLER
        and text.began_at >= said.first_sample_at
        and text.text.strip()
    )


def _opener(caller: Caller, said: Spoken) -> bool | None:
    """From the turn's record, which this project's agent sends when its reply is over."""
    records = (message(text, TOPIC) for text in caller.texts if text.began_at >= said.first_sample_at)
    turns = [record for record in records if record is not None and record["kind"] == "turn"]
    return turns[-1].get("opener") if turns else None


async def _counts(place: Surroundings) -> dict[str, int]:
    """What the providers have counted so far: LLM requests, its tokens, characters for the TTS."""
    async with aiohttp.ClientSession() as session, session.get(place.providers.stats_url) as answer:
        stats: dict[str, dict[str, Any]] = await answer.json()
    return {
        "llm_calls": int(stats["openai"]["requests"]),
        "llm_tokens": int(stats["openai"]["tokens"]),
        "tts_characters": int(stats["elevenlabs"]["characters"]),
    }
