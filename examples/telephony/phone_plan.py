"""A plan of trunks and dispatch rules: a YAML file, checked before LiveKit hears of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from livekit import api
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from examples.telephony.numbers import phone_number
from utils.yaml_text import YamlProblem, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PLANNED: Mapping[type, tuple[str, ...]] = {
    api.SIPInboundTrunkInfo: ("name", "numbers", "allowed_addresses", "auth_username", "auth_password"),
    api.SIPOutboundTrunkInfo: ("name", "address", "transport", "numbers", "auth_username", "auth_password"),
    api.SIPDispatchRuleInfo: ("name", "rule", "trunk_ids", "room_config"),
}
"""The fields that a plan decides; what else a trunk or a rule has at LiveKit stays as it is."""
TRANSPORTS = {
    "auto": api.SIPTransport.SIP_TRANSPORT_AUTO,
    "udp": api.SIPTransport.SIP_TRANSPORT_UDP,
    "tcp": api.SIPTransport.SIP_TRANSPORT_TCP,
    "tls": api.SIPTransport.SIP_TRANSPORT_TLS,
}


class PlanProblem(Exception):
    """The plan cannot be used; `problems` has a line for each fault: field, value, what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _number(text: str) -> str:
    return phone_number("number", text)


Name = Annotated[str, Field(min_length=1, max_length=128)]
Numbers = Annotated[list[Annotated[str, AfterValidator(_number)]], Field(max_length=1000)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Name


class _Trunk(_Entry):
    numbers: Numbers = Field(default_factory=list)
    auth_username: str = ""
    auth_password_file: str = ""
    password: str = Field("", exclude=True, repr=False)  # what the file holds; read_plan puts it here

    @model_validator(mode="after")
    def _both_or_none(self) -> _Trunk:
        if bool(self.auth_username) != bool(self.auth_password_file):
            raise ValueError("auth_username, auth_password_file: got one of them, allowed: both or none")
        return self


class InboundTrunk(_Trunk):
    """Who may call in. LiveKit asks for numbers, addresses, or a user name with its password."""

    allowed_addresses: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _guarded(self) -> InboundTrunk:
        if not (self.numbers or self.allowed_addresses or self.auth_username):
            raise ValueError("numbers, allowed_addresses, auth_username: got none, allowed: at least one of them")
        return self

    def wanted(self) -> api.SIPInboundTrunkInfo:
        return api.SIPInboundTrunkInfo(
            name=self.name,
            numbers=self.numbers,
            allowed_addresses=self.allowed_addresses,
            auth_username=self.auth_username,
            auth_password=self.password,
        )


class OutboundTrunk(_Trunk):
    """Over whom we call."""

    address: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+(:\d{1,5})?$")]
    transport: Literal["auto", "udp", "tcp", "tls"] = "auto"
    numbers: Numbers = Field(min_length=1)

    def wanted(self) -> api.SIPOutboundTrunkInfo:
        return api.SIPOutboundTrunkInfo(
            name=self.name,
            address=self.address,
            transport=TRANSPORTS[self.transport],
            numbers=self.numbers,
            auth_username=self.auth_username,
            auth_password=self.password,
        )


class Rule(_Entry):
    """A room of its own for each call, with the agent in it."""

    trunks: list[str] = Field(default_factory=list)
    room_prefix: Annotated[str, Field(min_length=1, max_length=64)] = "phone-"
    agent_name: Name
    metadata: str = ""

    def wanted(self, trunk_ids: Mapping[str, str]) -> api.SIPDispatchRuleInfo:
        individual = api.SIPDispatchRuleIndividual(room_prefix=self.room_prefix)
        agent = RoomAgentDispatch(agent_name=self.agent_name, metadata=self.metadata)
        return api.SIPDispatchRuleInfo(
            name=self.name,
            rule=api.SIPDispatchRule(dispatch_rule_individual=individual),
            trunk_ids=[trunk_ids[name] for name in self.trunks],
            room_config=RoomConfiguration(agents=[agent]),
        )


class PhonePlan(BaseModel):
    """All of it. Names are unique among their kind; a rule's trunks are those of the plan."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    inbound: list[InboundTrunk] = Field(default_factory=list[InboundTrunk])
    outbound: list[OutboundTrunk] = Field(default_factory=list[OutboundTrunk])
    rules: list[Rule] = Field(default_factory=list[Rule])

    @model_validator(mode="after")
    def _names(self) -> PhonePlan:
        for kind in ("inbound", "outbound", "rules"):
            names = [each.name for each in getattr(self, kind)]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{kind}.name: got {twice[0]!r} twice, allowed: each name once")
        known = [trunk.name for trunk in self.inbound]
        for rule in self.rules:
            for name in rule.trunks:
                if name not in known:
                    raise ValueError(f"rules.trunks: got {name!r}, allowed: {', '.join(known) or 'no trunk is there'}")
        return self


def read_plan(file: Path) -> PhonePlan:
    """With the passwords of the files that it names, which are looked for beside it. Raises `PlanProblem`."""
    try:
        items = load(file.read_text(encoding="utf-8"))
    except YamlProblem as error:
        raise PlanProblem([f"{file.name}, line {error.line}: {error}"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PlanProblem([f"{file.name}: not readable ({type(error).__name__}); allowed: a YAML file"]) from None
    if len(items) != 1 or not isinstance(items[0].value, dict):
        raise PlanProblem([f"{file.name}: allowed: one document with inbound, outbound and rules"])
    try:
        plan = PhonePlan.model_validate(items[0].value)
    except ValidationError as error:
        raise PlanProblem([_readable(each) for each in error.errors()]) from None
    return plan.model_copy(
        update={
            "inbound": [_with_password(trunk, file.parent) for trunk in plan.inbound],
            "outbound": [_with_password(trunk, file.parent) for trunk in plan.outbound],
        }
    )


def _with_password(trunk: Any, folder: Path) -> Any:
    if not trunk.auth_password_file:
        return trunk
    try:
        password = (folder / trunk.auth_password_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        password, why = "", f" ({type(error).__name__})"
    else:
        why = " (it is empty)"
    if not password:
        name = trunk.auth_password_file
        raise PlanProblem([f"auth_password_file: got {name!r}{why}, allowed: a file with the password and no more"])
    return trunk.model_copy(update={"password": password})


def _readable(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    words = str(problem["msg"]).removeprefix("Value error, ").replace("Input should", "allowed: should")
    if problem["type"] == "value_error":
        return f"{place}: {words}" if place else words
    if problem["type"] == "extra_forbidden":
        # A password that was written into the plan itself must not come out here.
        return f"{place}: no such field"
    if problem["type"] == "missing":
        return f"{place}: not set"  # what is there beside it may be a password
    return f"{place}: got {problem.get('input')!r}, {words}"
