"""How long a simulated provider takes, as data: one distribution for each wait that a caller can hear."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Literal, Protocol

ProfileName = Literal["fixed", "published"]

_Z95 = 1.6448536269514722
"""Standard normal quantile at 0.95: joins the two published quantiles to the log-normal's sigma."""


class Latency(Protocol):
    """One wait. Each draw is a new, independent duration in milliseconds, never negative."""

    def draw_ms(self) -> float: ...


@dataclass(frozen=True)
class Fixed:
    """Always the same wait: for tests, and for comparing two runs without luck."""

    ms: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.ms) and self.ms >= 0):
            raise ValueError(f"Fixed.ms must be a finite number >= 0, got {self.ms}")

    def draw_ms(self) -> float:
        return self.ms


@dataclass(frozen=True)
class LogNormal:
    """A skewed wait with a long right tail, given by its median and its 95th percentile.

    The same seed gives the same sequence. Two instances never share a sequence's state.
    """

    p50_ms: float
    p95_ms: float
    seed: int
    _random: random.Random = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.p95_ms) and 0 < self.p50_ms <= self.p95_ms):
            raise ValueError(f"LogNormal needs 0 < p50_ms <= p95_ms, got p50_ms={self.p50_ms}, p95_ms={self.p95_ms}")
        object.__setattr__(self, "_random", random.Random(self.seed))

    def draw_ms(self) -> float:
        sigma = math.log(self.p95_ms / self.p50_ms) / _Z95
        return self._random.lognormvariate(math.log(self.p50_ms), sigma)


@dataclass(frozen=True)
class SonioxLatency:
    """Speech to text, measured from the audio that it is about.

    `interim_lag`: a word's end -> its first non-final token. `endpoint_wait`: the last sound -> the decision
    that the speaker is done. `final`: that decision (or a `finalize`) -> the final tokens.
    The two probabilities are per word: an interim is revised later; a final differs from its last interim.
    """

    interim_lag: Latency
    endpoint_wait: Latency
    final: Latency
    interim_revision_probability: float
    final_rewrite_probability: float
    seed: int

    def __post_init__(self) -> None:
        for name in ("interim_revision_probability", "final_rewrite_probability"):
            value: float = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"SonioxLatency.{name} must be between 0 and 1, got {value}")


@dataclass(frozen=True)
class LlmLatency:
    """Request received -> first content token, and the wait between two tokens after it."""

    first_token: Latency
    between_tokens: Latency


@dataclass(frozen=True)
class TtsLatency:
    """Text received -> first audio byte; silence before the first audible sample; speed of what follows.

    `realtime_factor` is seconds of audio sent per second of wall time: 10 means ten times faster than it plays.
    """

    first_byte: Latency
    leading_silence: Latency
    realtime_factor: float

    def __post_init__(self) -> None:
        if not self.realtime_factor > 0:
            raise ValueError(f"TtsLatency.realtime_factor must be > 0, got {self.realtime_factor}")


@dataclass(frozen=True)
class RealtimeLatency:
    """A speech-to-speech model: the end of the caller's turn (or the request) -> its first audio; what follows.

    `transcription`: that end -> the words of the caller. `leading_silence`, `realtime_factor`: as in `TtsLatency`.
    """

    first_audio: Latency
    leading_silence: Latency
    transcription: Latency
    realtime_factor: float

    def __post_init__(self) -> None:
        if not self.realtime_factor > 0:
            raise ValueError(f"RealtimeLatency.realtime_factor must be > 0, got {self.realtime_factor}")


FIXED_REALTIME = RealtimeLatency(
    first_audio=Fixed(700), leading_silence=Fixed(70), transcription=Fixed(500), realtime_factor=5.0
)


@dataclass(frozen=True)
class Profile:
    """All waits of one set of simulated providers."""

    soniox: SonioxLatency
    llm: LlmLatency
    tts: TtsLatency
    realtime: RealtimeLatency = FIXED_REALTIME


def fixed_profile() -> Profile:
    """Round figures near the published medians, without any randomness."""
    return Profile(
        soniox=SonioxLatency(
            interim_lag=Fixed(150),
            endpoint_wait=Fixed(600),
            final=Fixed(250),
            interim_revision_probability=0.0,
            final_rewrite_probability=0.0,
            seed=0,
        ),
        llm=LlmLatency(first_token=Fixed(500), between_tokens=Fixed(15)),
        tts=TtsLatency(first_byte=Fixed(200), leading_silence=Fixed(200), realtime_factor=10.0),
    )


def published_profile(seed: int) -> Profile:
    """Distributions from published measurements; the same `seed` gives the same sequences.

    - Speech to text, stop -> final: median 249, P95 281 ms (Soniox, pipecat stt-benchmark, n=1000).
    - LLM first answer token: P50 553, P95 1947 ms (gpt-4o-mini, aiewf-eval, August 2026).
    - TTS first byte: median 197 ms with network (Flash v2.5, Vapi, 50 trials). No P95 is published: 320 ms assumed.
    - Leading silence in synthesized speech: 150-250 ms (aiewf-eval), read as P5 and P95.
    - Speech to speech, voice to voice: median 1280 ms with 68 ms of silence before the voice (gpt-realtime-1.5,
      aiewf-eval). Less that silence and the 500 ms after which the server takes the turn for ended by default:
      700 ms to the first audio.

    Assumed, because no figure is published: interim lag 150/220 ms, endpoint wait 600/800 ms, 15/40 ms between
    tokens, 10 times real time for audio, interims revised in 8 % and finals rewritten in 5 % of the words; speech to
    speech: P95 of the first audio 1400 ms, words of the caller after 500/900 ms, 5 times real time for audio.
    """
    seeds = random.Random(seed)

    def log_normal(p50_ms: float, p95_ms: float) -> LogNormal:
        return LogNormal(p50_ms, p95_ms, seed=seeds.getrandbits(32))

    return Profile(
        soniox=SonioxLatency(
            interim_lag=log_normal(150, 220),
            endpoint_wait=log_normal(600, 800),
            final=log_normal(249, 281),
            interim_revision_probability=0.08,
            final_rewrite_probability=0.05,
            seed=seeds.getrandbits(32),
        ),
        llm=LlmLatency(first_token=log_normal(553, 1947), between_tokens=log_normal(15, 40)),
        tts=TtsLatency(
            first_byte=log_normal(197, 320),
            leading_silence=log_normal(194, 250),
            realtime_factor=10.0,
        ),
        # Last, so that the others' sequences are what they were.
        realtime=RealtimeLatency(
            first_audio=log_normal(700, 1400),
            leading_silence=log_normal(68, 120),
            transcription=log_normal(500, 900),
            realtime_factor=5.0,
        ),
    )


def profile_by_name(name: str, seed: int = 0) -> Profile:
    """The preset called `name`; `seed` matters only to "published". Unknown names raise ValueError."""
    if name == "fixed":
        return fixed_profile()
    if name == "published":
        return published_profile(seed)
    raise ValueError(f"profile must be 'fixed' or 'published', got {name!r}")
