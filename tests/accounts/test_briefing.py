"""What a call gets of its account: agent, tools, settings, words."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, cast

import pytest
from livekit.agents import Agent, function_tool, llm

from accounts.briefing import ToolNames, busy_sentence, new_agent, own_agent, own_settings, own_values
from accounts.record import Account
from tests.accounts.store_promises import account
from turns.profiles import turn_profile

if TYPE_CHECKING:
    from tests.conftest import MakeSettings


class Desk(Agent):
    """A service's agent: two tools of its own, a tool of another module, and a set of tools."""

    def __init__(self) -> None:
        super().__init__(instructions="You are the service's own.", tools=[weather, Garage(id="garage")])

    @function_tool
    async def hours(self) -> str:
        """When it is open."""
        return "always"

    @function_tool
    async def book(self) -> str:
        """Book a table."""
        return "booked"


class Garage(llm.Toolset):
    @function_tool
    async def tyres(self) -> str:
        """Change the tyres."""
        return "changed"


@function_tool
async def weather() -> str:
    """How it is outside."""
    return "fine"


def tools_of(agent: Agent) -> set[str]:
    return {tool.id for tool in agent.tools}


async def test_an_agent_speaks_by_the_accounts_instructions() -> None:
    """Before it is in any session, and for this call only: the next agent is another one."""
    agent = await own_agent(Desk, account(instructions="You are the harbour."))
    other = await own_agent(Desk, account("garden", instructions="You are the garden."))

    assert agent.instructions == "You are the harbour."
    assert other.instructions == "You are the garden."
    assert Desk().instructions == "You are the service's own."


@pytest.mark.parametrize(
    ("tools", "left"),
    [
        (None, {"hours", "book", "weather", "garage"}),
        ([], set[str]()),
        (["book"], {"book"}),
        (["weather", "garage", "no_such_tool"], {"weather", "garage"}),
        (["tyres"], set[str]()),  # a set of tools is allowed as a whole, by its own name
    ],
)
async def test_an_account_has_the_tools_that_it_allows(tools: list[str] | None, left: set[str]) -> None:
    """Left out is all of the service's, an empty list none; nothing else reaches the LLM."""
    agent = await own_agent(Desk, account(tools=tools))
    assert tools_of(agent) == left
    assert "tyres" not in llm.ToolContext(agent.tools).function_tools or "garage" in left
    assert set(llm.ToolContext(agent.tools).function_tools) - {"tyres"} == left - {"garage"}


def test_an_agent_answers_one_call() -> None:
    """A factory that gives the same one twice is refused: two calls would share one account's words."""
    agent = Desk()
    assert new_agent(lambda: agent) is agent
    with pytest.raises(RuntimeError, match="allowed: a new Agent for each"):
        new_agent(lambda: agent)


def test_unknown_tools_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """A line for an account, with what is allowed; known names and no names are none."""
    names = ToolNames(Desk())
    names.check(account(tools=["hours"]))
    names.check(account(tools=[]))
    names.check(account())
    assert caplog.records == []

    names.check(account(tools=["hours", "ring", "sing"]))
    names.check(account(tools=["ring"], voice="v2"))
    assert len(caplog.records) == 1
    fields = vars(caplog.records[0])
    assert fields["account"] == "harbour"
    assert fields["got"] == ["ring", "sing"]
    assert fields["allowed"] == ["book", "garage", "hours", "weather"]


def test_tools_that_cannot_be_limited_are_refused() -> None:
    """An agent's `mcp_servers` would be called by each account, whatever it allows."""
    servers = cast("Any", [object()])  # the real ones need a package that is not installed
    with pytest.raises(ValueError, match="MCPToolset"):
        ToolNames(Agent(instructions="", mcp_servers=servers))


OWN: dict[str, Any] = {
    "voice": "v2",
    "tts_model": "eleven_v3",
    "stt_model": "stt-rt-v6",
    "llm_model": "gpt-5",
    "language_hints": ["de", "en"],
    "max_tokens": 64,
    "profile": "fast",
}


def test_a_call_has_the_accounts_settings(make_settings: MakeSettings) -> None:
    """Each that the account has of its own, and no other; the copy passes the settings' own check."""
    settings = make_settings(profile="steady")
    own = own_settings(account(**OWN), settings)

    changed = {name for name in type(own).model_fields if getattr(own, name) != getattr(settings, name)}
    assert changed == {"tts_voice", *OWN} - {"voice"}
    assert own.tts_voice == "v2"
    assert own.language_hints == ("de", "en")
    assert type(own).model_validate(own.model_dump()) == own
    assert settings.profile == "steady"


def test_an_account_without_own_settings_has_the_services(make_settings: MakeSettings) -> None:
    """The same object: the pools then need no comparison."""
    settings = make_settings()
    assert own_settings(account(), settings) is settings
    assert own_values(account()) == {}


def test_every_setting_of_a_record_reaches_the_call() -> None:
    """A field that is added to the record has to be decided here too."""
    no_settings = {"id", "name", "instructions", "greeting", "max_calls", "max_call_s", "tools", "enabled", "variants"}
    assert set(Account.model_fields) == no_settings | {"phone_numbers", "hosts"} | set(OWN)


def test_what_the_record_takes_the_settings_take(make_settings: MakeSettings) -> None:
    """The ends of each range: a copy of settings is not checked, so the record has to be as strict."""
    ends: list[dict[str, Any]] = [{"max_tokens": 16}, {"max_tokens": 4096}, {"language_hints": ["fil", "ar"]}]
    for values in ends:
        own = own_settings(account(**values), make_settings())
        assert type(own).model_validate(own.model_dump()) == own


def test_an_accounts_profile_fits_the_services_delays(make_settings: MakeSettings) -> None:
    """Whatever the service has set by itself, the shortest silence is never above the longest."""
    delays = (None, 0.1, 0.9, 2.4, 5.0)
    for service, own, low, high in itertools.product(("fast", "steady"), ("fast", "steady"), delays, delays):
        if low is not None and high is not None and low > high:
            continue  # the settings refuse that themselves
        settings = make_settings(profile=service, min_endpointing_delay=low, max_endpointing_delay=high)
        profile = turn_profile(own_settings(account(profile=own), settings))
        assert profile.min_endpointing_delay_s <= profile.max_endpointing_delay_s
        if low is not None:
            assert profile.min_endpointing_delay_s == low


@pytest.mark.parametrize(
    ("fields", "arabic"),
    [
        ({"language_hints": ["ar", "en"]}, True),
        ({"language_hints": ["en", "ar"], "greeting": "مرحبا بكم."}, False),
        ({"greeting": "مرحبا بكم."}, True),
        ({}, False),
    ],
)
def test_who_finds_no_line_is_told_so_in_their_language(fields: dict[str, Any], arabic: bool) -> None:
    """Arabic where it is the account's first language, by its hints or else by its greeting; English elsewhere."""
    assert ("مشغولة" in busy_sentence(account(**fields))) is arabic
