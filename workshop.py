"""What one worker process makes once and all its calls share: the kit, and the openers that its agents have learned."""

from __future__ import annotations

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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livekit.agents import JobProcess

    from config import Settings
    from prewarm.kit import WarmStep


@dataclass(frozen=True)
class Workshop:
    """Made on a running loop; `open` warms it. Without OPENERS no opener is kept."""

    kit: Kit
    openers: Openers | None
    speaker: Speaker

    async def open(self, greetings: Sequence[str], openers: Sequence[str]) -> list[WarmStep]:
        """Warm everything, and have the sound of `greetings` and of replies' first clauses ready."""
        steps = await self.kit.open(list(greetings))
        if self.openers is not None and openers:
            # After the rest, with the warm voices: before them it would make cold ones.
            steps.append(await timed("openers", self.openers.fill(openers, self.speaker)))
        return steps

    async def aclose(self) -> None:
        if self.openers is not None:
            await self.openers.aclose()
        await self.kit.aclose()


def build_workshop(settings: Settings, *, vads: VadFactory | None = None, size: int | None = None) -> Workshop:
    """Not yet warm. Needs a running loop. `size`: instances of each provider, POOL_SIZE by default."""
    profile = turn_profile(settings)
    kit = Kit(
        settings,
        make_vad=(vads or VadFactory(profile)).make,
        stt_options=soniox_options(settings, profile),
        stt_kind=FinalizingSTT if settings.early_finalize else soniox.STT,
        tokenizer=FirstClauseTokenizer() if settings.first_clause else None,
        size=size,
    )
    return Workshop(
        kit,
        Openers() if settings.openers else None,
        Speaker(settings.tts_voice, settings.tts_model, kit.clause),
    )


def prepare_process(process: JobProcess) -> None:
    """The setup function of ISOLATION=process: there is no loop yet, so only the weights are loaded."""
    process.userdata["vads"] = VadFactory(turn_profile(load_settings()))
