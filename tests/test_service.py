"""What `agent.py` hands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from livekit.agents import Agent

from service import Brief, Service
from utils.greeting_text import GreetingTextError

if TYPE_CHECKING:
    from tests.conftest import MakeSettings


class Speaker(Agent):
    """An agent with nothing to say."""

    def __init__(self) -> None:
        super().__init__(instructions="Be brief.")


def test_a_call_is_answered_by_the_services_agent_and_words(make_settings: MakeSettings) -> None:
    """Without GREETING the text of agent.py is said."""
    brief = Service(agent=Speaker, greeting="Hello from agent.py.").brief(make_settings())
    assert isinstance(brief.agent, Speaker)
    assert brief.greeting == "Hello from agent.py."


def test_greeting_is_the_first_words_of_every_call(make_settings: MakeSettings) -> None:
    """GREETING goes over the text of agent.py."""
    brief = Service(agent=Speaker, greeting="Hello from agent.py.").brief(make_settings(greeting="Good evening."))
    assert brief.greeting == "Good evening."


def test_each_call_has_an_agent_of_its_own(make_settings: MakeSettings) -> None:
    """An agent holds the conversation: two calls must not share it."""
    service = Service(agent=Speaker, greeting="Hi.")
    assert service.brief(make_settings()).agent is not service.brief(make_settings()).agent


def test_nobody_claims_a_call_and_nothing_listens_unless_it_is_handed_in() -> None:
    """Accounts and observers are optional."""
    service = Service(agent=Speaker, greeting="Hi.")
    assert (service.accounts, service.observers) == (None, None)


def test_a_greeting_that_cannot_be_said_is_refused(make_settings: MakeSettings) -> None:
    """When the service is made, and when an account gives a brief; a name is allowed behind the opening."""
    service = Service(agent=Speaker, greeting="This is the desk. Hello {name}!")
    assert service.brief(make_settings()).words.personal == "Hello {name}!"
    with pytest.raises(GreetingTextError, match=r"a whole sentence without \{name\} first"):
        Service(agent=Speaker, greeting="Hello {name}!")
    with pytest.raises(GreetingTextError, match="no other braces"):
        Brief(Speaker(), "Hello. {account}")
