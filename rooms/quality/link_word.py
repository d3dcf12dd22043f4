"""What the page is told about the network of its call, so that it can do something about it.

An attribute of the agent's participant: it goes with the signalling, and not over the network that is bad, and whoever
comes later finds it. ATTRIBUTE holds JSON; it is not there before the first bad look, and changes seldom:

    {"v": 1, "state": "strained" | "usual", "playout_delay_ms": 200,
     "grade": "fair", "loss": 0.12, "jitter_ms": 31, "round_trip_ms": 240}

`playout_delay_ms` is how long the listener is at least to hold sound back before it plays it. A browser does that with
`RemoteAudioTrack.setPlayoutDelay` of livekit-client. The last four are those of the worst participant, and may be null.

Only the listener can make its playout buffer larger: LiveKit's own playout delay is told to players of video only, and
is fixed when the room is made. At the agent nothing is left to set: it sends 50 packets a second whatever the length of
its frames is, and the media library chooses redundancy and its own buffer by itself.
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING, Literal

from utils.logging_config import get_logger

if TYPE_CHECKING:
    from livekit import rtc

    from rooms.performance.sections import AudioConfig
    from rooms.quality.call_link import RoomQuality

log = get_logger("quality")

ATTRIBUTE = "firstword.link"
VERSION = 1
TELL_LIMIT_S = 5.0
JITTERS = 6
"""The buffer that holds jitter back, in jitters: they are means, and what comes too late is in the tail."""
LARGEST = 3
STEP_MS = 50
"""So that the word does not change with each look."""

State = Literal["usual", "strained"]


def playout_delay_ms(state: State, quality: RoomQuality, audio: AudioConfig) -> int:
    """`target_latency_ms`; while the network is strained one to three times `jitter_buffer_ms`, as the jitter is.

    Chromium's own buffer holds 160 to 200 ms under a jitter of up to 120 ms (40 in the statistics), and 1 to 3 % of the
    sound come too late for it. What is below that changes nothing.
    """
    if state == "usual":
        return audio.target_latency_ms
    jitter_ms = max((each.jitter_ms or 0.0 for each in quality.participants), default=0.0)
    needed_ms = STEP_MS * math.ceil(JITTERS * jitter_ms / STEP_MS)
    return min(max(needed_ms, audio.jitter_buffer_ms), LARGEST * audio.jitter_buffer_ms)


def link_word(state: State, playout_ms: int, quality: RoomQuality) -> str:
    """The attribute's value."""
    worst = quality.worst
    return json.dumps(
        {
            "v": VERSION,
            "state": state,
            "playout_delay_ms": playout_ms,
            "grade": quality.grade,
            "loss": None if worst is None else _round(worst.loss, 3),
            "jitter_ms": None if worst is None else _round(worst.jitter_ms, 0),
            "round_trip_ms": None if worst is None else _round(worst.round_trip_ms, 0),
        }
    )


async def tell(room: rtc.Room, word: str) -> bool:
    """False if it could not be said: the room is closed, or its signalling does not answer."""
    if not room.isconnected():
        return False
    try:
        async with asyncio.timeout(TELL_LIMIT_S):
            await room.local_participant.set_attributes({ATTRIBUTE: word})
    except TimeoutError:
        log.debug("the page was not told about its network", room=room.name)
        return False
    return True


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
