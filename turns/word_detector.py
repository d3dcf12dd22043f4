"""The end of a turn by its words: a question is answered soon, behind a statement the caller may go on.

livekit-agents asks a turn detector when the VAD hears the end and again with the final words. It then waits
`min_delay`, or `max_delay` if the answer is below the threshold, both since the last sound. A middle wait it does not
know: the detector makes one by answering later, which speech or newer words break off. It uses no private name;
tests/utils/test_framework_private.py watches the shape it is taken by.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

from livekit.agents import llm

from turns.completeness import Completeness, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents import LanguageCode

THRESHOLD = 0.5
FINISHED, GOES_ON = 1.0, 0.0


class WordDetector:
    """For `AgentSession(turn_handling={"turn_detection": ...})`; one a call, since it remembers what it heard.

    `unknown_wait_s`: seconds since the newest word until a statement, or words that tell neither, end the turn; 0: at
    once (the framework's `min_delay` is the floor all the same), None: never before `max_delay`. A wait above
    `max_delay` would be the longer one of the two.

    `ask_final` is called when words are not final yet that end the turn: the framework commits only what is final,
    and with an earlier half of the turn that is final it would commit that half alone. It has to make the STT send
    its final words, upon which the framework asks again. Without it the newest words decide at once, and `min_delay`
    has to be longer than the VAD's silence and the STT's final words together.

    Raises ValueError for a negative wait or one that is not finite.
    """

    def __init__(
        self,
        *,
        unknown_wait_s: float | None = 0.0,
        ask_final: Callable[[], object] | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        if unknown_wait_s is not None and not 0.0 <= unknown_wait_s < math.inf:
            raise ValueError(f"unknown_wait_s is {unknown_wait_s}; allowed: 0 or more seconds, or None")
        self._unknown_wait_s = unknown_wait_s
        self._ask_final = ask_final
        self._clock_s = clock_s
        self._interim = ""
        self._words: tuple[str, ...] = ()
        self._language: str | None = None
        self._newest_word_at_s: float | None = None
        self.last = Completeness(Verdict.UNKNOWN, "not asked yet")
        """The newest judgement, for the turn's metrics."""

    @property
    def model(self) -> str:
        return "words"

    @property
    def provider(self) -> str:
        return "firstword"

    def heard(self, text: str, language: str | None = None, *, final: bool = False) -> None:
        """Take the STT's newest words: its interim text since its last final one, or the final text itself.

        To be called for each of its events with text, before the framework sees it, and with "" and `final` at its
        END_OF_SPEECH: words that it took back would be waited for.
        """
        said = tuple(text.split())
        bare = tuple(word.strip(".,!?؟،").casefold() for word in said)
        # Final words that repeat the interim ones are no new words
        if bare and bare != self._words and not (final and self._interim):
            self._newest_word_at_s = self._clock_s()
        self._words = bare
        self._interim = "" if final else text
        self._language = language or self._language

    async def supports_language(self, language: LanguageCode | None) -> bool:
        """Each is: one without tables is judged by its marks."""
        return True

    async def unlikely_threshold(self, language: LanguageCode | None) -> float | None:
        return THRESHOLD

    async def predict_end_of_turn(self, chat_ctx: llm.ChatContext, *, timeout: float | None = None) -> float:
        """FINISHED or GOES_ON for the words that are final, which `chat_ctx` ends in, and the interim ones behind them.

        Takes up to `unknown_wait_s`, at most `timeout` seconds; to be cancelled at any time.
        """
        self.last = judge(f"{_final_words(chat_ctx)} {self._interim}", self._language)
        if self.last.verdict is Verdict.OPEN:
            return GOES_ON
        if self._interim and self._ask_final is not None:
            self._ask_final()
            return GOES_ON
        if self.last.verdict is not Verdict.COMPLETE:
            if self._unknown_wait_s is None:
                return GOES_ON
            await asyncio.sleep(self._left_s(self._unknown_wait_s, timeout))
        return FINISHED

    def _left_s(self, wait_s: float, timeout_s: float | None) -> float:
        now_s = self._clock_s()
        since_s = now_s - (self._newest_word_at_s if self._newest_word_at_s is not None else now_s)
        return min(max(wait_s - since_s, 0.0), timeout_s if timeout_s is not None else math.inf)


def _final_words(chat_ctx: llm.ChatContext) -> str:
    """The caller's words that the framework put last; none if the agent spoke or acted since."""
    last = chat_ctx.items[-1] if chat_ctx.items else None
    return (last.text_content or "") if isinstance(last, llm.ChatMessage) and last.role == "user" else ""
