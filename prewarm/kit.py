"""Everything that is ready before a caller comes, and the steps that make it so."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit.agents import APIConnectOptions, llm, stt, tokenize, tts, vad
from livekit.plugins import soniox

from prewarm.greeting import (
    Greeting,
    GreetingCache,
    GreetingKey,
    SynthesisFailed,
    greetings_kept,
    synthesize,
)
from prewarm.greeting_store import GreetingStore
from prewarm.http_clients import HttpClients
from prewarm.pools import Pools
from prewarm.providers import TTS_SAMPLE_RATE_HZ, make_llm, make_stt, make_tts, tts_sound
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from config import Settings
    from prewarm.greeting import Speak, Spoken
    from prewarm.greeting_under_way import SoundSoFar
    from prewarm.pool import Lease
    from utils.audio import Pcm

log = get_logger("prewarm")

# The settings by which instances differ; what comes from PROFILE is in it.
_TURN_FIELDS = ("profile", "min_endpointing_delay", "max_endpointing_delay", "interruption_threshold")
STT_FIELDS = (
    "stt_model",
    "language_hints",
    "early_finalize",
    "stt_max_endpoint_delay_ms",
    "stt_endpoint_sensitivity",
    "stt_endpoint_latency_level",
    *_TURN_FIELDS,
)
TTS_FIELDS = ("tts_voice", "tts_model", "first_clause")
LLM_FIELDS = ("llm_model", "max_tokens")
VAD_FIELDS = _TURN_FIELDS

REFRESH_INTERVAL_S = 50.0  # below the 60 s after which common load balancers drop an idle connection


@dataclass(frozen=True)
class WarmStep:
    """One step of the warm-up: how long it took, and why it failed if it did."""

    name: str
    took_ms: float
    failed: str | None = None


@dataclass
class Components:
    """What one call leases. `release` gives all of it back; it may be called any number of times."""

    stt: Lease[stt.STT[Any]]
    tts: Lease[tts.TTS[Any]]
    llm: Lease[llm.LLM[Any]]
    vad: Lease[vad.VAD]

    def providers(self) -> dict[str, Any]:
        """The instances by kind, as `Agent.update_options` names them."""
        return {"stt": self.stt.instance, "tts": self.tts.instance, "llm": self.llm.instance}

    def swap(self, broken: object, reason: str) -> None:
        """Replace the member that is `broken` by another of its pool. Unknown: nothing changes."""
        for kind in ("stt", "tts", "llm"):
            lease: Lease[Any] = getattr(self, kind)
            if lease.instance is broken:
                lease.mark_broken(reason)
                setattr(self, kind, lease.another())
                lease.release()

    def warm(self) -> None:
        """Have what was made for this call open its connections, behind it: its pool had none that was ready."""
        self.tts.warm()

    def release(self) -> None:
        for lease in (self.stt, self.tts, self.llm, self.vad):
            lease.release()


class Kit:
    """The pools, the connections and the greetings of one worker process. Made on a running loop.

    A call may have `Settings` of its own: each `settings` below is such a copy of the worker's.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        make_vad: Callable[[Settings], vad.VAD],
        stt_options: Callable[[Settings], soniox.STTOptions],
        stt_kind: Callable[[Settings], type[soniox.STT]] = lambda _: soniox.STT,
        tokenizer: Callable[[Settings], tokenize.SentenceTokenizer | None] = lambda _: None,
        size: int | None = None,
    ) -> None:
        self.settings = settings
        self.clients = HttpClients(settings)
        self.conn_options = APIConnectOptions(
            max_retry=settings.max_retries, retry_interval=0.3, timeout=settings.http_timeout
        )
        kept = greetings_kept(settings.accounts_preload)
        self.greetings = GreetingCache(store=_greeting_store(settings), max_greetings=kept)
        count = settings.pool_size if size is None else size
        self._stts: Pools[stt.STT[Any]] = Pools(
            "stt",
            settings,
            fields=STT_FIELDS,
            size=count,
            close=_close,
            make=lambda call: make_stt(call, self.clients, stt_options(call), stt_kind(call)),
        )
        self._ttss: Pools[tts.TTS[Any]] = Pools(
            "tts",
            settings,
            fields=TTS_FIELDS,
            size=count,
            close=_close,
            warm=_prewarm,
            make=lambda call: make_tts(call, self.clients, tokenizer(call)),
        )
        self._llms: Pools[llm.LLM[Any]] = Pools(
            "llm",
            settings,
            fields=LLM_FIELDS,
            size=count,
            close=_close,
            warm=_prewarm,
            make=lambda call: make_llm(call, self.clients),
        )
        self._vads: Pools[vad.VAD] = Pools(
            "vad", settings, fields=VAD_FIELDS, size=count, close=_nothing, make=make_vad
        )
        self.stt, self.tts, self.llm, self.vad = self._stts.own, self._ttss.own, self._llms.own, self._vads.own
        self._keeper: asyncio.Task[None] | None = None

    @property
    def leased(self) -> int:
        """Instances that calls have now."""
        return sum(pools.leased for pools in (self._stts, self._ttss, self._llms, self._vads))

    def greeting_key(self, text: str, settings: Settings | None = None) -> GreetingKey:
        """What the sound of `text` depends on, in memory and on disk."""
        call = settings or self.settings
        return GreetingKey(text, call.tts_voice, call.tts_model, tts_sound(call), trimmed=call.trim_greeting)

    async def open(self, greetings: list[str]) -> list[WarmStep]:
        """Warm everything at once. A step that fails is reported, not raised: a provider may be back later."""
        steps = [
            *await asyncio.gather(
                timed("stt", self.stt.fill()),
                timed("vad", self.vad.fill()),
                timed("llm", self._warm_llm()),
                timed("tts and greeting", self._warm_tts(greetings)),
            )
        ]
        if self.settings.freeze_garbage:
            # What is alive now lives as long as the worker: the collector need not walk it during a call.
            steps.append(await timed("garbage", asyncio.to_thread(_freeze_garbage)))
        self._keeper = asyncio.create_task(self._keep_warm(), name="keep warm")
        for step in steps:
            if step.failed:
                log.warning("warm-up step failed; calls will try again", step=step.name, reason=step.failed)
        return steps

    def lease(self, settings: Settings | None = None) -> Components:
        """Components for one call, at once."""
        call = settings or self.settings
        return Components(
            self._stts.of(call).lease(),
            self._ttss.of(call).lease(),
            self._llms.of(call).lease(),
            self._vads.of(call).lease(),
        )

    async def greeting(self, text: str, settings: Settings | None = None) -> Greeting:
        """The whole greeting, kept or by one voice and, if that fails, another. Raises `SynthesisFailed`."""
        call = settings or self.settings
        key, speak = self.greeting_key(text, call), self._speaker(call)
        if call.greeting_cache == "off":
            return await self.greetings.unkept(key, speak).whole()
        return await self.greetings.get(key, speak)

    async def first_words(self, text: str, settings: Settings | None = None) -> Spoken:
        """The same, but one that has to be spoken now comes as soon as its sound begins. Raises `SynthesisFailed`."""
        call = settings or self.settings
        if not call.stream_greeting:
            return await self.greeting(text, call)
        key, speak = self.greeting_key(text, call), self._speaker(call)
        if call.greeting_cache == "off":
            return await self.greetings.unkept(key, speak).soonest()
        return await self.greetings.soonest(key, speak)

    async def personal(self, text: str, settings: Settings | None = None) -> Greeting:
        """The sound of words for one caller: they name somebody, so they are kept nowhere. Raises `SynthesisFailed`."""
        return Greeting(text, await self._speak(text, settings or self.settings))

    async def clause(self, text: str, settings: Settings | None = None) -> Pcm:
        """The sound of a clause, as loud as live speech, without the silence around it. Raises `SynthesisFailed`."""
        return await self._speak(text, settings or self.settings, trim=True, level=False)

    async def aclose(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        await self.greetings.aclose()
        await asyncio.gather(*(pools.aclose() for pools in (self._stts, self._ttss, self._llms, self._vads)))
        await self.clients.aclose()

    async def _warm_llm(self) -> None:
        # The client's sub-clients are made on first touch, 15 ms that the first reply would pay.
        _ = self.clients.openai.chat.completions
        await asyncio.gather(self.clients.openai.models.list(), self.llm.fill())

    async def _warm_tts(self, greetings: list[str]) -> None:
        await self.tts.fill()
        if self.settings.greeting_cache != "off":
            await asyncio.gather(*(self.greeting(text) for text in greetings))

    def _speaker(self, call: Settings) -> Speak:
        async def speak(text: str, sound: SoundSoFar) -> Pcm:
            try:
                return await self._speak(text, call, sound=sound)
            except SynthesisFailed:
                return await self._speak(text, call, sound=sound)  # another voice of the pool

        return speak

    async def _speak(
        self,
        text: str,
        call: Settings,
        *,
        trim: bool | None = None,
        level: bool = True,
        sound: SoundSoFar | None = None,
    ) -> Pcm:
        trim = call.trim_greeting if trim is None else trim
        lease = self._ttss.of(call).lease()
        try:
            return await synthesize(text, lease.instance, self.conn_options, trim=trim, level=level, sound=sound)
        except SynthesisFailed:
            lease.mark_broken("it did not speak what is kept")
            raise
        finally:
            lease.release()

    async def _keep_warm(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_INTERVAL_S)
            await asyncio.gather(self._ttss.refresh(), self.clients.openai.models.list(), return_exceptions=True)


async def timed(name: str, work: Awaitable[object]) -> WarmStep:
    """`work`, and how long it took. A failure is in the step, not raised."""
    begin = time.perf_counter()
    failed = None
    try:
        await work
    except SynthesisFailed as error:
        failed = str(error)
    except Exception as error:  # noqa: BLE001  # a provider that is away must not keep the worker from starting
        failed = type(error).__name__  # the text may hold a key
    return WarmStep(name, (time.perf_counter() - begin) * 1000, failed)


def _greeting_store(settings: Settings) -> GreetingStore | None:
    if settings.greeting_cache != "disk":
        return None
    folder = settings.greeting_folder()
    if folder is None:
        log.warning("greetings are kept in memory only: there is no home folder; GREETING_CACHE_DIR can name one")
        return None
    return GreetingStore(folder, sample_rate_hz=TTS_SAMPLE_RATE_HZ)


def _freeze_garbage() -> None:
    gc.collect()
    gc.freeze()


async def _prewarm(instance: tts.TTS[Any] | llm.LLM[Any]) -> None:
    instance.prewarm()


async def _close(instance: stt.STT[Any] | tts.TTS[Any] | llm.LLM[Any]) -> None:
    await instance.aclose()


async def _nothing(_: object) -> None:
    """A detector owns nothing: its streams are closed by the session."""
