"""Webhooks as livekit-server sends them, and as it never would."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any
from uuid import uuid4

import aiohttp
import jwt

from rooms.tokens import ApiKey

KEY = ApiKey("APIkey", "livekit-secret-" + "l" * 32)
TYPE = "application/webhook+json"


def event(kind: str = "room_started", room: str = "one", **more: Any) -> dict[str, Any]:
    """An event of now; sids are made of names."""
    about = {"room": {"name": room, "sid": f"RM_{room}"}}
    return {"event": kind, "id": f"EV_{uuid4().hex}", "createdAt": str(int(time.time())), **about, **more}


def token(body: bytes, key: ApiKey = KEY, **claims: Any) -> str:
    """As livekit-server signs `body`: five minutes, the hash in base64. A claim of None is left out."""
    now = int(time.time())
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    all_claims = {"iss": key.key, "nbf": now, "exp": now + 300, "sha256": digest, **claims}
    return jwt.encode({name: value for name, value in all_claims.items() if value is not None}, key.secret, "HS256")


def body_of(content: object) -> bytes:
    return content if isinstance(content, bytes) else json.dumps(content).encode()


async def send(
    url: str, content: object, *, signed: str | None = None, content_type: str = TYPE, **headers: str
) -> tuple[int, dict[str, Any]]:
    """Post an event or bytes, signed with KEY unless `signed` says otherwise; the status and the answer."""
    body = body_of(content)
    sent = {"Authorization": token(body) if signed is None else signed, "Content-Type": content_type, **headers}
    async with aiohttp.ClientSession() as http, http.post(url, data=body, headers=sent) as answer:
        return answer.status, await answer.json()
