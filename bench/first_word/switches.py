"""The optimisations of the first word, and what switches each of them off. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bench.first_word.results import Arrival

Unit = Literal["TTFW", "click", "ready"]


@dataclass(frozen=True)
class Switch:
    """One setting by field name, with the value that has the optimisation and the one that does without it.

    `needs`: settings without which it does nothing, so that "only this one" has them too.
    """

    id: str
    title: str
    name: str
    on: object
    off: object
    arrival: Arrival = "join"
    unit: Unit = "TTFW"
    needs: tuple[str, ...] = ()

    @property
    def setting(self) -> str:
        """NAME=value, as it is written to be without it."""
        return f"{self.name.upper()}={str(self.off).lower()}"


# A standby room is one in which a voice is published already.
STANDBY = Switch("standby", "agent waits in the room", "standby_rooms", 1, 0, "standby", "click", ("voice_first",))
SWITCHES = (
    Switch("stages", "stages run at once", "parallel_stages", True, False),
    Switch("pool", "instances kept ready", "pool_size", 4, 0),
    Switch("voice", "voice published first", "voice_first", True, False),
    Switch("greeting", "greeting from memory", "greeting_cache", "disk", "off"),
    Switch("trim", "leading silence cut", "trim_greeting", True, False),
    Switch("stream", "greeting played while spoken", "stream_greeting", True, False),
    Switch("loop", "one loop for all calls", "isolation", "shared", "process"),
    Switch("dispatch", "dispatch at the token", "dispatch_at", "token", "join", "token", "click"),
    STANDBY,
    Switch("phase", "the rest after the first word", "defer_phase_two", True, False),
    Switch("gc", "garbage frozen", "freeze_garbage", True, False),
    Switch("imports", "lazy imports", "lazy_imports", True, False, unit="ready"),
)

PAGE_ONLY = ("standby_rooms", "dispatch_at")
"""Settings of the page's server: the worker does not read them."""

Side = Literal["all", "without", "none", "alone"]
SIDES: tuple[Side, ...] = ("all", "without", "none", "alone")


def settings(switch: Switch, side: Side) -> dict[str, object]:
    """All settings of one side of a step, by field name."""
    others_on = side in ("all", "without")
    found: dict[str, object] = {each.name: each.on if others_on else each.off for each in SWITCHES}
    if switch is not STANDBY:
        # A standby room comes before the dispatch at the token, and would hide it.
        found[STANDBY.name] = STANDBY.off
    found[switch.name] = switch.on if side in ("all", "alone") else switch.off
    if side == "alone":
        found |= {each.name: each.on for each in SWITCHES if each.name in switch.needs}
    return found


def worker_settings(switch: Switch, side: Side) -> dict[str, object]:
    """Those of them that the worker reads."""
    return {name: value for name, value in settings(switch, side).items() if name not in PAGE_ONLY}
