"""When the network of a call is bad enough to do something about it, and what its page is to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rooms.quality.episode import Episode
from rooms.quality.link_word import State, link_word, playout_delay_ms

if TYPE_CHECKING:
    from rooms.performance.sections import AudioConfig, QualityMonitoring
    from rooms.quality.call_link import RoomQuality


class Strain:
    """Of one call. Pure."""

    def __init__(self, audio: AudioConfig) -> None:
        self._audio = audio
        self._delay_ms = audio.target_latency_ms
        self._episode = Episode()

    @property
    def is_on(self) -> bool:
        return self._episode.is_on

    @property
    def count(self) -> int:
        """How often it began."""
        return self._episode.count

    def looked(self, quality: RoomQuality, thresholds: QualityMonitoring) -> str | None:
        """The word that the page is to be told now; None: what it knows stands.

        It begins with a score that is not good, or a bad verdict of the server, and ends with some half way between
        good and excellent, so that a score about the threshold changes nothing.
        """
        if quality.score is None:
            return None
        changed = self._episode.looked(
            wrong=quality.score < thresholds.good or quality.is_doubted,
            calm=quality.score >= (thresholds.good + thresholds.excellent) / 2,
        )
        state: State = "strained" if self.is_on else "usual"
        delay_ms = playout_delay_ms(state, quality, self._audio)
        # While it lasts the buffer only grows: each change of it is heard.
        if not changed and not (self.is_on and delay_ms > self._delay_ms):
            return None
        self._delay_ms = delay_ms
        return link_word(state, delay_ms, quality)
