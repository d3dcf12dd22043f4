"""Trunks and dispatch rules from a YAML file, brought to LiveKit as often as you like.

python -m examples.telephony.setup phone.yaml

What has the name of an entry is changed if it differs; nothing is deleted. Exit codes: 0 done, 1 LiveKit would not,
2 a file or settings that cannot be used.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003  # typer reads the annotation
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from livekit import api

from config import SettingsError, load_settings
from examples.telephony.outbound import secret_of
from examples.telephony.phone_plan import PLANNED, PhonePlan, PlanProblem, read_plan
from examples.telephony.sip_words import failure_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from livekit.api.sip_service import SipService

    from config import Settings

BAD_INPUT = 2


class SetupFailed(Exception):
    """LiveKit would not: one sentence."""


@dataclass(frozen=True)
class Done:
    """What became of one entry. Its password is in none of the fields."""

    kind: str
    name: str
    id: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}: {self.what}, {self.id}"


async def set_up(sip: SipService, plan: PhonePlan) -> list[Done]:
    """Bring `plan` to LiveKit, in the order trunks, rules. Raises `SetupFailed`; what was done until then stays."""
    try:
        listed = await sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
        inbound = [
            await _bring(
                "inbound trunk",
                trunk.wanted(),
                listed.items,
                id_field="sip_trunk_id",
                create=lambda it: sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=it)),
                update=sip.update_inbound_trunk,
            )
            for trunk in plan.inbound
        ]
        kept = await sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
        outbound = [
            await _bring(
                "outbound trunk",
                trunk.wanted(),
                kept.items,
                id_field="sip_trunk_id",
                create=lambda it: sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=it)),
                update=sip.update_outbound_trunk,
            )
            for trunk in plan.outbound
        ]
        ids = {each.name: each.id for each in inbound}
        known = await sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
        rules = [
            await _bring(
                "dispatch rule",
                rule.wanted(ids),
                known.items,
                id_field="sip_dispatch_rule_id",
                create=lambda it: sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=it)),
                update=sip.update_dispatch_rule,
            )
            for rule in plan.rules
        ]
    except SetupFailed:
        raise
    except Exception as error:  # noqa: BLE001  # failure_of raises what is no failure of LiveKit's
        raise SetupFailed(str(failure_of(error))) from None
    return [*inbound, *outbound, *rules]


async def _bring(
    kind: str,
    wanted: Any,
    listed: Iterable[Any],
    *,
    id_field: str,
    create: Callable[[Any], Awaitable[Any]],
    update: Callable[[str, Any], Awaitable[Any]],
) -> Done:
    same = [each for each in listed if each.name == wanted.name]
    if len(same) > 1:
        ids = ", ".join(getattr(each, id_field) for each in same)
        raise SetupFailed(f"{kind} {wanted.name!r}: LiveKit has {len(same)} of this name ({ids}); delete all but one")
    if not same:
        made = await create(wanted)
        return Done(kind, wanted.name, getattr(made, id_field), "created")
    there_id = getattr(same[0], id_field)
    merged = _merged(same[0], wanted)
    if merged == same[0]:
        return Done(kind, wanted.name, there_id, "as it is")
    await update(there_id, merged)
    return Done(kind, wanted.name, there_id, "changed")


def _merged(there: Any, wanted: Any) -> Any:
    """What is there, with each field that a plan has as the plan wants it; the rest may have been set by hand."""
    merged = type(there)()
    merged.CopyFrom(there)
    for field in PLANNED[type(wanted)]:
        merged.ClearField(field)
    merged.MergeFrom(wanted)
    return merged


def main(
    file: Annotated[Path, typer.Argument(help="The plan, as phone.example.yaml has it.")],
) -> None:
    """Bring the trunks and dispatch rules of FILE to LiveKit."""
    try:
        settings = load_settings()
        plan = read_plan(file)
    except (SettingsError, PlanProblem) as error:
        _stop("\n".join(error.problems), BAD_INPUT)
    if not settings.livekit_url:
        _stop("LIVEKIT_URL: not set; allowed: the URL of a LiveKit server with SIP", BAD_INPUT)
    try:
        done = asyncio.run(_run(settings, plan))
    except SetupFailed as error:
        _stop(str(error), 1)
    for each in done:
        print(each)


async def _run(settings: Settings, plan: PhonePlan) -> list[Done]:
    async with api.LiveKitAPI(settings.livekit_url, settings.livekit_api_key, secret_of(settings)) as lk:
        return await set_up(lk.sip, plan)


def _stop(words: str, code: int) -> NoReturn:
    print(words, file=sys.stderr)
    raise typer.Exit(code)


if __name__ == "__main__":
    typer.run(main)
