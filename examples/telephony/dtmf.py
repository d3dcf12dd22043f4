"""Keys of the telephone: what was pressed becomes an entry, and what the agent presses becomes tones."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from livekit import rtc

KEYS = "0123456789*#ABCD"  # at the place of each its code (RFC 4733)
PAUSES_S = {"w": 0.5, "W": 1.0}
MOST_TONES = 64
TONE_PAUSE_S = 0.3  # menus of others lose tones that come faster
MOST_KEPT = 64  # keys that were pressed before anybody asked

EndedBy = Literal["terminator", "length", "timeout", "nothing"]


class TonesProblem(ValueError):
    """What is no sequence of tones: the message names field, value and what is allowed."""


@dataclass(frozen=True)
class EntryRules:
    """How an entry ends. `first_key_s`: until its first key; `between_keys_s`: between two of them."""

    most_keys: int = 16
    least_keys: int = 1
    terminator: str = "#"
    first_key_s: float = 8.0
    between_keys_s: float = 4.0

    def __post_init__(self) -> None:
        if not 1 <= self.least_keys <= self.most_keys <= MOST_KEPT:
            got = f"{self.least_keys} and {self.most_keys}"
            raise ValueError(f"least_keys, most_keys: got {got}; allowed: 1 to {MOST_KEPT}, the least first")
        if len(self.terminator) > 1 or self.terminator not in KEYS:
            raise ValueError(f"terminator: got {self.terminator!r}; allowed: one of {KEYS}, or nothing")
        for name in ("first_key_s", "between_keys_s"):
            if not 0 < getattr(self, name) <= 120:
                raise ValueError(f"{name}: got {getattr(self, name)!r}; allowed: more than 0, up to 120")


@dataclass(frozen=True)
class Entry:
    """What was pressed, without the terminator, and why it is over: "nothing" if no key came at all."""

    keys: str
    ended_by: EndedBy
    complete: bool

    @property
    def spoken(self) -> str:
        """One by one, as one says it: "4 2 7"."""
        return " ".join(self.keys)


class Keypad:
    """The keys that one participant presses in one room, in order. `on_key` is told each at once."""

    def __init__(self, room: rtc.Room, identity: str, *, on_key: Callable[[str], None] | None = None) -> None:
        self._room = room
        self._identity = identity
        self._on_key = on_key
        self._keys = deque[str](maxlen=MOST_KEPT)
        self._news = asyncio.Event()
        self._reading = False
        room.on("sip_dtmf_received", self._pressed)

    def close(self) -> None:
        self._room.off("sip_dtmf_received", self._pressed)

    @property
    def waiting(self) -> str:
        """What was pressed and not read yet."""
        return "".join(self._keys)

    async def entry(self, rules: EntryRules | None = None, *, fresh: bool = False) -> Entry:
        """Wait for one entry. Keys that were pressed before count, unless it has to be `fresh`.

        One reader at a time: RuntimeError for a second one.
        """
        rules = rules or EntryRules()
        with self._read():
            if fresh:
                self._keys.clear()
            keys = ""
            while True:
                try:
                    async with asyncio.timeout(rules.between_keys_s if keys else rules.first_key_s):
                        key = await self._next()
                except TimeoutError:
                    ended_by: EndedBy = "timeout" if keys else "nothing"
                    return Entry(keys, ended_by, complete=len(keys) >= rules.least_keys and bool(keys))
                if key == rules.terminator:
                    return Entry(keys, "terminator", complete=len(keys) >= rules.least_keys)
                keys += key
                if len(keys) == rules.most_keys:
                    return Entry(keys, "length", complete=True)

    @contextmanager
    def _read(self) -> Generator[None]:
        if self._reading:
            raise RuntimeError("the keypad is being read already; one reader at a time")
        self._reading = True
        try:
            yield
        finally:
            self._reading = False

    async def _next(self) -> str:
        while not self._keys:
            self._news.clear()
            await self._news.wait()
        return self._keys.popleft()

    def _pressed(self, tone: rtc.SipDTMF) -> None:
        # A tone of a server's SDK has no sender; nobody but the caller presses the caller's keys.
        if tone.participant is None or tone.participant.identity != self._identity or tone.digit not in KEYS:
            return
        self._keys.append(tone.digit)
        self._news.set()
        if self._on_key is not None:
            self._on_key(tone.digit)


def tones_of(text: str) -> str:
    """`text` without blanks and hyphens, if it can be pressed. Raises `TonesProblem`."""
    plain = text.replace(" ", "").replace("-", "")
    if not 0 < len(plain) <= MOST_TONES or any(tone not in KEYS and tone not in PAUSES_S for tone in plain):
        allowed = f"1 to {MOST_TONES} of {KEYS}, w (a pause of 0.5 s) and W (1 s)"
        raise TonesProblem(f"tones: got {text!r}, allowed: {allowed}")
    return plain


async def send_tones(room: rtc.Room, text: str, *, pause_s: float = TONE_PAUSE_S) -> None:
    """Press the keys of `text` at the other side, `pause_s` apart.

    Raises `TonesProblem`, and `rtc.participant.PublishDTMFError` when the room is gone.
    """
    for tone in tones_of(text):
        if tone in PAUSES_S:
            await asyncio.sleep(PAUSES_S[tone])
            continue
        await room.local_participant.publish_dtmf(code=KEYS.index(tone), digit=tone)
        await asyncio.sleep(pause_s)
