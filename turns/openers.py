"""The sound of replies' first clauses, "Of course." or "Let me see.", kept from the agent's own replies.

One `Openers` serves all calls of a worker. What it keeps is exact: the same words and marks, by the same voice.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from turns.clauses import clause_end
from utils.logging_config import get_logger
from utils.text_stream import joined

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable

    from utils.audio import Pcm

log = get_logger("openers")

MAX_OPENERS = 64  # about 2 MB: an opener of 0.7 s is 34 kB
MAX_CANDIDATES = 256
LEARN_AFTER = 2
LONGEST_CHARS = 40  # behind it, a clause is said once and not again
AT_ONCE = 2  # syntheses beside the calls, which share the provider's limit


@dataclass(frozen=True)
class Speaker:
    """A voice: what tells it from others, and how it speaks.

    `speak` gives mono PCM at the level of the live speech, without silence around it.
    """

    voice: str
    model: str
    speak: Callable[[str], Awaitable[Pcm]] = field(repr=False, compare=False)
    sample_rate_hz: int = 24_000


@dataclass(frozen=True)
class Opening:
    """How a reply begins. Without `sound`, `rest` is the whole reply; else it is what follows the clause."""

    clause: str | None
    """The first clause; None if it has none, or one that is too long to come again."""
    sound: Pcm | None
    rest: AsyncGenerator[str]


class Openers:
    """First clauses that can be played at once, the last used kept; each is synthesized once, beside the calls.

    The counts are of replies that were begun, also of those that were thrown away before they were heard.
    """

    def __init__(self, *, max_openers: int = MAX_OPENERS, learn_after: int = LEARN_AFTER) -> None:
        self._max = max_openers
        self._learn_after = learn_after
        self._ready: OrderedDict[tuple[str, Speaker], Pcm] = OrderedDict()
        self._seen: OrderedDict[tuple[str, Speaker], int] = OrderedDict()
        self._under_way: dict[tuple[str, Speaker], asyncio.Task[None]] = {}
        self._turnstile = asyncio.Semaphore(AT_ONCE)
        self.hits = 0
        self.misses = 0
        self.repeats = 0
        """Known, but the reply before began with the same words."""
        self.failed = 0

    def __repr__(self) -> str:
        return f"Openers({len(self)} ready, {self.hits} hits, {self.misses} misses, {self.repeats} repeats)"

    def __len__(self) -> int:
        return len(self._ready)

    async def fill(self, clauses: Iterable[str], speaker: Speaker) -> None:
        """Have `clauses` ready, before the first call; one that cannot be spoken is left out."""
        tasks = [self._learn((_plain(clause), speaker)) for clause in clauses if clause.strip()]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def opening(self, text: AsyncIterable[str], speaker: Speaker, *, last_reply: str = "") -> Opening:
        """Read `text` to the end of its first clause. `last_reply` is what the agent said before it."""
        parts = aiter(text)
        read, end = await _read_clause(parts)
        if end is None:
            self.misses += 1
            return Opening(None, None, joined(read, parts))
        clause = _plain(read[:end])
        sound = self._ready.get((clause, speaker))
        if sound is None:
            self.misses += 1
        elif _plain(last_reply).startswith(clause):
            # The same recording twice in a row is heard as one.
            self.repeats += 1
            sound = None
        else:
            self._ready.move_to_end((clause, speaker))
            self.hits += 1
        return Opening(clause, sound, joined(read if sound is None else read[end:], parts))

    def note(self, clause: str, speaker: Speaker) -> None:
        """A reply began with `clause`; one that comes again is learned, in the background."""
        key = (clause, speaker)
        if key in self._ready or key in self._under_way or not _may_come_again(clause):
            return
        self._seen[key] = self._seen.pop(key, 0) + 1
        if self._seen[key] >= self._learn_after:
            del self._seen[key]
            self._learn(key)
        elif len(self._seen) > MAX_CANDIDATES:
            self._seen.popitem(last=False)

    async def aclose(self) -> None:
        """End what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _learn(self, key: tuple[str, Speaker]) -> asyncio.Task[None]:
        task = self._under_way.get(key)
        if task is None:
            # A context of its own: the task may outlive the call that has caused it, and would hold it.
            task = asyncio.create_task(self._speak(key), name="learn an opener", context=contextvars.Context())
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return task

    async def _speak(self, key: tuple[str, Speaker]) -> None:
        if key in self._ready:
            return
        clause, speaker = key
        try:
            async with self._turnstile:
                sound = await speaker.speak(clause)
        except Exception as error:  # noqa: BLE001  # the reply is spoken live then, as without openers
            self.failed += 1
            log.debug("an opener was not learned", reason=type(error).__name__)
            return
        if not len(sound):
            self.failed += 1
            return
        self._ready[key] = sound
        while len(self._ready) > self._max:
            self._ready.popitem(last=False)


async def _read_clause(parts: AsyncIterator[str]) -> tuple[str, int | None]:
    """The text read, and the index behind its first clause if that is not too long."""
    read = ""
    async for part in parts:
        read += part
        end = clause_end(read)
        if end is not None:
            return read, end if len(_plain(read[:end])) <= LONGEST_CHARS else None
        if len(read.strip()) > LONGEST_CHARS:
            break
    return read, None


def _plain(text: str) -> str:
    return " ".join(text.split())


def _may_come_again(clause: str) -> bool:
    """Whether the clause names nobody and no number: such words belong to one caller, and are kept for none."""
    words = clause.split()
    named = any(word[:1].isupper() and word.split("'")[0].strip(".,!?;:") != "I" for word in words[1:])
    return not named and not any(map(str.isdigit, clause))
