"""Trunks and rules: the plan is checked before LiveKit hears of it, and can be brought there any number of times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from livekit import api
from phone_setup import leads_to, run_module

from examples.telephony.phone_plan import PhonePlan, PlanProblem, read_plan
from examples.telephony.setup import SetupFailed, set_up
from examples.telephony.simulated.sip_api import SimulatedSip
from examples.telephony.sip_words import NO_REDIS

if TYPE_CHECKING:
    from sim.livekit_server import LocalLiveKit

EXAMPLE = Path(__file__).parents[3] / "examples" / "telephony" / "phone.example.yaml"
PASSWORD = "not-for-your-eyes"


def with_password(folder: Path) -> Path:
    """The example's plan, its commented credentials in force."""
    (folder / "outbound.password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    (folder / "inbound.password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    file = folder / "phone.yaml"
    file.write_text(EXAMPLE.read_text(encoding="utf-8").replace("# auth", "auth"), encoding="utf-8")
    return file


async def test_twice_is_once(livekit: LocalLiveKit, tmp_path: Path) -> None:
    """The second time nothing is written, a change is one, and what was set by hand besides stays."""
    plan = read_plan(with_password(tmp_path))
    async with SimulatedSip(livekit) as sip, api.LiveKitAPI(sip.url, livekit.api_key, livekit.api_secret) as lk:
        assert [each.what for each in await set_up(lk.sip, plan)] == ["created"] * 3
        trunk = next(iter(sip.outbound.values()))
        assert (trunk.auth_password, trunk.transport) == (PASSWORD, api.SIPTransport.SIP_TRANSPORT_TLS)
        rule = next(iter(sip.rules.values()))
        assert list(rule.trunk_ids) == list(sip.inbound)
        assert [agent.agent_name for agent in rule.room_config.agents] == ["firstword"]

        trunk.metadata = "by hand"
        assert [each.what for each in await set_up(lk.sip, plan)] == ["as it is"] * 3
        moved = plan.model_copy(update={"outbound": [plan.outbound[0].model_copy(update={"address": "new.example"})]})
        done = await set_up(lk.sip, moved)
        assert [each.what for each in done] == ["as it is", "changed", "as it is"]
        now = next(iter(sip.outbound.values()))
        assert (now.address, now.metadata, now.sip_trunk_id) == ("new.example", "by hand", done[1].id)
        assert PASSWORD not in f"{done} {plan!r} {plan}"


async def test_a_name_that_livekit_has_twice(livekit: LocalLiveKit) -> None:
    """Which of them is meant is not guessed: both ids are told."""
    plan = PhonePlan.model_validate({"inbound": [{"name": "in", "numbers": ["+4930123456"]}]})
    async with SimulatedSip(livekit) as sip, api.LiveKitAPI(sip.url, livekit.api_key, livekit.api_secret) as lk:
        for _ in range(2):
            await lk.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=plan.inbound[0].wanted()))
        with pytest.raises(SetupFailed) as error:
            await set_up(lk.sip, plan)
        assert all(trunk_id in str(error.value) for trunk_id in sip.inbound)


async def test_the_real_server_without_redis(livekit: LocalLiveKit) -> None:
    """It is told in words."""
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
        with pytest.raises(SetupFailed, match="needs Redis") as error:
            await set_up(lk.sip, read_plan(EXAMPLE))
    assert str(error.value) == NO_REDIS


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("inbound: [{name: a, numbers: ['030 1']}]", "inbound.0.numbers.0: number: got '030 1', allowed: E.164"),
        ("inbound: [{name: a}]", "inbound.0: numbers, allowed_addresses, auth_username: got none"),
        ("outbound: [{name: a, address: sip.example}]", "outbound.0.numbers: "),
        ("outbound: [{name: a, address: 'sip:x@y', numbers: [+4930123456]}]", "outbound.0.address: got 'sip:x@y'"),
        ("rules: [{name: r, agent_name: a, trunks: [gone]}]", "rules.trunks: got 'gone', allowed: no trunk"),
        (
            "inbound: [{name: a, numbers: [+4930123456], auth_username: b}]",
            "auth_username, auth_password_file: got one",
        ),
        ("outbound: [{name: a, auth_password: geheim}]", "outbound.0.auth_password: no such field"),
        (
            "inbound: [{name: a, numbers: [+4930123456], auth_username: b, auth_password_file: gone}]",
            "got 'gone' (File",
        ),
        ("inbound: [", "not readable as YAML"),
        ("[1, 2]", "allowed: one document"),
    ],
)
def test_a_plan_with_a_fault(tmp_path: Path, text: str, named: str) -> None:
    """A line for it: where it stands, what was found, what is allowed; never a password that was written there."""
    file = tmp_path / "phone.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PlanProblem) as error:
        read_plan(file)
    assert named in str(error.value)
    assert "geheim" not in str(error.value)


async def test_the_command(livekit: LocalLiveKit, tmp_path: Path) -> None:
    """It prints a line for each entry with its id, and no password."""
    file = with_password(tmp_path)
    async with SimulatedSip(livekit) as sip:
        code, told = await run_module(
            "examples.telephony.setup", str(file), cwd=tmp_path, environment=leads_to(sip.url, livekit)
        )
        assert code == 0, told
        for each_id in (*sip.inbound, *sip.outbound, *sip.rules):
            assert f"created, {each_id}" in told
        assert PASSWORD not in told
