"""What the tests of the telephone share: numbers, trunks, a detector that is told what to say."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from examples.telephony.outbound import CallPlan
from examples.telephony.phone_plan import PhonePlan
from examples.telephony.setup import set_up
from examples.telephony.voicemail import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from livekit.agents import AgentSession

    from examples.telephony.line import PhoneCall
    from examples.telephony.simulated.place import Place
    from sim.livekit_server import LocalLiveKit

ROOT = Path(__file__).parents[3]
KEPT = ("PATH", "HOME", "GREETING_CACHE_DIR")
RUN_LIMIT_S = 55.0
OURS, CALLER, CALLEE = "+4930123456", "+4915112345678", "+4930222222"


class Asked:
    """An AnswerDetector: `calls` are those that it was asked about."""

    def __init__(self) -> None:
        self.answer = Answer.UNKNOWN
        self.calls: list[PhoneCall] = []

    async def who_answered(self, session: AgentSession[None], call: PhoneCall) -> Answer:
        self.calls.append(call)
        await asyncio.sleep(0)
        return self.answer


async def make_trunks(place: Place) -> None:
    agent = place.settings.agent_name
    plan = PhonePlan.model_validate(
        {
            "inbound": [{"name": "in", "numbers": [OURS]}],
            "outbound": [{"name": "out", "address": "sip.example", "numbers": [OURS]}],
            "rules": [{"name": "all", "trunks": ["in"], "agent_name": agent}],
        }
    )
    await set_up(place.lk.sip, plan)


def trunk_of(place: Place) -> str:
    """The id of the place's outbound trunk."""
    return next(trunk_id for trunk_id, trunk in place.sip.outbound.items() if trunk.name == "out")


def plan_of(place: Place, to: str = CALLEE, *, ring_s: int = 20) -> CallPlan:
    return CallPlan(to, trunk_of(place), place.settings.agent_name, ring_s=ring_s)


def leads_to(url: str, livekit: LocalLiveKit) -> dict[str, str]:
    """The environment of a command that talks to `livekit` at `url`."""
    return {"LIVEKIT_URL": url, "LIVEKIT_API_KEY": livekit.api_key, "LIVEKIT_API_SECRET": livekit.api_secret}


async def run_module(
    module: str, *arguments: str, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """`python -m module arguments` with no settings but those of `environment`: exit code, and all that it printed."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(ROOT), **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(RUN_LIMIT_S):
            told, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, told.decode()
