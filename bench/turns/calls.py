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
from bench.turns.corpus import BARGE_IN, ECHO_DELAY_MS, LONG_NOISE_MS, LONG_QUESTION, recording
from bench.turns.dialogue import LONG_AT_LEAST_S, is_part_answer
from bench.turns.hearing import Noise, heard_s, inner_stops, stop_ms, stopped_for, stretches
from bench.turns.plan import IN_TURN
from bench.turns.results import BargeIn, Cost, Disturbance, EchoReply, LongReply, Turn
from observe.room_feed import TOPIC
from rooms.tokens import new_name
from sim.caller import TRANSCRIPTION_TOPIC, Caller, CallerError, CallerTimeout
from sim.echo import Echo
from sim.speech.library import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from bench.turns.corpus import Script
    from bench.turns.hearing import Stretch
    from bench.turns.plan import BargePlan, PlannedCall
    from bench.turns.results import Part, SideResult
    from bench.workers import Surroundings, Worker
    from sim.caller import Reply
    from sim.microphone import Spoken

    Floor = contextlib.AbstractAsyncContextManager[None]

CALLER = "caller"
TRIES = 3
REPLY_LIMIT_S = 12.0
SECOND_REPLY_S = 6.0
QUIET_LIMIT_S = 60.0
CALL_LIMIT_S = 400.0
STAGGER_S = 1.5
"""Between the starts of calls that are held at once: three joins in one moment are no usual load."""
SHORT_QUIET_MS = 800.0
QUIET_MS = 1500.0
"""Where a caller was cut off, or an answer was for a part: longer than the wait for an answer to the rest."""
LONG_QUIET_MS = 2500.0
"""Where a reply has not come to its end: longer than a pause after a false interruption."""
FIRST_NOISE_S = 1.5
FIRST_LONG_NOISE_S = 1.0
NOISE_EVERY_S = 4.0
JUST_BEFORE_S = 0.02
STILL_S = 1.0
LEAVING_S = 0.5
"""What a worker does after a call is then over."""
ECHO_QUIET_MS = 5000.0
"""Where a reply was broken off: longer than the wait for an answer to its own words."""
ECHO_LIMIT_S = 40.0
"""An agent that has talked to itself for so long would go on."""


async def hold_call(place: Surroundings, worker: Worker, planned: PlannedCall, result: SideResult) -> None:
    """One call, as `hold_calls` does."""
    await hold_calls(place, worker, (planned,), result)


async def hold_calls(place: Surroundings, worker: Worker, planned: Sequence[PlannedCall], result: SideResult) -> None:
    """Calls of one part, at once; what they bring and failures are put into `result`.

    What was measured before a failure stays. The cost is that of all of them, and of none if one has failed: the
    providers count for all together.
    """
    part, torn_before = planned[0].part, result.torn
    floor = asyncio.Lock() if part == IN_TURN else _Open()
    try:
        before = await _counts(place)
        held = await asyncio.gather(
            *(_hold(place, worker, each, result, floor, number * STAGGER_S) for number, each in enumerate(planned))
        )
        after = await _counts(place)
    except (TimeoutError, aiohttp.ClientError) as error:
        result.failed.append(f"{part}: the providers do not tell what they counted: {error}")
        return
    done = [each for each in held if each is not None]
    if len(done) == len(planned):
        sentences = sum(said for said, _ in done) + result.torn - torn_before
        told = [after[name] - before[name] for name in before]
        result.costs.append(Cost(part, sentences, sum(talk_s for _, talk_s in done), *told))


@contextlib.asynccontextmanager
async def _leaving(caller: Caller) -> AsyncGenerator[Caller]:
    """Not joined yet; hangs up at the end, whatever happens."""
    try:
        yield caller
    finally:
        await caller.hang_up()


class _Open:
    """A floor that all may have."""

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


async def _hold(
    place: Surroundings,
    worker: Worker,
    planned: PlannedCall,
    result: SideResult,
    floor: Floor,
    after_s: float,
) -> tuple[int, float] | None:
    """How many sentences were said, and for how long the call was talked in; None if it failed.

    What takes time of the cores or is measured is done by who has the floor.
    """
    await asyncio.sleep(after_s)
    room, began_at = new_name("turns"), time.perf_counter()
    echo = None if planned.echo_db is None else Echo(planned.echo_db, ECHO_DELAY_MS)
    try:
        token = caller_token(place, room, worker.agent_name)
        topics = (TRANSCRIPTION_TOPIC, TOPIC)
        async with (
            asyncio.timeout(CALL_LIMIT_S),
            _leaving(Caller(place.livekit.url, token, name=CALLER, text_topics=topics, echo=echo)) as caller,
        ):
            async with floor:
                await caller.connect()
                await hear_greeting(caller)
                if planned.part == IN_TURN:
                    await worker.quiet()  # it has made ready for the next call
            talk_at = time.perf_counter()
            sentences = await _talk(caller, planned, result, floor)
            talked_s = time.perf_counter() - talk_at
            async with floor:
                await caller.hang_up()
                await leave_nothing(place, room)
                await asyncio.sleep(LEAVING_S)
            return sentences, talked_s
    except (CallFailed, CallerError, TimeoutError, aiohttp.ClientError) as error:
        result.failed.append(f"{planned.part}: {str(error) or f'not over after {CALL_LIMIT_S:g} s'}")
        return None
    finally:
        with contextlib.suppress(api.ServerError, aiohttp.ClientError, TimeoutError):
            await leave_nothing(place, room)
        result.call_s += time.perf_counter() - began_at


async def _talk(caller: Caller, planned: PlannedCall, result: SideResult, floor: Floor) -> int:
    """How many sentences the caller said that want an answer."""
    for script in planned.scripts:
        result.turns.append(await _turn(caller, planned.part, script, result, floor))
    for barge_in in planned.barge_ins:
        result.barge_ins.append(await _barge_in(caller, barge_in, result))
    alone = 0
    for names in planned.noises:
        whole_s = _whole_s(result)
        if whole_s is None:
            undisturbed = await _long_reply(caller, (), 0.0)
            result.long_replies.append(undisturbed)
            whole_s, alone = undisturbed.heard_s, 1
        result.long_replies.append(await _long_reply(caller, names, whole_s))
    echoed = 0
    while planned.echo_db is not None and echoed < planned.echo_replies:
        reply, is_over = await _echo_reply(caller, planned.echo_db)
        result.echo_replies.append(reply)
        echoed += 1
        if not is_over:
            break
    return len(planned.scripts) + 2 * len(planned.barge_ins) + len(planned.noises) + alone + echoed


async def _turn(caller: Caller, part: Part, script: Script, result: SideResult, floor: Floor) -> Turn:
    for _ in range(TRIES):
        async with floor:
            said = await _say(caller, script.recording)
            reply = await _reply(caller, said)
        turn = await _heard(caller, part, script, said, reply)
        if not said.torn:
            return turn
        result.torn += 1
    raise CallFailed(f"{script.recording}: this process was too busy to speak without a gap, {TRIES} times")


async def _reply(caller: Caller, said: Spoken) -> Reply | None:
    """None if nothing is heard."""
    try:
        return await caller.reply(after=said, timeout_s=REPLY_LIMIT_S)
    except CallerTimeout:
        if caller.disconnect_reason is not None:
            raise
        return None


async def _heard(caller: Caller, part: Part, script: Script, said: Spoken, reply: Reply | None) -> Turn:
    if reply is None:
        return Turn(part, script.recording, script.pause_ms, "lost", replies=_replies(caller, said))
    is_cut_off = reply.gap_ms < 0
    if is_cut_off:
        # What the caller says after all is answered too, or the next turn would be taken for cut off.
        with contextlib.suppress(CallerTimeout):
            await caller.reply(after=said, since=said.last_audible_sample_at, timeout_s=SECOND_REPLY_S)
    await caller.quiet(SHORT_QUIET_MS, timeout_s=QUIET_LIMIT_S)
    replies = _replies(caller, said)
    if script.pause_ms is not None and (is_cut_off or not replies or is_part_answer(replies[-1])):
        await caller.quiet(QUIET_MS, timeout_s=QUIET_LIMIT_S)
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
    _, begin_s = await _ask_at_length(caller)
    made: list[Noise] = []
    for number, name in enumerate(names):
        noise = recording(name)
        first_s = FIRST_LONG_NOISE_S if noise.duration_ms >= LONG_NOISE_MS else FIRST_NOISE_S
        await asyncio.sleep(begin_s + first_s + number * NOISE_EVERY_S - time.perf_counter())
        if not _is_speaking(caller):
            break
        said = await caller.say(noise.pcm, RATE_HZ)
        made.append(Noise(name, said.first_audible_sample_at, said.last_audible_sample_at))
    await _hear_out(caller, begin_s, LONG_QUIET_MS, QUIET_LIMIT_S)
    heard = _stretches(caller, begin_s)
    stopped = stopped_for(made, heard, whole_s)
    disturbances = tuple(
        Disturbance(noise.name, each.silent_s * 1000, each.broken_off)
        for noise, each in zip(made, stopped, strict=True)
    )
    return LongReply(disturbances, heard_s(heard), len(inner_stops(heard)))


def _whole_s(result: SideResult) -> float | None:
    """How long the long reply is heard when nothing disturbs it; None before that was measured."""
    alone = [reply.heard_s for reply in result.long_replies if not reply.noises]
    return max(alone, default=None)


async def _hear_out(caller: Caller, begin_s: float, quiet_ms: float, limit_s: float) -> None:
    """Until a long reply is over; one that is too short may go on within `quiet_ms`."""
    await caller.quiet(SHORT_QUIET_MS, timeout_s=limit_s)
    if heard_s(_stretches(caller, begin_s)) < LONG_AT_LEAST_S:
        await caller.quiet(quiet_ms, timeout_s=limit_s)


async def _echo_reply(caller: Caller, loss_db: float) -> tuple[EchoReply, bool]:
    """Also whether the agent has fallen silent in the end."""
    try:
        asked, begin_s = await _ask_at_length(caller)
    except CallerTimeout:
        if caller.disconnect_reason is not None:
            raise
        return EchoReply(loss_db, 0.0, 0, whole=False, answers=0), False
    is_over = True
    try:
        await _hear_out(caller, begin_s, ECHO_QUIET_MS, ECHO_LIMIT_S)
    except CallerTimeout:
        if caller.disconnect_reason is not None:
            raise
        is_over = False
    heard, replies = _stretches(caller, begin_s), _replies(caller, asked)
    stops, answers = len(inner_stops(heard)), max(len(replies) - 1, 0)
    whole = bool(heard) and heard_s(heard) >= LONG_AT_LEAST_S
    return EchoReply(loss_db, heard_s(heard), stops, whole, answers), is_over


async def _barge_in(caller: Caller, planned: BargePlan, result: SideResult) -> BargeIn:
    for _ in range(TRIES):
        _, begin_s = await _ask_at_length(caller)
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


async def _ask_at_length(caller: Caller) -> tuple[Spoken, float]:
    """Ask what is answered at length; what was said, and when the answer's first audible sample came."""
    said = await _say(caller, LONG_QUESTION)
    reply = await caller.reply(after=said, since=said.last_audible_sample_at, timeout_s=REPLY_LIMIT_S)
    return said, reply.first_audible_at


async def _say(caller: Caller, name: str) -> Spoken:
    return await caller.say(recording(name).pcm, RATE_HZ)


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
