"""The smallest question to LiveKit, and what its answer says of a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from google.protobuf.message import DecodeError
from livekit import api

from rooms.clients.sockets import counted
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms.tokens import ApiKey

log = get_logger("rooms")


def small_question() -> api.ListRoomsRequest:
    """What LiveKit answers from its store, without the list of its rooms."""
    return api.ListRoomsRequest(names=["-"])


async def look(url: str, *, api_key: ApiKey, on_connect: Callable[[], None]) -> None:
    """Ask on a new connection, as those that are open may be the ones that are broken.

    Raises aiohttp.ClientError where LiveKit does not answer or is not well. A LiveKit that refuses the key is there.
    """
    connector = aiohttp.TCPConnector(force_close=True, socket_factory=counted(on_connect))
    async with aiohttp.ClientSession(connector=connector) as session:
        lk = api.LiveKitAPI(url, api_key.key, api_key.secret, session=session, failover=False)
        try:
            await lk.room.list_rooms(small_question())
        except api.ServerError as error:
            if error.status >= 500:
                raise aiohttp.ClientError(f"LiveKit answers {error.status} ({error.code})") from error
            log.error("LiveKit refuses the key", url=url, status=error.status)
        except DecodeError as error:
            raise aiohttp.ClientError("what answers there is not LiveKit") from error
