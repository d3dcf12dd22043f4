"""A LiveKitAPI whose requests go another way: who lends it decides on which connection, and what is sent again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from google.protobuf.message import Message
from livekit import api
from livekit.api.twirp_client import TwirpClient

if TYPE_CHECKING:
    import aiohttp

    from rooms.clients.authorization import Authorization
    from rooms.tokens import ApiKey

PACKAGE = "livekit"
T = TypeVar("T", bound=Message)


@dataclass(frozen=True, slots=True)
class Request:
    """One request of LiveKitAPI, in the words of its `TwirpClient.request`. `headers` hold a token: no repr."""

    service: str
    method: str
    data: Message
    headers: dict[str, str]
    answer: type[Any]
    timeout: aiohttp.ClientTimeout | None

    def __repr__(self) -> str:
        return f"<Request {self.service}/{self.method}>"

    async def send(self, client: TwirpClient) -> Any:
        """Send it once on `client`, and return LiveKit's answer. Raises what LiveKitAPI raises."""
        return await client.request(
            self.service, self.method, self.data, self.headers, self.answer, timeout=self.timeout
        )


class Send(Protocol):
    async def __call__(self, request: Request) -> Any: ...


class PooledClient(api.LiveKitAPI):
    """Used as any LiveKitAPI; closing it does nothing, for its connection is the lender's."""

    def __init__(
        self, url: str, api_key: ApiKey, authorization: Authorization, session: aiohttp.ClientSession, send: Send
    ) -> None:
        # The library's own failover would send anything again, a dispatch too, and only to LiveKit Cloud.
        super().__init__(url, api_key.key, api_key.secret, session=session, failover=False)
        for service in (self.room, self.ingress, self.egress, self.sip, self.agent_dispatch, self.connector):
            service._client = _Sender(session, url, send)  # pyright: ignore[reportPrivateUsage]  # no public way in
            service._auth_header = authorization  # pyright: ignore[reportPrivateUsage]  # nor here

    def __repr__(self) -> str:
        return "<PooledClient>"


class _Sender(TwirpClient):
    """Hands each request to `send`."""

    def __init__(self, session: aiohttp.ClientSession, url: str, send: Send) -> None:
        super().__init__(session, url, PACKAGE, failover=False)
        self._send = send

    async def request(
        self,
        service: str,
        method: str,
        data: Message,
        headers: dict[str, str],
        response_class: type[T],
        *,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> T:
        return await self._send(Request(service, method, data, headers, response_class, timeout))
