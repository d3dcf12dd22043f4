"""Who may talk to the page's server."""

from __future__ import annotations

import json

import pytest
from aiohttp.test_utils import make_mocked_request

from web.guards import foreign, security_headers

HOSTS = "127.0.0.1, ::1, localhost, *.localhost"
OWN = {"Host": "127.0.0.1:8000"}


@pytest.mark.parametrize(
    "headers",
    [
        OWN,
        {"Host": "localhost:8000", "Origin": "http://localhost:8000"},
        {"Host": "Harbour.localhost:8000", "Origin": "http://Harbour.localhost:8000"},
        {"Host": "[::1]:8000", "Origin": "http://[::1]:8000", "Sec-Fetch-Site": "same-origin"},
        OWN | {"Sec-Fetch-Site": "none"},
        OWN | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_the_pages_own_requests_pass(headers: dict[str, str]) -> None:
    """From the page itself, from a program on this machine, and by a link that leads to the page."""
    assert foreign(make_mocked_request("POST", "/api/token", headers)) is None


@pytest.mark.parametrize(
    ("headers", "field", "value", "allowed"),
    [
        ({"Host": "evil.example:8000"}, "Host", "evil.example:8000", HOSTS),
        (
            {"Host": "127.0.0.1.evil.example"},
            "Host",
            "127.0.0.1.evil.example",
            HOSTS,
        ),
        ({"Host": "[::1"}, "Host", "[::1", HOSTS),
        (OWN | {"Origin": "https://evil.example"}, "Origin", "https://evil.example", "http://127.0.0.1:8000"),
        (OWN | {"Origin": "http://127.0.0.1:9000"}, "Origin", "http://127.0.0.1:9000", "http://127.0.0.1:8000"),
        (OWN | {"Origin": "null"}, "Origin", "null", "http://127.0.0.1:8000"),
        (OWN | {"Sec-Fetch-Site": "cross-site"}, "Sec-Fetch-Site", "cross-site", "same-origin"),
    ],
)
def test_what_another_site_had_a_hand_in_is_refused(
    headers: dict[str, str], field: str, value: str, allowed: str
) -> None:
    """A name pointed at this machine, another origin, another port: 403 with field, value and what is allowed."""
    response = foreign(make_mocked_request("POST", "/api/token", headers))
    assert response is not None
    assert response.status == 403
    assert response.text is not None
    error = json.loads(response.text)["error"]
    assert (error["field"], error["value"], error["allowed"]) == (field, value, allowed)


@pytest.mark.parametrize(
    ("url", "network"),
    [
        ("ws://127.0.0.1:7880", "'self' ws://127.0.0.1:7880 http://127.0.0.1:7880"),
        ("wss://voice.example", "'self' wss://voice.example https://voice.example"),
        (
            "wss://mine.livekit.cloud",
            "'self' wss://mine.livekit.cloud https://mine.livekit.cloud wss://*.livekit.cloud https://*.livekit.cloud",
        ),
    ],
)
def test_the_page_may_reach_its_server_and_livekit_only(url: str, network: str) -> None:
    """connect-src is the page's own server and the LiveKit server in its two schemes; scripts are the server's own."""
    policy = security_headers(url)["Content-Security-Policy"].split("; ")
    assert f"connect-src {network}" in policy
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
