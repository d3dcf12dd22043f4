"""One caller who listens closely: the words and the voice of the greeting, and of the answer to a question."""

from __future__ import annotations

import contextlib
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from livekit import api

from bench.accounts.asked import number_in
from bench.accounts.whose_voice import sound_since
from bench.measure import CallFailed, caller_token, leave_nothing
from rooms.tokens import new_name
from sim.caller import TRANSCRIPTION_TOPIC, Caller, CallerError, CallerTimeout
from sim.speech.library import RATE_HZ, load_speech

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from bench.workers import Surroundings
    from sim.caller import ReceivedText
    from sim.waveform import Pcm

CALLER = "caller"
FIRST_WORD_LIMIT_S = 20.0
TEXT_LIMIT_S = 20.0
REPLY_LIMIT_S = 20.0
QUIET_MS, QUIET_LIMIT_S = 600.0, 30.0
QUESTIONS = ("opening_hours", "time", "person", "who_are_you")
"""Each caller of a group has one of their own."""
TRIES = 2
FAILURES = (CallFailed, CallerError, TimeoutError, aiohttp.ClientError, api.ServerError)


@dataclass(frozen=True)
class Said:
    """What the agent said, by its transcript, and how it sounded (24 kHz)."""

    words: str
    sound: Pcm


class Visit:
    """A call that is on. What is asked of it raises one of FAILURES if the agent does not do it."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._texts = 0

    async def greeted(self) -> Said:
        """The greeting, when it is over."""
        await self._caller.first_word(FIRST_WORD_LIMIT_S)
        return await self._said(self._caller.connect_called_at or 0.0, lambda text: bool(text.strip()))

    async def ask(self, question: str) -> tuple[int, Said]:
        """The number of the answer to it, and the answer. Said once more if the recogniser cannot have heard it."""
        recording = load_speech()[question]
        for _ in range(TRIES):
            said = await self._caller.say(recording.pcm, RATE_HZ)
            try:
                reply = await self._caller.reply(after=said, timeout_s=REPLY_LIMIT_S)
            except CallerTimeout:
                if said.torn and self._caller.disconnect_reason is None:
                    continue
                raise
            answer = await self._said(reply.first_audible_at - 0.01, lambda text: number_in(text) is not None)
            number = number_in(answer.words)
            assert number is not None
            return number, answer
        raise CallFailed(f"{question}: this process was too busy to speak without a gap")

    async def _said(self, since_s: float, matches: Callable[[str], bool]) -> Said:
        """The next finished text of the agent, and what sounded since then."""
        text = await self._caller.text(
            lambda each: (
                any(each is new for new in self._agents()[self._texts :]) and each.final and matches(each.text)
            ),
            timeout_s=TEXT_LIMIT_S,
            what="the agent's words",
        )
        await self._caller.quiet(QUIET_MS, timeout_s=QUIET_LIMIT_S)
        self._texts = len(self._agents())
        return Said(text.text.strip(), sound_since(self._caller, since_s))

    def _agents(self) -> list[ReceivedText]:
        return [text for text in self._caller.texts if text.topic == TRANSCRIPTION_TOPIC and text.identity != CALLER]


@asynccontextmanager
async def visit(place: Surroundings, agent_name: str, account_id: str) -> AsyncGenerator[Visit]:
    """A call for an account, named in the job's metadata. Raises one of FAILURES if it cannot be begun."""
    room = new_name("accounts")
    token = caller_token(place, room, agent_name, metadata(account_id))
    try:
        async with Caller(place.livekit.url, token, name=CALLER) as caller:
            yield Visit(caller)
    finally:
        with contextlib.suppress(api.ServerError, aiohttp.ClientError, TimeoutError):
            await leave_nothing(place, room)


def metadata(account_id: str) -> str:
    return json.dumps({"account": account_id})


def told(error: BaseException) -> str:
    """What went wrong with a call, in a line."""
    return str(error) or type(error).__name__
