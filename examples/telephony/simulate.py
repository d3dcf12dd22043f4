"""`python -m examples.telephony simulate`: calls in and out on this machine, and what happened in them."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from config import SettingsError, load_settings
from examples.telephony.agent import CONNECTING
from examples.telephony.outbound import CallFailed, CallPlan, place_call
from examples.telephony.phone_plan import read_plan
from examples.telephony.setup import set_up
from examples.telephony.simulated.exchange import Callee
from examples.telephony.simulated.place import phone_place
from sim.caller import CallerError
from sim.livekit_binary import LiveKitServerMissing
from sim.livekit_server import LiveKitStartError
from sim.speech.library import load_speech
from utils.logging_config import configure_logging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config import Settings
    from examples.telephony.simulated.phone import Phone
    from examples.telephony.simulated.place import Place

PLAN = Path(__file__).with_name("phone.example.yaml")
CALLER, OURS = "+4915112345678", "+4930123456"
BUSY, FREE = "+4930111111", "+4930222222"
WORD_LIMIT_S = 20.0


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 all of it happened, 1 something did not, 2 arguments or settings that cannot be used."""
    if arguments:
        print(f"simulate: got {' '.join(arguments)!r}, allowed: nothing", file=sys.stderr)
        return 2
    try:
        settings = load_settings()
    except SettingsError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    configure_logging("ERROR", json=False, secrets=[])
    try:
        asyncio.run(_run(settings))
    except (CallerError, CallFailed, LiveKitServerMissing, LiveKitStartError) as error:
        print(f"it did not work: {error}", file=sys.stderr)
        return 1
    return 0


def tell(what: str, words: str) -> None:
    print(f"{what:>9}  {words}", flush=True)


async def _run(settings: Settings) -> None:
    tell("start", "livekit-server, simulated providers and bridge, a worker")
    async with phone_place(settings) as place:
        plan = read_plan(PLAN)
        # The plan's rule names an agent; this machine's may have another name.
        rules = [rule.model_copy(update={"agent_name": settings.agent_name}) for rule in plan.rules]
        done = await set_up(place.lk.sip, plan.model_copy(update={"rules": rules}))
        for each in done:
            tell("setup", str(each))
        trunk = next(each.id for each in done if each.kind == "outbound trunk")
        await _call_in(place)
        place.sip.exchange.callees = {BUSY: Callee(status=486, reason="Busy Here"), FREE: Callee(rings_s=1.0)}
        await _call_out(place, trunk)


async def _call_in(place: Place) -> None:
    print()
    tell("in", f"{CALLER} calls {OURS}")
    began = time.perf_counter()
    phone = await place.sip.call_in(OURS, number=CALLER)
    tell("open", f"it rang for {(time.perf_counter() - began) * 1000:.0f} ms")
    await _first_word(phone)
    tell("typed", "427#, into the agent's words")
    await phone.press("427#")
    tell("agent", await phone.hear_out("Booking 4 2 7", timeout_s=WORD_LIMIT_S))
    tell("said", "Could I speak to a person, please?")
    await phone.say(load_speech()["person"].pcm, 16_000)
    tell("agent", await phone.hear(CONNECTING, timeout_s=WORD_LIMIT_S))
    await phone.disconnected(timeout_s=WORD_LIMIT_S)
    _, target = place.sip.exchange.transfers[-1]
    tell("transfer", f"to {target}; here the call is over")


async def _call_out(place: Place, trunk: str) -> None:
    print()
    tell("out", f"to {BUSY}")
    try:
        await place_call(place.lk, CallPlan(BUSY, trunk, place.settings.agent_name))
    except CallFailed as error:
        tell("failed", str(error))
    tell("out", f"to {FREE}, who lets it ring for a second")
    placed = await place_call(place.lk, CallPlan(FREE, trunk, place.settings.agent_name))
    phone = place.sip.exchange.phones[placed.sip_call_id]
    await _first_word(phone)
    await place.sip.exchange.hang_up(phone)
    tell("hung up", "by the callee")


async def _first_word(phone: Phone) -> None:
    assert phone.answered_at is not None
    word = await phone.first_word(WORD_LIMIT_S)
    tell("heard", f"the first word {(word.first_audible_at - phone.answered_at) * 1000:.0f} ms after the line was open")
