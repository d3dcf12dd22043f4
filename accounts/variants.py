"""An experiment, its variants, and which of them a caller gets: by weight, and always the same one."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

By = Literal["call", "caller", "account"]

DISPATCH_SETTINGS = ("parallel_stages", "voice_first")
"""They take effect before it is known who calls whom."""
CALL_SETTINGS = (
    *DISPATCH_SETTINGS,
    # the first word
    "greeting",
    "defer_phase_two",
    "greeting_cache",
    "trim_greeting",
    "stream_greeting",
    # models
    "llm_model",
    "stt_model",
    "tts_model",
    "tts_voice",
    "language_hints",
    "max_tokens",
    # turns
    "profile",
    "min_endpointing_delay",
    "max_endpointing_delay",
    "enable_interruptions",
    "interruption_threshold",
    "ignore_backchannels",
    "turn_detection",
    "noise_cancellation",
    "audio_frame_ms",
    # the reply
    "speculation",
    "early_finalize",
    "preemptive_tts",
    "first_clause",
    "trim_replies",
    "openers",
    "stt_max_endpoint_delay_ms",
    "stt_endpoint_sensitivity",
    "stt_endpoint_latency_level",
    # what is told
    "timeline_to_room",
)
"""Settings that a call can have of its own; all others are the worker's."""

_BITS = 53  # what a float holds exactly


@dataclass(frozen=True)
class Variant:
    """`weight` in percent; `settings` by field name, checked. Without any it is the service as it is."""

    name: str
    weight: float
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Experiment:
    """The first variant is the control, with which the others are compared."""

    name: str
    by: By
    variants: tuple[Variant, ...]
    enabled: bool = True

    def variant(self, name: str) -> Variant | None:
        return next((variant for variant in self.variants if variant.name == name), None)

    @cached_property
    def changes(self) -> frozenset[str]:
        """The settings that it decides."""
        return frozenset(name for variant in self.variants for name in variant.settings)

    @cached_property
    def at_dispatch(self) -> bool:
        return not self.changes.isdisjoint(DISPATCH_SETTINGS)

    @cached_property
    def definition(self) -> str:
        """Its fingerprint: calls under another one are not comparable. Switching it off and on leaves it as it is."""
        variants = [[each.name, each.weight, sorted(each.settings.items())] for each in self.variants]
        return _digest(json.dumps([self.by, variants], default=str), size=4).hex()

    def pick(self, unit: str) -> Variant:
        """The variant of a call, caller or account: of `unit` and the weights alone, on every machine.

        A race with one exponential clock a variant, at its weight's pace. Of two variants the smaller takes or gives
        just what it must; of more, one that grows takes its units from each of the others, whatever their order in
        the file is, where cumulated weights would shift all that come behind it.
        """
        return min((each for each in self.variants if each.weight > 0), key=lambda each: self._time(each, unit))

    def _time(self, variant: Variant, unit: str) -> float:
        drawn = int.from_bytes(_digest("\0".join((self.name, variant.name, unit)), size=8)) >> (64 - _BITS)
        return -math.log((drawn + 0.5) / 2**_BITS) / variant.weight


def pseudonym(caller: str) -> str:
    """A short name for a caller, the same for each call; too short to tell the number that it stands for."""
    return _digest(caller, size=4).hex()


def _digest(text: str, *, size: int) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=size).digest()
