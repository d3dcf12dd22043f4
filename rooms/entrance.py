"""The way into a call: a room with the agent in it or on its way, and a token for it."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from livekit import api

from rooms.creation import sound_metadata
from rooms.dispatch import open_room
from rooms.escort import Escorts
from rooms.lifetime import age_limit_s, empty_timeout_s
from rooms.standby import StandbyRooms
from rooms.tokens import DEFAULT_TTL_S, caller_token, new_name

if TYPE_CHECKING:
    from rooms.performance.sections import AudioConfig
    from rooms.tokens import ApiKey

DispatchAt = Literal["token", "join"]
"""When the agent of a caller without a standby room is sent for: with the token, or by the caller's join."""
CALLER_TIMEOUT_S = 120.0
TRANSPORT = "firstword.transport"
"""Attribute of a caller who has come in another way than with livekit-client: "whip"."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a caller's client needs. `url` is LiveKit's; the token never shows in a repr."""

    url: str
    token: str
    room: str
    identity: str

    def __repr__(self) -> str:
        return f"Ticket(url={self.url!r}, token='***', room={self.room!r}, identity={self.identity!r})"


class Entrance:
    """Admits callers. For the page of `dev`, and for a backend of your own:

        async with Entrance("wss://...", ApiKey(key, secret), "firstword", standby_rooms=2) as entrance:
            ticket = await entrance.admit("Ada")  # give its url and token to the caller's client

    One for the process, for as long as it serves. A caller gets a standby room if there is one. Otherwise a new one:
    with `dispatch_at` "token" the agent is on its way when the ticket is given out, with "join" the caller's join
    brings it. Until the caller is in the room and served, a lost agent is replaced; and a caller who comes so late that
    the agent has left and the room is closed brings another one along.

    `caller_timeout_s` is the agent's CALLER_TIMEOUT: how long it waits for its caller. No standby room gets older than
    half of it, and soon after it livekit-server closes a room that no caller has joined. `audio` is written into each
    room, see `rooms.creation`: its callers' clients read it there. Raises ValueError for what
    StandbyRooms does not take, and for another `dispatch_at`.
    """

    def __init__(
        self,
        url: str,
        key: ApiKey,
        agent_name: str,
        *,
        standby_rooms: int = 0,
        caller_timeout_s: float = CALLER_TIMEOUT_S,
        dispatch_at: DispatchAt = "token",
        audio: AudioConfig | None = None,
    ) -> None:
        if dispatch_at not in ("token", "join"):
            raise ValueError(f"dispatch_at: got {dispatch_at!r}, must be 'token' or 'join'")
        self._url = url
        self._key = key
        self._agent_name = agent_name
        self._standby_rooms = standby_rooms
        self._caller_timeout_s = caller_timeout_s
        self._dispatch_at = dispatch_at
        self._empty_timeout_s = empty_timeout_s(caller_timeout_s)
        self._room_metadata = "" if audio is None else sound_metadata(audio)

    @property
    def waiting(self) -> int:
        """Standby rooms that could be handed out now."""
        return self._standby.waiting

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._lk = await stack.enter_async_context(api.LiveKitAPI(self._url, self._key.key, self._key.secret))
            self._escorts = await stack.enter_async_context(Escorts(self._lk, self._agent_name, limit_s=DEFAULT_TTL_S))
            standby = StandbyRooms(
                self._lk,
                self._agent_name,
                size=self._standby_rooms,
                max_age_s=age_limit_s(self._caller_timeout_s),
                room_metadata=self._room_metadata,
            )
            self._standby = await stack.enter_async_context(standby)
            self._open = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Delete the standby rooms that nobody took; who was admitted may still come."""
        await self._open.aclose()

    async def admit(self, name: str = "", *, host: str = "", transport: str = "") -> Ticket:
        """A ticket for one caller, whose name is shown in the room; it is good for DEFAULT_TTL_S.

        The job of an agent that is sent for now has `{"identity", "name"}` as metadata, that of a standby room none;
        `name` is the caller's in both. `host`, the name under which the page was opened, is in that metadata, too, and
        an attribute of the caller's: an account can be found by it. `transport`, if it is not livekit-client's, is the
        attribute TRANSPORT, and nothing of the job. Raises rooms.dispatch.DispatchError if LiveKit fails.
        """
        identity = new_name("caller")
        opened_at = {"host": host} if host else {}
        metadata = json.dumps({"identity": identity, "name": name, **opened_at})
        room = self._standby.take()
        if room is None:
            room = new_name("call")
            if self._dispatch_at == "token":
                await open_room(
                    self._lk,
                    room,
                    self._agent_name,
                    metadata,
                    fresh=True,
                    empty_timeout_s=self._empty_timeout_s,
                    room_metadata=self._room_metadata,
                )
                self._escorts.go(room)
        else:
            self._escorts.go(room)
        token = caller_token(
            self._key,
            room=room,
            identity=identity,
            name=name,
            attributes=opened_at | ({TRANSPORT: transport} if transport else {}),
            agent=api.RoomAgentDispatch(agent_name=self._agent_name, metadata=metadata),
            empty_timeout_s=self._empty_timeout_s,
            room_metadata=self._room_metadata,
        )
        return Ticket(self._url, token, room, identity)
