"""Placing a call: the agent is in the room with its greeting ready before the telephone rings.

python -m examples.telephony.outbound +4930123456 --trunk ST_xxxx

Exit codes: 0 answered, 1 not answered (the reason in words), 2 settings or numbers that cannot be used.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from google.protobuf.duration_pb2 import Duration
from livekit import api

from config import SettingsError, load_settings
from examples.telephony.numbers import NumberProblem, masked, phone_number
from examples.telephony.sip_words import Failure, failure_of
from rooms.attendance import dispatches
from rooms.dispatch import DispatchError, open_room, wait_for_agent
from rooms.tokens import new_name
from utils.logging_config import configure_logging, get_logger

if TYPE_CHECKING:
    from config import Settings

log = get_logger("phone")

CALLEE = "callee"
MOST_RING_S = 80  # livekit-server gives up then
LONGEST_CALL_S = 3600
BAD_INPUT = 2


class CallFailed(Exception):
    """Nobody is on the line. `failure` says why; the agent has been sent away."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass(frozen=True)
class Placed:
    """An answered call."""

    room: str
    identity: str
    sip_call_id: str


@dataclass(frozen=True)
class CallPlan:
    """Whom to call, over which trunk. Raises `NumberProblem`, or ValueError for another field.

    `caller_id`: the number that is shown there, one of the trunk's; "" takes its first. `ring_s`: how long it may ring.
    """

    to: str
    trunk_id: str
    agent_name: str
    caller_id: str = ""
    ring_s: int = 30
    longest_call_s: int = LONGEST_CALL_S

    def __post_init__(self) -> None:
        object.__setattr__(self, "to", phone_number("to", self.to))
        if self.caller_id:
            object.__setattr__(self, "caller_id", phone_number("caller_id", self.caller_id))
        if not self.trunk_id.startswith("ST_"):
            raise ValueError(f"trunk: got {self.trunk_id!r}, allowed: the id of an outbound trunk, ST_...")
        for name, most in (("ring_s", MOST_RING_S), ("longest_call_s", 24 * 3600)):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name}: got {getattr(self, name)}, allowed: 1 to {most}")


async def place_call(lk: api.LiveKitAPI, plan: CallPlan, *, agent_limit_s: float = 10.0) -> Placed:
    """Returns when somebody has picked up; by then the agent speaks.

    Raises `CallFailed`, and `DispatchError` if no agent came: nobody's telephone rings then.
    """
    room = new_name("phone")
    await open_room(lk, room, plan.agent_name, json.dumps({"outbound": True}), fresh=True)
    try:
        await wait_for_agent(lk, room, plan.agent_name, timeout_s=agent_limit_s)
        log.info("dialling", to=masked(plan.to), room=room)
        told = await _dial(lk, plan, room)
    except BaseException:
        await _send_agent_away(lk, room, plan.agent_name)
        raise
    return Placed(room, told.participant_identity, told.sip_call_id)


async def _dial(lk: api.LiveKitAPI, plan: CallPlan, room: str) -> api.SIPParticipantInfo:
    request = api.CreateSIPParticipantRequest(
        room_name=room,
        participant_identity=CALLEE,
        sip_trunk_id=plan.trunk_id,
        sip_call_to=plan.to,
        sip_number=plan.caller_id,
        wait_until_answered=True,
        ringing_timeout=Duration(seconds=plan.ring_s),
        max_call_duration=Duration(seconds=plan.longest_call_s),
    )
    try:
        return await lk.sip.create_sip_participant(request)
    except Exception as error:  # noqa: BLE001  # failure_of raises what is no failure of the call
        raise CallFailed(failure_of(error)) from None


async def _send_agent_away(lk: api.LiveKitAPI, room: str, agent_name: str) -> None:
    """End the agent's job, which lets go of its room in order; to close the room under it would not."""
    try:
        for dispatch in await dispatches(lk, room, agent_name):
            await lk.agent_dispatch.delete_dispatch(dispatch.id, room)
    except api.ServerError as error:
        log.info("the agent had gone", reason=error.code)


def main(
    to: Annotated[str, typer.Argument(help="The number to call, E.164.")],
    trunk: Annotated[str, typer.Option(help="Id of the outbound trunk (ST_...): `setup` tells it.")],
    caller_id: Annotated[str, typer.Option(help="The number that is shown; one of the trunk's.")] = "",
    ring_s: Annotated[int, typer.Option(help="Seconds that it may ring.")] = 30,
) -> None:
    """Call somebody and have the agent speak to them. `python -m examples.telephony start` has to be running."""
    try:
        settings = load_settings()
        plan = CallPlan(to, trunk, settings.agent_name, caller_id, ring_s)
    except SettingsError as error:
        _stop("\n".join(error.problems), BAD_INPUT)
    except (NumberProblem, ValueError) as error:
        _stop(str(error), BAD_INPUT)
    if not settings.livekit_url:
        _stop("LIVEKIT_URL: not set; allowed: the URL of a LiveKit server with SIP", BAD_INPUT)
    configure_logging(settings.log_level, json=False, secrets=[secret_of(settings)])
    try:
        placed = asyncio.run(_run(settings, plan))
    except (CallFailed, DispatchError) as error:
        _stop(f"{masked(plan.to)}: {error}", 1)
    print(f"answered: room {placed.room}, SIP call {placed.sip_call_id}")


async def _run(settings: Settings, plan: CallPlan) -> Placed:
    async with api.LiveKitAPI(settings.livekit_url, settings.livekit_api_key, secret_of(settings)) as lk:
        return await place_call(lk, plan)


def secret_of(settings: Settings) -> str:
    return settings.livekit_api_secret.get_secret_value() if settings.livekit_api_secret else ""


def _stop(words: str, code: int) -> NoReturn:
    print(words, file=sys.stderr)
    raise typer.Exit(code)


if __name__ == "__main__":
    typer.run(main)
