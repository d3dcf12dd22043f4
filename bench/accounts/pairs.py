"""Calls of two kinds in turns: one account beside many, and strangers beside accounts that the worker knows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.accounts.plan import ARRIVALS
from bench.accounts.results import Pair
from bench.accounts.visit import metadata
from bench.first_word.calls import hear_one
from bench.first_word.doors import by_dispatch, by_join
from bench.first_word.rows import rest
from bench.first_word.waterfalls import waterfall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.accounts.plan import Arrival, Kind, Turn
    from bench.accounts.worker import AccountsWorker
    from bench.first_word.calls import Heard
    from bench.first_word.results import Waterfall
    from bench.workers import Surroundings

NAMES: dict[Arrival, str] = {"join": "dispatch on join", "token": "dispatch 0.5 s before"}


@dataclass(frozen=True)
class Taken:
    turn: Turn
    heard: Heard


async def take_turns(
    place: Surroundings, worker: AccountsWorker, turns: Iterable[Turn], told: Callable[[], None]
) -> list[Taken]:
    """All of them, one after the other. Raises `BenchError` when the worker has ended."""
    taken: list[Taken] = []
    for turn in turns:
        await rest([worker])
        named = metadata(turn.account_id)
        door = (by_join if turn.arrival == "join" else by_dispatch)(place, worker.agent_name, named)
        taken.append(Taken(turn, _checked(turn, await hear_one(place, door))))
        told()
    return taken


def pairs(taken: Sequence[Taken], title: str, kinds: tuple[Kind, Kind]) -> list[Pair]:
    """One for each way in which the agent came."""
    found: list[Pair] = []
    for arrival in _arrivals(taken):
        times: dict[Kind, list[float]] = {
            kind: [each.heard.ttfw_ms for each in completed(taken, kind, arrival)] for kind in kinds
        }
        found.append(Pair(f"{title}, {NAMES[arrival]}", arrival, times, kinds))
    return found


def completed(taken: Iterable[Taken], kind: Kind, arrival: Arrival) -> list[Taken]:
    return [
        each for each in taken if (each.turn.kind, each.turn.arrival) == (kind, arrival) and each.heard.failed is None
    ]


def failures(taken: Iterable[Taken]) -> list[str]:
    """A line for each call that was not completed, or that somebody else answered."""
    return [
        f"{each.turn.kind} call of {each.turn.account_id}, {NAMES[each.turn.arrival]}: {each.heard.failed}"
        for each in taken
        if each.heard.failed is not None
    ]


def waterfalls(taken: Sequence[Taken], kinds: Iterable[Kind]) -> list[Waterfall]:
    """The typical call of each kind, for each way in which the agent came."""
    found: list[Waterfall | None] = []
    for arrival in _arrivals(taken):
        for kind in kinds:
            calls = [each.heard for each in completed(taken, kind, arrival)]
            found.append(waterfall(f"{kind}, {NAMES[arrival]}", arrival, calls))
    return [each for each in found if each is not None]


def _arrivals(taken: Iterable[Taken]) -> list[Arrival]:
    there = {each.turn.arrival for each in taken}
    return [arrival for arrival in ARRIVALS if arrival in there]


def _checked(turn: Turn, heard: Heard) -> Heard:
    """A call that tells of another account than it was for has failed, however quick it was."""
    if heard.failed is None and heard.start is not None:
        answered = heard.start.get("labels", {}).get("account", "nobody")
        if answered != turn.account_id:
            return replace(heard, failed=f"answered as {answered}")
    return heard
