"""Who is compared: the starter in each of its modes, this project in each profile, and it with a setting changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar, get_args

from bench.starter import TurnDetection
from bench.workers import Worker
from config import Profile, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.workers import Side, Surroundings

T = TypeVar("T")

SEATS = 6
"""Workers that live at the same time. An idle one takes memory, and next to no time of a core."""
STARTER = "starter-"
DEFAULT_STARTER = "starter-v1-mini"
"""What the framework does when nothing is said of turn detection."""
STARTERS = tuple(f"{STARTER}{mode}" for mode in ("v1-mini", "stt", "vad"))
PROFILES: tuple[Profile, ...] = ("fast", "production", "steady")
"""From the shortest gap to the fewest cut-offs."""
STEPS = "steps"
SWITCHES = ("early_finalize", "preemptive_tts", "first_clause", "trim_replies", "openers")
"""Settings that switch one step of the reply off, each taken from `fast`."""
ALLOWED = (
    f"{', '.join((*STARTERS, *PROFILES))}, a profile with settings behind it such as fast:OPENERS=false, or {STEPS} "
    "for fast without each step, with commas between"
)
GREETING = "Hello."
"""Short, since it is not measured here."""


@dataclass(frozen=True)
class SideSpec:
    """`id` is what was asked for; `settings` are changed for this project's worker, by field name."""

    id: str
    title: str
    side: Side
    turn_detection: TurnDetection = "vad"
    settings: dict[str, str] = field(default_factory=dict[str, str], hash=False)

    def worker(self, place: Surroundings) -> Worker:
        # The level that a user has, so that log lines can be counted.
        changes: dict[str, object] = {"log_level": "INFO", "greeting": GREETING, **self.settings}
        return Worker(
            place,
            self.side,
            turn_detection=self.turn_detection,
            timeline_to_room=self.side == "firstword",
            changes=changes,
        )


def parse_sides(text: str) -> tuple[SideSpec, ...]:
    """Sides from "starter-stt,fast,fast:OPENERS=false" or "all", each once. ValueError names what is not one."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    wanted: list[str] = []
    for name in names:
        wanted += {"all": [*STARTERS, *PROFILES], STEPS: _steps()}.get(name, [name])
    if not wanted:
        raise ValueError(f"got nothing, allowed: {ALLOWED}")
    return tuple(_spec(name) for name in dict.fromkeys(wanted))


def groups(sides: Sequence[SideSpec]) -> list[tuple[SideSpec, ...]]:
    """Whose workers live at the same time: at most SEATS, starters and ours in turns as far as they go."""
    starters = [side for side in sides if side.side == "starter"]
    ours = [side for side in sides if side.side == "firstword"]
    mixed = [side for pair in zip_longest(starters, ours) for side in pair if side is not None]
    return [tuple(mixed[at : at + SEATS]) for at in range(0, len(mixed), SEATS)]


def turned(group: Sequence[T], number: int) -> list[T]:
    """The order in round `number`: somebody else begins."""
    shift = number % len(group)
    return [*group[shift:], *group[:shift]]


def _steps() -> list[str]:
    switches = [name for name in SWITCHES if name in Settings.model_fields]
    off = [f"fast:{name.upper()}=false" for name in switches]
    return ["fast", *off, ":".join(("fast", *(f"{name.upper()}=false" for name in switches)))]


def _spec(name: str) -> SideSpec:
    modes: dict[str, TurnDetection] = {f"{STARTER}{mode}": mode for mode in get_args(TurnDetection)}
    if name in modes:
        return SideSpec(name, f"starter, {modes[name]}", "starter", modes[name])
    profile, *changes = name.split(":")
    if profile not in PROFILES:
        raise ValueError(f"got {name}, allowed: {ALLOWED}")
    settings = {"profile": profile}
    for change in changes:
        setting, is_set, value = change.partition("=")
        if not is_set or setting.lower() not in Settings.model_fields:
            raise ValueError(f"got {change!r} in {name}, allowed: NAME=value with the name of a setting")
        settings[setting.lower()] = value
    title = profile if not changes else f"{profile}, {' '.join(changes)}"
    return SideSpec(name, title, "firstword", settings=settings)
