"""What a look says of a URL."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import aiohttp
import pytest

from rooms.clients.look import look
from rooms.tokens import ApiKey

if TYPE_CHECKING:
    from sim.counting_relay import CountingRelay


async def test_livekit_answers_each_look_on_a_new_connection(relay: CountingRelay, key: ApiKey) -> None:
    """Each is told to whoever counts."""
    opened: list[None] = []
    for _ in range(3):
        await look(relay.url, api_key=key, on_connect=lambda: opened.append(None))
    assert len(opened) == len(relay.accepted_s) == 3


async def test_a_livekit_that_refuses_the_key_is_there(relay: CountingRelay, caplog: pytest.LogCaptureFixture) -> None:
    """To look for another one would not help; the log says so, and not the secret."""
    with caplog.at_level(logging.ERROR):
        await look(relay.url, api_key=ApiKey("APInone", "s" * 40), on_connect=lambda: None)
    assert "LiveKit refuses the key" in caplog.text
    assert "ssss" not in caplog.text


async def test_a_url_without_a_server(relay: CountingRelay, key: ApiKey) -> None:
    """The error of the connection."""
    relay.shut()
    with pytest.raises(aiohttp.ClientConnectorError):
        await look(relay.url, api_key=key, on_connect=lambda: None)
