"""RoomService.PerformRpc: a call of a method that a participant has registered, from outside the room.

livekit-api 1.x has no wrapper for it; `tests/rooms/channel/test_agent_rpc.py` compares what is used with the installed
package. As livekit-server 1.13.5 does it: an answer takes 2 to 3 ms on one machine; one that takes 3 s or longer is
asked for again by the server itself, so a method must know a repeated call; payloads have at most 15 KiB each way.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from aiohttp import ClientError
from livekit import api
from livekit.api.twirp_client import TwirpClient, TwirpError
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.room import (
    ListParticipantsRequest,
    ListParticipantsResponse,
    PerformRpcRequest,
    PerformRpcResponse,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import ClientSession

    from rooms.tokens import ApiKey

READ_FROM_VERSION = "1.2.2"
SERVICE = "RoomService"
LONGEST_HOLD_MS = 1500
"""So long a method may wait with its answer: well below the 3 s after which livekit-server calls again."""
RESPONSE_LIMIT_MS = 2500


class NoAgent(Exception):
    """No agent is in the room."""


class AgentRpcError(Exception):
    """The call was not answered; the message is the error's kind. `gone`: no such agent any more, or no such method."""

    def __init__(self, kind: str, *, gone: bool) -> None:
        super().__init__(kind)
        self.gone = gone


class AgentRpc:
    """Calls methods of agents, by the project's key. `http` is not closed here; its time limit holds."""

    def __init__(self, http: ClientSession, url: str, key: ApiKey) -> None:
        self._client = TwirpClient(http, url, "livekit", failover=False)
        self._key = key

    async def find_agent(self, room: str) -> str:
        """The identity of the room's agent, the first if there are several. Raises NoAgent, AgentRpcError."""
        try:
            answer = await self._client.request(
                SERVICE,
                "ListParticipants",
                ListParticipantsRequest(room=room),
                self._header(room),
                ListParticipantsResponse,
            )
        except TwirpError as error:
            if error.code == "not_found":
                raise NoAgent from None
            raise AgentRpcError(error.code, gone=False) from None
        except (ClientError, TimeoutError) as error:
            raise AgentRpcError(type(error).__name__, gone=False) from None
        agents = [each for each in answer.participants if each.kind == ParticipantInfo.Kind.AGENT]
        if not agents:
            raise NoAgent
        return min(agents, key=lambda agent: agent.joined_at_ms).identity

    async def call(self, room: str, agent: str, method: str, payload: Mapping[str, object]) -> dict[str, object]:
        """The method's answer. Raises AgentRpcError."""
        request = PerformRpcRequest(
            room=room,
            destination_identity=agent,
            method=method,
            payload=json.dumps(payload, ensure_ascii=False),
            response_timeout_ms=RESPONSE_LIMIT_MS,
        )
        try:
            response = await self._client.request(
                SERVICE, "PerformRpc", request, self._header(room), PerformRpcResponse
            )
        except TwirpError as error:
            gone = error.code in ("not_found", "unavailable", "invalid_argument")
            raise AgentRpcError(error.code, gone=gone) from None
        except (ClientError, TimeoutError) as error:
            raise AgentRpcError(type(error).__name__, gone=False) from None
        try:
            answer: object = json.loads(response.payload)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise AgentRpcError("malformed answer", gone=True)
        return cast("dict[str, object]", answer)

    def _header(self, room: str) -> dict[str, str]:
        grants = api.VideoGrants(room_admin=True, room=room)
        return {
            "authorization": f"Bearer {api.AccessToken(self._key.key, self._key.secret).with_grants(grants).to_jwt()}"
        }
