"""From an account to the brief of one call: its own agent, words and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet

from accounts.record import SERVICE_SETTINGS
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents import Agent

    from accounts.record import Account
    from config import Settings

log = get_logger("accounts")

MOST_WARNINGS = 1000

_BUSY = "All lines are busy. Please call again later."
_BUSY_AR = "جميع الخطوط مشغولة. يرجى الاتصال لاحقا."

_made: WeakSet[Agent] = WeakSet()


def own_values(account: Account) -> dict[str, object]:
    """The settings that the account has of its own, by field name. The record's check is as strict as theirs."""
    values = {setting: getattr(account, name) for name, setting in SERVICE_SETTINGS.items()}
    return {setting: value for setting, value in values.items() if value is not None}


def own_settings(account: Account, settings: Settings) -> Settings:
    """`settings` with the account's own.

    A delay that the service sets by itself stands over the account's profile, as over the service's;
    `turns.profiles.turn_profile` keeps the shortest and the longest in order.
    """
    values = own_values(account)
    return settings.model_copy(update=values) if values else settings


def new_agent(make: Callable[[], Agent]) -> Agent:
    """What `make` gives. Raises RuntimeError if another call has it: two callers would be told one account's words."""
    agent = make()
    if agent in _made:
        raise RuntimeError("the service's agent: got that of another call, allowed: a new Agent for each")
    _made.add(agent)
    return agent


async def own_agent(make: Callable[[], Agent], account: Account) -> Agent:
    """A new agent with the account's instructions and the tools that it allows: None is all, an empty list none."""
    agent = new_agent(make)
    # Neither waits for anything before the agent is in a session.
    await agent.update_instructions(account.instructions)
    if account.tools is not None:
        await agent.update_tools([tool for tool in agent.tools if tool.id in account.tools])
    return agent


def busy_sentence(account: Account) -> str:
    """What a caller hears for whom there is no line left, in the account's first language: Arabic or English."""
    if account.language_hints is not None:
        arabic = account.language_hints[0] == "ar"
    else:
        arabic = any("\u0600" <= char <= "\u06ff" for char in account.greeting)
    return _BUSY_AR if arabic else _BUSY


class ToolNames:
    """The tools that the service's agents have, by `agent`, one of them.

    Raises ValueError for one with tools that no account could be kept from.
    """

    def __init__(self, agent: Agent) -> None:
        if agent.mcp_servers:
            raise ValueError("the service's agent: got mcp_servers, allowed: MCP tools as an MCPToolset in its tools")
        self._names = frozenset(tool.id for tool in agent.tools)
        self._warned: set[str] = set()

    def check(self, account: Account) -> None:
        """Warn once of an account's tools that no agent has: they are left out of its calls."""
        unknown = [name for name in account.tools or () if name not in self._names]
        if unknown and account.id not in self._warned and len(self._warned) < MOST_WARNINGS:
            self._warned.add(account.id)
            log.warning("no such tools", account=account.id, got=unknown, allowed=sorted(self._names))
