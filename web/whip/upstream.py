"""livekit-server's own WHIP, as the proxy asks it: over connections that stay open, its errors in plain words."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast
from urllib.parse import unquote, urlsplit

import aiohttp

from rooms.replies import Refusal, short
from rooms.tokens import ApiKey, caller_token
from web.whip import fragment, sdp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

PATH = "/whip/v1"
ANSWER_LIMIT_S = 10.0
RETRY_AFTER_S = 2
# A first request that has to connect, over TLS three times there and back, would be in the first word's way.
KEPT_OPEN_S = 60.0
WARM_EVERY_S = 20.0
KEPT_WARM = 2  # the offer and the look for the agent go out at the same time
# livekit-server gives what it takes for desktop Safari, by this header, no audio of the agent's.
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
STALE = "ice session mismatch"
LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What livekit-server made of an offer. `path` is its resource; `links` are its ICE servers with a password."""

    text: str
    path: str
    etag: str
    links: tuple[str, ...]


class Upstream:
    """`async with Upstream("wss://...", key) as upstream`: one for the process. Its methods raise Refusal."""

    def __init__(self, livekit_url: str, key: ApiKey) -> None:
        parts = urlsplit(livekit_url)
        scheme = "https" if parts.scheme in ("wss", "https") else "http"
        self._base = f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._key = key

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_OPEN_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=ANSWER_LIMIT_S),
        )
        self._warm = asyncio.create_task(self._keep_warm(), name="whip: connections to LiveKit")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._warm.cancel()
        await asyncio.gather(self._warm, return_exceptions=True)
        await self.http.close()

    async def offer(self, token: str, text: str) -> Answer:
        """POST. The answer comes at once, whether the agent is there or not."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": sdp.CONTENT_TYPE, "User-Agent": USER_AGENT}
        answer, body = await self._request("POST", self._base + PATH, text, headers)
        path = urlsplit(answer.headers.get("Location", "")).path
        if answer.status != 201 or not path.startswith(f"{PATH}/"):
            raise _refused(answer, body, "the offer")
        links = tuple(unquote(each) for each in answer.headers.getall("Link", ()) if "credential=" in each)
        return Answer(body, path, answer.headers.get("ETag", ""), links)

    async def patch(self, room: str, identity: str, path: str, text: str, if_match: str) -> tuple[str, str]:
        """PATCH. Returns ETag and fragment of a restart, for which `if_match` is "*"; of a trickle, two empty texts."""
        headers = self._signed(room, identity) | {"Content-Type": fragment.CONTENT_TYPE, "If-Match": if_match}
        answer, body = await self._request("PATCH", self._base + path, text, headers)
        if answer.status not in (200, 204):
            raise _refused(answer, body, "the fragment")
        return answer.headers.get("ETag", ""), body

    async def hang_up(self, room: str, identity: str, path: str) -> None:
        """DELETE. That the caller had left before is fine."""
        answer, body = await self._request("DELETE", self._base + path, "", self._signed(room, identity))
        if answer.status not in (200, 404):
            raise _refused(answer, body, "the hang-up")

    def _signed(self, room: str, identity: str) -> dict[str, str]:
        # The caller's own token is for the join, and does not last as long as a call.
        return {"Authorization": f"Bearer {caller_token(self._key, room=room, identity=identity)}"}

    async def _request(
        self, method: str, url: str, text: str, headers: Mapping[str, str]
    ) -> tuple[aiohttp.ClientResponse, str]:
        try:
            try:
                return await self._ask(method, url, text, headers)
            except LOST:
                # A connection that LiveKit closed just now; the same identity takes the place of a first try.
                return await self._ask(method, url, text, headers)
        except TimeoutError:
            raise _away(f"LiveKit did not answer within {ANSWER_LIMIT_S:g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise Refusal(502, f"LiveKit does not answer at {error.host}:{error.port}") from None
        except aiohttp.ClientError as error:
            raise Refusal(502, f"LiveKit did not answer the request ({type(error).__name__})") from None

    async def _ask(
        self, method: str, url: str, text: str, headers: Mapping[str, str]
    ) -> tuple[aiohttp.ClientResponse, str]:
        async with self.http.request(method, url, data=text.encode(), headers=headers, allow_redirects=False) as answer:
            return answer, await answer.text(errors="replace")

    async def _keep_warm(self) -> None:
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                await asyncio.gather(*(self._ask("GET", self._base + PATH, "", {}) for _ in range(KEPT_WARM)))
            await asyncio.sleep(WARM_EVERY_S)


def _refused(answer: aiohttp.ClientResponse, body: str, what: str) -> Refusal:
    why = _reason(body)
    if answer.status in (400, 413, 428):
        return Refusal(answer.status, f"LiveKit refuses {what}: {why}")
    if answer.status in (401, 403):
        return Refusal(
            502, "LiveKit refuses the key; LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be those of its server"
        )
    if answer.status in (404, 405) and what == "the offer":
        return Refusal(502, f"LiveKit has no WHIP at {PATH}: it needs a livekit-server that has")
    if answer.status == 500 and STALE in why:
        return Refusal(412, "If-Match: this ETag is not that of now", field="If-Match", allowed="the ETag of now")
    if answer.status == 404:
        return Refusal(404, "no such call: it has ended")
    after = answer.headers.get("Retry-After", "")
    return _away(f"LiveKit fails: {why}", int(after) if after.isdecimal() else RETRY_AFTER_S)


def _reason(body: str) -> str:
    try:
        told: object = json.loads(body)
    except ValueError:
        told = body
    if isinstance(told, dict):
        told = cast("dict[str, object]", told).get("error", "")
    return str(short(str(told).strip())) or "no reason given"


def _away(message: str, after_s: int = RETRY_AFTER_S) -> Refusal:
    return Refusal(503, message, headers={"Retry-After": str(after_s)})
