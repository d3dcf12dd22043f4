"""What one worker process makes once and all its calls share: the kit, and the openers that its agents have learned."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit.plugins import soniox

from config import load_settings
from prewarm.kit import Kit, timed
from turns.finalizing_stt import FinalizingSTT
from turns.first_clause import FirstClauseTokenizer
from turns.handling import soniox_options
from turns.openers import Openers, Speaker
from turns.profiles import turn_profile
from turns.vad import VadFactory
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livekit.agents import JobContext, JobProcess

    from config import Settings
    from prewarm.kit import WarmStep
    from service import Service


log = get_logger("accounts")


@dataclass(frozen=True)
class Workshop:
    """Made on a running loop; `open` warms it."""

    kit: Kit
    openers: Openers

    def voice(self, settings: Settings) -> tuple[Speaker, Openers | None]:
        """Who speaks in a call with `settings`, and from which memory: None without OPENERS."""
        speak = functools.partial(self.kit.clause, settings=settings)
        return Speaker(settings.tts_voice, settings.tts_model, speak), self.openers if settings.openers else None

    async def open(self, greetings: Sequence[str], openers: Sequence[str]) -> list[WarmStep]:
        """Warm everything, and have the sound of `greetings` and of replies' first clauses ready."""
        steps = await self.kit.open(list(greetings))
        speaker, memory = self.voice(self.kit.settings)
        if memory is not None and openers:
            # After the rest, with the warm voices: before them it would make cold ones.
            steps.append(await timed("openers", memory.fill(openers, speaker)))
        return steps

    async def prepare(self, settings: Settings, greeting: str) -> None:
        """Have the sound of `greeting` ready for calls with `settings`. Raises `SynthesisFailed`."""
        if settings.greeting_cache != "off":
            await self.kit.greeting(greeting, settings)

    async def aclose(self) -> None:
        await self.openers.aclose()
        await self.kit.aclose()


def build_workshop(settings: Settings, *, vads: VadFactory | None = None, size: int | None = None) -> Workshop:
    """Not yet warm. Needs a running loop. `size`: instances of each provider, POOL_SIZE by default."""
    detectors = vads or VadFactory(turn_profile(settings))
    kit = Kit(
        settings,
        make_vad=lambda call: detectors.of(turn_profile(call)).make(),
        stt_options=lambda call: soniox_options(call, turn_profile(call)),
        stt_kind=lambda call: FinalizingSTT if call.early_finalize else soniox.STT,
        tokenizer=lambda call: FirstClauseTokenizer() if call.first_clause else None,
        size=size,
    )
    return Workshop(kit, Openers())


async def workshop_of(service: Service, context: JobContext) -> Workshop:
    """The one that the calls of this process share; with ISOLATION=process the one call's own, made now."""
    shared = context.proc.userdata.get("workshop")
    if isinstance(shared, Workshop):
        return shared
    # This process serves one call, so it gets one of each, and only the account that is called.
    settings = load_settings()
    own = build_workshop(settings, vads=context.proc.userdata["vads"], size=1)
    context.add_shutdown_callback(own.aclose)
    if service.accounts is not None:
        try:
            await service.accounts.open(settings.model_copy(update={"accounts_preload": 0}), own.prepare)
        except Exception as error:  # noqa: BLE001  # the service's own words answer
            log.warning("the accounts did not open", reason=type(error).__name__)
    return own


def prepare_process(process: JobProcess) -> None:
    """The setup function of ISOLATION=process: there is no loop yet, so only the weights are loaded."""
    process.userdata["vads"] = VadFactory(turn_profile(load_settings()))
