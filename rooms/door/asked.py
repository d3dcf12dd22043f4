"""What a request for a token says, read strictly: what nobody may ask for is refused in words."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, cast
from unicodedata import category

from livekit import api

from rooms.replies import Refusal, json_object, short

if TYPE_CHECKING:
    from rooms.door.caller import Caller

LONGEST_NAME = 128
FIELDS = (
    "room_name",
    "participant_identity",
    "participant_name",
    "participant_metadata",
    "participant_attributes",
    "room_config",
    "grants",
)
SHAPE = "an object with any of " + ", ".join(FIELDS)
LEAST = "roomJoin, canPublish (microphone), canPublishData, canSubscribe"
_YES_OR_NO = ("canPublish", "canPublishData", "canSubscribe")
_GRANTS = frozenset(
    "".join(word.capitalize() if number else word for number, word in enumerate(field.name.split("_")))
    for field in fields(api.VideoGrants)
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The request. "" is not said; of the grants those that are wanted of the least."""

    room: str = ""
    identity: str = ""
    name: str = ""
    can_publish: bool = True
    can_publish_data: bool = True
    can_subscribe: bool = True


def read_asked(body: bytes, caller: Caller, agent_name: str) -> Asked:
    """What `caller` asks for. Raises Refusal: 400 for what cannot be read, 403 for what is too much."""
    values = json_object(body, SHAPE) if body.strip() else {}
    for field in values:
        if field not in FIELDS:
            raise Refusal(400, f"{field[:80]}: unknown field", field=field[:80], value=None, allowed=SHAPE)
    room, identity, name = (_text(values, field) for field in ("room_name", "participant_identity", "participant_name"))
    if room and not caller.may_enter(room):
        allowed = ", ".join(caller.rooms) or "none"
        raise Refusal(403, "room_name: not one of your rooms", field="room_name", value=room, allowed=allowed)
    if identity and identity != caller.identity:
        raise Refusal(
            403,
            "participant_identity: you are somebody else",
            field="participant_identity",
            value=identity,
            allowed=f"{caller.identity}, or nothing",
        )
    for field in ("participant_metadata", "participant_attributes"):
        # An agent believes them, since a participant cannot write them: so they are the signer's word alone.
        if values.get(field):
            raise _too_much(field, values[field], "nothing: it is set by the server alone")
    _check_room_config(values.get("room_config"), agent_name)
    wanted = _grants(values.get("grants"), room)
    return Asked(room, identity, name, *wanted)


def _text(values: dict[str, object], field: str) -> str:
    value = values.get(field)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_NAME or any(category(c) in ("Cc", "Cs") for c in value):
        allowed = f"text of at most {LONGEST_NAME} characters, none of them a control character"
        raise Refusal(400, f"{field}: must be {allowed}", field=field, value=short(value), allowed=allowed)
    return value


def _check_room_config(value: object, agent_name: str) -> None:
    """Clients name the agent that they want here: ours is what they get, anything else is the server's to set."""
    config = _object(value, "room_config")
    allowed = f"the agent {agent_name!r}" if agent_name else "nothing"
    for name, wanted in config.items():
        if not wanted:
            continue
        if name != "agents" or not agent_name:
            raise _too_much(f"room_config.{name[:80]}", wanted, allowed)
        for each in wanted if isinstance(wanted, list) else [wanted]:
            agent = {key: said for key, said in _object(each, "room_config.agents").items() if said}
            if agent not in ({"agent_name": agent_name}, {"agentName": agent_name}):
                raise _too_much("room_config.agents", each, allowed)


def _grants(value: object, room: str) -> tuple[bool, bool, bool]:
    """Publish, data, subscribe: those of the three that are wanted."""
    wanted = dict.fromkeys(_YES_OR_NO, True)
    for name, given in _object(value, "grants").items():
        field = f"grants.{name[:80]}"
        if name not in _GRANTS:
            raise Refusal(400, f"{field}: unknown grant", field=field, value=None, allowed=LEAST)
        if name == "room":
            if given and given != room:
                raise _too_much(field, given, room or "the room of room_name")
        elif name == "canPublishSources":
            sources: object = given or []
            if not isinstance(sources, list) or any(
                each not in ("microphone",) for each in cast("list[object]", sources)
            ):
                raise _too_much(field, given, "microphone")
            wanted["canPublish"] = wanted["canPublish"] and (given is None or bool(sources))
        elif given is not None and not isinstance(given, bool):
            raise Refusal(400, f"{field}: must be true or false", field=field, value=short(given), allowed=LEAST)
        elif name in _YES_OR_NO:
            wanted[name] = wanted[name] and given is not False
        elif name == "roomJoin":
            if given is False:
                raise Refusal(400, f"{field}: a token is for joining", field=field, value=given, allowed="true")
        elif given:
            raise _too_much(field, given, LEAST)
    return wanted["canPublish"], wanted["canPublishData"], wanted["canSubscribe"]


def _object(value: object, field: str) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refusal(400, f"{field}: must be an object", field=field, value=short(value), allowed="an object")
    return cast("dict[str, object]", value)


def _too_much(field: str, value: object, allowed: str) -> Refusal:
    return Refusal(403, f"{field}: more than a caller may have", field=field, value=short(value), allowed=allowed)
