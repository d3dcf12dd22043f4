"""Each request that livekit-api has is judged: to be repeated or not."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from google.protobuf.message import DecodeError
from livekit import api
from livekit.api._service import Service
from livekit.api.twirp_client import TwirpClient

from rooms.clients.errors import NotReached
from rooms.clients.repetition import ONCE, REPEATABLE, may_be_sent_again

BROKEN = aiohttp.ServerDisconnectedError()
REFUSED = aiohttp.ClientConnectorError(ConnectionKey("127.0.0.1", 1, False, True, None, None, None), OSError("refused"))


def requests_of_livekit_api() -> set[str]:
    """Read from its source: `SVC` and the method's name are the first two arguments of each request."""
    found: set[str] = set()
    for file in Path(inspect.getfile(api.LiveKitAPI)).parent.glob("[a-z]*_service.py"):
        text = file.read_text(encoding="utf-8")
        service = re.search(r'^SVC = "(\w+)"', text, re.MULTILINE)
        assert service, file
        found |= {f"{service[1]}/{method}" for method in re.findall(r'SVC,\s+"(\w+)",', text)}
    return found


def test_every_request_is_in_one_of_the_lists() -> None:
    """A request that a new livekit-api brings has to be put into one by a person."""
    assert not REPEATABLE & ONCE
    assert requests_of_livekit_api() == REPEATABLE | ONCE


def test_the_private_way_in_is_as_it_was() -> None:
    """What `PooledClient` replaces is there, and is called so."""
    assert 'self._client = TwirpClient(session, host, "livekit"' in inspect.getsource(Service)
    assert list(inspect.signature(TwirpClient.request).parameters) == [
        *("self", "service", "method", "data", "headers", "response_class", "timeout"),
    ]
    signing = inspect.signature(Service._auth_header)  # pyright: ignore[reportPrivateUsage]  # that is the test
    assert list(signing.parameters) == ["self", "grants", "sip"]
    assert signing.return_annotation == "dict[str, str]"


@pytest.mark.parametrize(
    ("error", "read", "dispatch"),
    [
        (REFUSED, True, True),
        (aiohttp.ConnectionTimeoutError(), True, True),
        (BROKEN, True, False),
        (aiohttp.ClientOSError(104, "reset"), True, False),
        (TimeoutError(), True, False),
        (api.ServerError("unknown", "", status=502), True, False),
        (DecodeError("this is a page"), True, False),
        (api.ServerError("unavailable", "no response from servers", status=503), False, False),
        (api.ServerError("not_found", "", status=404), False, False),
        (NotReached("nobody there"), False, False),
        (ValueError("ours"), False, False),
    ],
)
def test_what_may_be_sent_again(error: Exception, read: bool, dispatch: bool) -> None:
    """A read after anything that is no answer; a dispatch only if it has not left; an answer is an answer."""
    assert may_be_sent_again("RoomService", "ListRooms", error) is read
    assert may_be_sent_again("AgentDispatchService", "CreateDispatch", error) is dispatch


def test_what_nobody_knows_is_sent_once() -> None:
    """A request without a method in LiveKitAPI, such as PerformRpc."""
    assert not may_be_sent_again("RoomService", "PerformRpc", BROKEN)
