"""What a request for a token may say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rooms.door.asked import Asked, read_asked
from rooms.door.caller import Caller
from rooms.replies import Refusal

ADA = Caller("ada", ("one", "two-*"))


def read(body: object) -> Asked:
    return read_asked(json.dumps(body).encode(), ADA, "helper")


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({}, Asked()),
        ({"room_name": "two-b", "participant_name": "Ada"}, Asked("two-b", name="Ada")),
        ({"room_name": None, "participant_identity": "ada", "grants": None}, Asked(identity="ada")),
        ({"participant_metadata": "", "participant_attributes": {}, "room_config": {}}, Asked()),
        ({"room_config": {"agents": [{"agent_name": "helper", "metadata": ""}]}}, Asked()),
        ({"room_config": {"agents": [{"agentName": "helper"}], "name": ""}}, Asked()),
        ({"grants": {"roomJoin": True, "canPublish": True, "canPublishSources": ["microphone"]}}, Asked()),
        ({"room_name": "one", "grants": {"room": "one", "roomAdmin": False, "hidden": None}}, Asked("one")),
        ({"grants": {"canPublish": False, "canPublishData": False}}, Asked(can_publish=False, can_publish_data=False)),
        ({"grants": {"canPublishSources": []}}, Asked(can_publish=False)),
        ({"grants": {"canSubscribe": False}}, Asked(can_subscribe=False)),
    ],
)
def test_what_a_caller_may_ask_for(body: object, asked: Asked) -> None:
    """Their rooms, their own identity, a name, our agent; of the grants the least, or less."""
    assert read(body) == asked


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"room_name": "three"}, "room_name"),
        ({"room_name": "two"}, "room_name"),
        ({"participant_identity": "bob"}, "participant_identity"),
        ({"participant_metadata": "vip"}, "participant_metadata"),
        ({"participant_attributes": {"host": "x"}}, "participant_attributes"),
        ({"room_config": {"max_participants": 1000}}, "room_config.max_participants"),
        ({"room_config": {"agents": [{"agent_name": "another"}]}}, "room_config.agents"),
        ({"room_config": {"agents": [{"agent_name": "helper", "metadata": "trust me"}]}}, "room_config.agents"),
        ({"grants": {"canPublishSources": ["microphone", "camera"]}}, "grants.canPublishSources"),
        ({"grants": {"canPublishSources": "camera"}}, "grants.canPublishSources"),
        ({"room_name": "one", "grants": {"room": "two-a"}}, "grants.room"),
        *(
            ({"grants": {grant: True}}, f"grants.{grant}")
            for grant in ("roomAdmin", "roomCreate", "roomList", "roomRecord", "hidden", "recorder", "agent")
        ),
        ({"grants": {"canUpdateOwnMetadata": True}}, "grants.canUpdateOwnMetadata"),
    ],
)
def test_what_is_too_much(body: dict[str, Any], field: str) -> None:
    """403 that names the field, what was asked and what is allowed."""
    with pytest.raises(Refusal) as caught:
        read(body)
    assert (caught.value.status, caught.value.field) == (403, field)
    assert caught.value.allowed


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({"room": "one"}, "room"),
        ({"room_name": 7}, "room_name"),
        ({"participant_name": "x" * 129}, "participant_name"),
        ({"participant_name": "a\nb"}, "participant_name"),
        ({"participant_name": "\ud800"}, "participant_name"),
        ({"room_config": "x"}, "room_config"),
        ({"room_config": {"agents": [7]}}, "room_config.agents"),
        ({"grants": ["roomJoin"]}, "grants"),
        ({"grants": {"superuser": True}}, "grants.superuser"),
        ({"grants": {"canPublish": "yes"}}, "grants.canPublish"),
        ({"grants": {"destinationRoom": "one"}}, "grants.destinationRoom"),
        ({"grants": {"roomJoin": False}}, "grants.roomJoin"),
    ],
)
def test_what_cannot_be_read(body: object, field: str) -> None:
    """400 that names the field."""
    with pytest.raises(Refusal) as caught:
        read(body)
    assert (caught.value.status, caught.value.field) == (400, field)
