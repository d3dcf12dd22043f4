"""STUN and TURN servers for browsers that come by WHIP, and the passwords with which TURN lets them in.

For those only: livekit-server tells livekit-client its own servers, with passwords of its own, in each join (its
configuration `turn` and `rtc.turn_servers`, the latter may name the same coturn). A WHIP page has to know them before
it makes its offer, when nobody has asked LiveKit for anything yet.

A password is coturn's REST credential (`use-auth-secret`, draft-uberti-behave-turn-rest-00): it is made from a secret
that the two servers share, and nothing is kept of it. Whoever can open the page gets one, so the TURN server must
relay to nothing but LiveKit: see deploy/coturn.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_TTL_S = 86_400.0


@dataclass(frozen=True, slots=True)
class IceConfig:
    """What is set. `turn_secret` is needed for `turn:` and `turns:` and never shows in a repr.

    `ttl_s`: how long a password opens a new way through TURN; a way that is open stays. Raises ValueError for a TURN
    server without a secret, or a lifetime that is not above 0.
    """

    urls: Sequence[str] = ()
    turn_secret: str = field(default="", repr=False)
    ttl_s: float = DEFAULT_TTL_S

    def __post_init__(self) -> None:
        if not self.turn_secret and any(map(_is_turn, self.urls)):
            raise ValueError("turn_secret: got '', must not be empty with a turn: or turns: URL")
        if self.ttl_s <= 0:
            raise ValueError(f"ttl_s: got {self.ttl_s:g}, must be above 0 (seconds)")


def ice_servers(config: IceConfig, identity: str, *, now_s: float) -> list[dict[str, object]]:
    """The servers as a browser's list of `RTCIceServer`; `now_s` is a `time.time()`.

    `identity` is whom coturn counts the use for, anything without a colon.
    """
    stun = [url for url in config.urls if not _is_turn(url)]
    turn = [url for url in config.urls if _is_turn(url)]
    servers: list[dict[str, object]] = []
    if stun:
        servers.append({"urls": stun})
    if turn:
        username = f"{int(now_s + config.ttl_s)}:{identity}"
        servers.append({"urls": turn, "username": username, "credential": _password(config.turn_secret, username)})
    return servers


def _password(secret: str, username: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), username.encode(), "sha1")).decode()


def _is_turn(url: str) -> bool:
    return url.lower().startswith("turn")
