"""Another voice in the same call, warm before it is needed: its connection, its first words and its openers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from livekit.agents import get_job_context

from prewarm.greeting import SynthesisFailed
from turns.live_trim import trim_lead
from turns.opener_speech import speak_with_openers
from utils.logging_config import get_logger
from workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence

    from livekit import rtc
    from livekit.agents import tts

    from prewarm.greeting import Spoken
    from prewarm.pool import Lease

    Live = Callable[[AsyncIterable[str]], AsyncGenerator[rtc.AudioFrame]]

log = get_logger("second_voice")


class SecondVoice:
    """One call's, of the pools and memories that the worker's calls share: its first call has the sounds made.

    `voice` is the TTS's name for it; `clauses`, first clauses of what it will say, as in `Service.openers`.
    """

    def __init__(self, workshop: Workshop, voice: str, *, first_words: str, clauses: Sequence[str]) -> None:
        self._settings = workshop.kit.settings.model_copy(update={"tts_voice": voice})
        self._kit = workshop.kit
        self._speaker, self._openers = workshop.voice(self._settings)
        self._first_words = first_words
        self._clauses = clauses
        self._lease: Lease[tts.TTS[Any]] | None = None
        self._readying: asyncio.Task[None] | None = None

    def get_ready(self) -> None:
        """Have the sounds made, in the background; from then on the worker has them in memory."""
        if self._readying is None:
            self._readying = asyncio.create_task(self._ready(), name="second voice")

    def take(self) -> tts.TTS[Any]:
        """The voice, at once; one that is not warm opens its connection now. It goes back with `aclose`."""
        if self._lease is None:
            leased = self._kit.lease(self._settings)
            for other in (leased.stt, leased.llm, leased.vad):
                other.release()
            self._lease = leased.tts
            self._lease.warm()
        return self._lease.instance

    async def first_words(self) -> Spoken | None:
        """Their sound, as a rule from memory; None if it cannot be made."""
        try:
            return await self._kit.first_words(self._first_words, self._settings)
        except SynthesisFailed as error:
            log.warning("the second voice did not speak", reason=str(error))
            return None

    def speak(self, text: AsyncIterable[str], live: Live, *, last_reply: str) -> AsyncGenerator[rtc.AudioFrame]:
        """What `TurnPath.speak` is to the call's own voice; `live` is the framework's way to the sound of a reply."""

        def trimmed(words: AsyncIterable[str]) -> AsyncGenerator[rtc.AudioFrame]:
            return trim_lead(live(words))

        speech = trimmed if self._settings.trim_replies else live
        if self._openers is None:
            return speech(text)
        return speak_with_openers(text, speech, self._openers, speaker=self._speaker, last_reply=last_reply)

    def mark_broken(self, reason: str) -> None:
        """Have the next call get another instance."""
        if self._lease is not None:
            self._lease.mark_broken(reason)

    async def aclose(self) -> None:
        if self._readying is not None:
            self._readying.cancel()
            await asyncio.gather(self._readying, return_exceptions=True)
        if self._lease is not None:
            self._lease.release()

    async def _ready(self) -> None:
        await self.first_words()
        if self._openers is not None:
            await self._openers.fill(self._clauses, self._speaker)


def second_voice(voice: str, *, first_words: str, clauses: Sequence[str]) -> SecondVoice | None:
    """For the call that this runs in, closed with it. None with ISOLATION=process: there, nothing is shared."""
    context = get_job_context(required=False)
    workshop = None if context is None else context.proc.userdata.get("workshop")
    if context is None or not isinstance(workshop, Workshop):
        return None
    made = SecondVoice(workshop, voice, first_words=first_words, clauses=clauses)
    context.add_shutdown_callback(made.aclose)
    return made
