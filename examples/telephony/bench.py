"""From pick-up to the first word: the agent ready before it rings, beside one that is sent for when somebody answers.

python -m examples.telephony.bench --calls 20
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from google.protobuf.duration_pb2 import Duration
from livekit import api

from bench.machine import this_machine
from bench.stats import Comparison, Quantiles, compare
from config import load_settings
from examples.telephony.outbound import CALLEE, CallPlan, place_call
from examples.telephony.simulated.exchange import Callee
from examples.telephony.simulated.place import phone_place
from rooms.dispatch import open_room
from rooms.tokens import new_name
from sim.caller import CallerError, mint_caller_token
from sim.livekit_binary import default_cache_dir, find_livekit_server
from sim.publisher import FloorPublisher
from utils.logging_config import configure_logging

if TYPE_CHECKING:
    from examples.telephony.simulated.phone import Phone
    from examples.telephony.simulated.place import Place

Way = Literal["sent for", "ready", "floor"]
WAYS: tuple[Way, ...] = ("sent for", "ready", "floor")
NUMBER, OURS = "+4930222222", "+4930123456"
RINGS_S = 1.5
WORD_LIMIT_S = 20.0
BETWEEN_S = 0.5
CAVEAT = (
    "Loopback, a simulated bridge (attributes and subscription in the order of livekit/sip), simulated providers; "
    "both ways have the same warm worker with the greeting in memory. Server, worker and telephone share the cores."
)


@dataclass
class Samples:
    """Milliseconds from pick-up to the first audible sample at the telephone; `failed`: what calls without one said."""

    each_ms: dict[Way, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    failed: list[str] = field(default_factory=list[str])

    def comparison(self) -> Comparison:
        return compare("pick-up to first word", *(self.each_ms[way] for way in WAYS))


def main(calls: Annotated[int, typer.Option(help="Calls a way.", min=1, max=500)] = 20) -> None:
    """Place calls both ways in turns, and tell how long the callee waited for the first word."""
    settings = load_settings()
    configure_logging("ERROR", json=False, secrets=[])
    binary = asyncio.run(find_livekit_server(default_cache_dir(), log=print))
    machine = this_machine(binary).one_line()

    async def run() -> Samples:
        async with phone_place(settings) as place:
            return await measure(place, calls)

    samples = asyncio.run(run())
    print(table(samples.comparison()))
    print(f"\n- Machine: {machine}.\n- {CAVEAT}")
    for each in samples.failed:
        print(f"- failed: {each}")
    raise typer.Exit(1 if samples.failed else 0)


async def measure(place: Place, calls: int, *, rings_s: float = RINGS_S, uncounted: int = 1) -> Samples:
    """`calls` of each way, in turns, after some of each that are not counted."""
    trunk = api.SIPOutboundTrunkInfo(name="bench", address="sip.example", numbers=[OURS])
    made = await place.lk.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=trunk))
    place.sip.exchange.callees = {NUMBER: Callee(rings_s=rings_s)}
    samples = Samples()
    for number in range(calls + uncounted):
        for way in WAYS:
            try:
                waited_ms = await _call(place, way, made.sip_trunk_id)
            except CallerError as error:
                samples.failed.append(f"{way}: {error}")
                continue
            if number >= uncounted:
                samples.each_ms[way].append(waited_ms)
            await asyncio.sleep(BETWEEN_S)
    return samples


async def _call(place: Place, way: Way, trunk_id: str) -> float:
    agent = place.settings.agent_name
    if way == "ready":
        placed = await place_call(place.lk, CallPlan(NUMBER, trunk_id, agent))
        return await _waited_ms(place, place.sip.exchange.phones[placed.sip_call_id])
    room = new_name("phone")
    if way == "sent for":
        told = await _dial(place, room, trunk_id)
        await open_room(place.lk, room, agent)
        return await _waited_ms(place, place.sip.exchange.phones[told.sip_call_id])
    key, secret = place.settings.livekit_api_key or "", place.settings.livekit_api_secret
    token = mint_caller_token(key, secret.get_secret_value() if secret else "", room, "floor")
    async with FloorPublisher(place.settings.livekit_url or "", token):
        told = await _dial(place, room, trunk_id)
        return await _waited_ms(place, place.sip.exchange.phones[told.sip_call_id])


async def _dial(place: Place, room: str, trunk_id: str) -> api.SIPParticipantInfo:
    return await place.lk.sip.create_sip_participant(
        api.CreateSIPParticipantRequest(
            room_name=room,
            participant_identity=CALLEE,
            sip_trunk_id=trunk_id,
            sip_call_to=NUMBER,
            wait_until_answered=True,
            ringing_timeout=Duration(seconds=30),
        )
    )


async def _waited_ms(place: Place, phone: Phone) -> float:
    try:
        assert phone.answered_at is not None
        word = await phone.first_word(WORD_LIMIT_S)
        return (word.first_audible_at - phone.answered_at) * 1000
    finally:
        await place.sip.exchange.hang_up(phone)


def table(found: Comparison) -> str:
    """For a terminal and for a README."""
    ratio = f"{found.ratios.p50:.1f}x / {found.ratios.p90:.1f}x" if found.ratios else "-"
    rows = [
        ("agent sent for when answered", _times(found.starter)),
        ("agent ready before it rings", _times(found.firstword)),
        ("floor: somebody who is sending already", _times(found.floor)),
        ("ratio p50 / p90", ratio),
    ]
    return "\n".join(["| pick-up to first word, ms | p50 / p90 / p99 (n) |", "|---|---|", *map(_row, rows)])


def _row(cells: tuple[str, str]) -> str:
    return f"| {cells[0]} | {cells[1]} |"


def _times(times: Quantiles | None) -> str:
    return "-" if times is None else f"{times.p50_ms:.0f} / {times.p90_ms:.0f} / {times.p99_ms:.0f} ({times.n})"


if __name__ == "__main__":
    typer.run(main)
