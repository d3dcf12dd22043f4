"""Tokens of callers: what a person in a browser may do in one room, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

from livekit import api

if TYPE_CHECKING:
    from collections.abc import Mapping

# A token is used once, at connect; livekit-server refreshes it for as long as the connection lives.
DEFAULT_TTL_S = 120.0


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Key and secret of a LiveKit project. The secret never shows in a repr."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return f"ApiKey(key={self.key!r}, secret='***')"


def new_name(prefix: str) -> str:
    """A name that nobody can guess and nobody has used, e.g. ``call-3f9c2b7a51d04e68``."""
    return f"{prefix}-{token_hex(8)}"


def caller_token(
    api_key: ApiKey,
    *,
    room: str,
    identity: str,
    name: str = "",
    ttl_s: float = DEFAULT_TTL_S,
    attributes: Mapping[str, str] | None = None,
    agent: api.RoomAgentDispatch | None = None,
    empty_timeout_s: int | None = None,
    room_metadata: str = "",
    can_publish: bool = True,
    can_publish_data: bool = True,
    can_subscribe: bool = True,
) -> str:
    """Sign a JWT with which `identity` may join `room`: publish a microphone and data, subscribe, no more.

    `attributes` are the participant's, who cannot change them: what they say is the signer's word.
    `agent` comes along if the join creates the room; livekit-server ignores it for a room that exists. The bearer can
    read its metadata. So does `empty_timeout_s`, see `rooms.lifetime`: it closes the room of a caller who had gone
    before it was there; None takes the server's. What a `can_` is False for is taken away. Raises ValueError for an
    empty room or identity and for a ttl_s that is not above 0.
    """
    for field, value in (("room", room), ("identity", identity)):
        if not value:
            raise ValueError(f"{field}: got '', must not be empty")
    if ttl_s <= 0:
        raise ValueError(f"ttl_s: got {ttl_s:g}, must be above 0 (seconds)")
    grants = api.VideoGrants(
        room_join=True,
        room=room,
        can_publish=can_publish,
        can_publish_sources=["microphone"] if can_publish else None,
        can_publish_data=can_publish_data,
        can_subscribe=can_subscribe,
    )
    token = api.AccessToken(api_key.key, api_key.secret).with_identity(identity).with_grants(grants)
    if agent is not None:
        token = token.with_room_config(
            api.RoomConfiguration(agents=[agent], empty_timeout=empty_timeout_s or 0, metadata=room_metadata)
        )
    if attributes:
        token = token.with_attributes(dict(attributes))
    return token.with_name(name).with_ttl(timedelta(seconds=ttl_s)).to_jwt()
