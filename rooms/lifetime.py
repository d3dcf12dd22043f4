"""How long a room may wait for its caller: handed out, and open at all."""

from __future__ import annotations

import math

# Until then the agent has come and has left by itself: over a published voice, closing leaves a native thread behind.
CLOSE_MARGIN_S = 15.0


def age_limit_s(caller_timeout_s: float) -> float:
    """How old a room may be when it is handed out: its caller then has as long again to join it."""
    return caller_timeout_s / 2


def empty_timeout_s(caller_timeout_s: float) -> int:
    """How long livekit-server keeps a room that no caller has joined, in whole seconds from its creation.

    An agent does not count as somebody: nothing but this closes a room whose agent was lost with its worker, and
    livekit-server's own default is 300 s, whatever the agent waits.
    """
    return math.ceil(caller_timeout_s + CLOSE_MARGIN_S)
