"""The token of each request, signed once for many of the same kind: signing costs a fifth of a request's time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from livekit import api

if TYPE_CHECKING:
    from rooms.tokens import ApiKey

KEPT_S = 60.0
"""A token of livekit-api is good for hours."""
MOST = 500


class Authorization:
    """Stands where a service of LiveKitAPI has its `_auth_header`; one for all clients of a key."""

    def __init__(self, api_key: ApiKey) -> None:
        self._api_key = api_key
        self._signed: dict[str, tuple[float, str]] = {}

    def __repr__(self) -> str:
        return f"<Authorization {self._api_key.key}>"

    def __call__(self, grants: api.VideoGrants | None, sip: api.SIPGrants | None = None) -> dict[str, str]:
        now_s = time.monotonic()
        kind = f"{grants!r} {sip!r}"
        signed_s, token = self._signed.get(kind, (-KEPT_S, ""))
        if now_s - signed_s >= KEPT_S:
            token = self._sign(grants, sip)
            if len(self._signed) >= MOST:
                self._signed.clear()
            self._signed[kind] = (now_s, token)
        return {"authorization": f"Bearer {token}"}

    def _sign(self, grants: api.VideoGrants | None, sip: api.SIPGrants | None) -> str:
        token = api.AccessToken(self._api_key.key, self._api_key.secret)
        if grants is not None:
            token = token.with_grants(grants)
        if sip is not None:
            token = token.with_sip_grants(sip)
        return token.to_jwt()
