"""A livekit-server behind a network that can be made bad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import pytest_asyncio
from livekit import api

from sim.caller import Caller, mint_caller_token
from sim.livekit_server import LocalLiveKit
from sim.lossy_link import RELAY_HOST, Conditions, LossyLink
from sim.publisher import tone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sim.waveform import Pcm

TONE: Pcm = tone(1000, 16_000)


@dataclass(frozen=True)
class BadPlace:
    """`link` is the network between `livekit` and everybody."""

    livekit: LocalLiveKit
    link: LossyLink

    def caller(self, room: str) -> Caller:
        """Sounds without a pause."""
        token = mint_caller_token(self.livekit.api_key, self.livekit.api_secret, room, f"ada-{uuid4().hex[:6]}")
        return Caller(self.livekit.url, token, name="ada", background=TONE)

    def agent(self, room: str) -> Caller:
        """Sounds too, and may set its attributes, as agents may."""
        grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
        token = api.AccessToken(self.livekit.api_key, self.livekit.api_secret).with_identity("agent").with_kind("agent")
        return Caller(self.livekit.url, token.with_grants(grants).to_jwt(), name="agent", background=TONE)


@pytest_asyncio.fixture(scope="module")
async def bad_place() -> AsyncIterator[BadPlace]:
    async with LocalLiveKit(media_host=RELAY_HOST) as livekit, LossyLink(livekit.ports.rtc) as link:
        yield BadPlace(livekit, link)


@pytest.fixture
def place(bad_place: BadPlace) -> Iterator[BadPlace]:
    """With a good network before and after."""
    yield bad_place
    bad_place.link.conditions = Conditions()
