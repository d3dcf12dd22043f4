"""Why the proxy stands between callers and livekit-server: restarts that carry candidates make that one crash."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from rooms.tokens import ApiKey, caller_token, new_name
from sim.livekit_binary import VERSION
from sim.livekit_server import LocalLiveKit
from tests.web.whip_server import FRAGMENT_TYPE, OFFER, SDP_TYPE, text

RESTART = text(
    "m=audio 9 UDP/TLS/RTP/SAVPF 0",
    "a=mid:0",
    "a=ice-ufrag:efgh",
    "a=ice-pwd:0123456789012345678901",
    "a=candidate:1 1 udp 2122260223 127.0.0.1 61764 typ host",
    "a=candidate:2 1 udp 2122260222 127.0.0.1 61765 typ host",
    "a=end-of-candidates",
)
AGAIN = RESTART.replace("efgh", "ijkl")


async def test_asked_directly_the_server_still_crashes() -> None:
    """If this fails: the pinned livekit-server bears such a restart; the proxy's rebuilding of fragments may go."""
    async with LocalLiveKit() as livekit, aiohttp.ClientSession() as http:
        base = livekit.url.replace("ws", "http", 1)
        token = caller_token(ApiKey(livekit.api_key, livekit.api_secret), room=new_name("call"), identity="caller-a")
        bearer = {"Authorization": f"Bearer {token}"}
        async with http.post(f"{base}/whip/v1", data=OFFER, headers=bearer | SDP_TYPE) as answer:
            assert answer.status == 201
            where = base + answer.headers["Location"]
        headers = bearer | {"Content-Type": FRAGMENT_TYPE, "If-Match": "*"}
        async with http.patch(where, data=RESTART, headers=headers) as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientError):
            async with http.patch(where, data=AGAIN, headers=headers) as answer:
                pytest.fail(
                    f"livekit-server {VERSION} does not crash any more, it answers {answer.status}", pytrace=False
                )
        # And it is the whole server, not that request.
        async with asyncio.timeout(20):
            while await answers(http, base):
                await asyncio.sleep(0.05)


async def answers(http: aiohttp.ClientSession, base: str) -> bool:
    try:
        async with http.get(base) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
