"""What `bench browser` is asked for, and in which order the ways take turns. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003  # a field
from random import Random
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

from web.assets import STATIC

if TYPE_CHECKING:
    from collections.abc import Iterator

Part = Literal["click", "turns", "echo", "leaks", "load", "cuts"]
Transport = Literal["whip", "livekit"]
Way = Literal["whip", "livekit", "floor"]
"""How a caller gets in; the floor is a caller in Python, to somebody who is already sending."""

PARTS: tuple[Part, ...] = get_args(Part)
TRANSPORTS: tuple[Transport, ...] = get_args(Transport)
WAYS: tuple[Way, ...] = get_args(Way)
T = TypeVar("T", bound=str)


@dataclass(frozen=True)
class Options:
    """Counts are for each way; `browsers`: fresh ones. `static`: the folder of the built page."""

    clicks: int = 40
    browsers: int = 5
    chirps: int = 40
    leak_calls: int = 500
    load_calls: int = 20
    seed: int = 1
    parts: tuple[Part, ...] = PARTS
    transports: tuple[Transport, ...] = TRANSPORTS
    static: Path = STATIC

    @property
    def command(self) -> str:
        """The command that does the same again."""
        counts = {
            "parts": ",".join(self.parts) if self.parts != PARTS else "",
            "transports": ",".join(self.transports) if self.transports != TRANSPORTS else "",
            "clicks": self.clicks if "click" in self.parts else "",
            "browsers": self.browsers if "click" in self.parts else "",
            "chirps": self.chirps if "echo" in self.parts else "",
            "leak-calls": self.leak_calls if "leaks" in self.parts else "",
            "load-calls": self.load_calls if "load" in self.parts else "",
            "seed": self.seed,
        }
        return "agent.py bench browser" + "".join(f" --{name} {value}" for name, value in counts.items() if value != "")


def parse_parts(text: str) -> tuple[Part, ...]:
    """Raises ValueError for what is no part."""
    return _chosen(text, PARTS)


def parse_transports(text: str) -> tuple[Transport, ...]:
    """Raises ValueError for what is none."""
    return _chosen(text, TRANSPORTS)


def turns_of(options: Options) -> Iterator[Way]:
    """Who calls next: each way once a round, the floor among them, in an order that is drawn for each round."""
    chance = Random(f"clicks {options.seed}")
    ways: list[Way] = [*options.transports, "floor"]
    for _ in range(options.clicks):
        yield from chance.sample(ways, len(ways))


def _chosen(text: str, known: tuple[T, ...]) -> tuple[T, ...]:
    if text.strip() == "all":
        return known
    names = {name.strip() for name in text.split(",") if name.strip()}
    unknown = sorted(names.difference(known))
    if unknown or not names:
        raise ValueError(f"got {', '.join(unknown) or 'nothing'}, allowed: all, {', '.join(known)} with commas between")
    return tuple(name for name in known if name in names)
