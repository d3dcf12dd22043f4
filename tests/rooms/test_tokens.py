"""Tokens of callers."""

from __future__ import annotations

import time

import jwt
import pytest
from livekit import api

from rooms.tokens import ApiKey, caller_token, new_name

KEY = ApiKey("devkey", "a-secret-of-thirty-two-characters-or-more")


def claims(token: str) -> dict[str, object]:
    return jwt.decode(token, KEY.secret, algorithms=["HS256"], issuer=KEY.key)


def test_a_caller_may_speak_listen_and_send_data_and_nothing_else() -> None:
    """The grants name one room and the microphone; there is no right on rooms, other sources or metadata."""
    found = claims(caller_token(KEY, room="call-1", identity="caller-1", name="Ada"))
    assert (found["sub"], found["name"]) == ("caller-1", "Ada")
    assert found["video"] == {
        "roomJoin": True,
        "room": "call-1",
        "canPublish": True,
        "canPublishSources": ["microphone"],
        "canPublishData": True,
        "canSubscribe": True,
    }


def test_a_token_lives_as_long_as_asked() -> None:
    """Its expiry is ttl_s after now, to the second in which it was signed."""
    before = int(time.time())
    expires = claims(caller_token(KEY, room="r", identity="i", ttl_s=30))["exp"]
    assert isinstance(expires, int)
    assert before + 30 <= expires <= int(time.time()) + 30


def test_a_token_can_bring_an_agent() -> None:
    """With name and metadata, and the limit of its empty room, in that room's configuration; else there is none."""
    agent = api.RoomAgentDispatch(agent_name="desk", metadata="who calls")
    found = claims(caller_token(KEY, room="r", identity="i", agent=agent))
    assert found["roomConfig"] == {"agents": [{"agentName": "desk", "metadata": "who calls"}]}
    limited = claims(caller_token(KEY, room="r", identity="i", agent=agent, empty_timeout_s=135))
    assert limited["roomConfig"] == {"agents": [{"agentName": "desk", "metadata": "who calls"}], "emptyTimeout": 135}
    assert "roomConfig" not in claims(caller_token(KEY, room="r", identity="i"))


@pytest.mark.parametrize(
    ("room", "identity", "ttl_s", "message"),
    [
        ("", "caller", 60.0, "room: got '', must not be empty"),
        ("room", "", 60.0, "identity: got '', must not be empty"),
        ("room", "caller", 0.0, "ttl_s: got 0, must be above 0 (seconds)"),
        ("room", "caller", -1.0, "ttl_s: got -1, must be above 0 (seconds)"),
    ],
)
def test_a_wrong_value_is_named(room: str, identity: str, ttl_s: float, message: str) -> None:
    """The error says field, value and what is allowed."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message is compared
        caller_token(KEY, room=room, identity=identity, ttl_s=ttl_s)
    assert str(error.value) == message


def test_the_secret_does_not_show() -> None:
    """repr of a key has the key's name and hides its secret."""
    assert repr(KEY) == "ApiKey(key='devkey', secret='***')"


def test_names_do_not_repeat() -> None:
    """A thousand names with one prefix are a thousand names."""
    assert len({new_name("call") for _ in range(1000)}) == 1000
