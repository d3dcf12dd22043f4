"""Where the call takes place: your LiveKit, or a livekit-server and an agent that are started for it."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from livekit import api
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration

from bench.workers import Announced
from cli.child_settings import child_environment
from cli.dev import SIMULATED_KEY, SIMULATORS
from cli.start import READY_PREFIX
from sim.livekit_server import LocalLiveKit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from config import Settings

TOKEN_TTL = timedelta(hours=1)


@dataclass(frozen=True)
class Place:
    """A LiveKit with a key, and the name under which its agent is sent for."""

    url: str
    api_key: str
    api_secret: str = field(repr=False)
    agent_name: str

    def token(self, room: str, identity: str) -> str:
        """Joins `room`, and brings the agent along if the room is new."""
        grants = api.VideoGrants(room_join=True, room=room, can_publish=True, can_subscribe=True)
        agents = RoomConfiguration(agents=[RoomAgentDispatch(agent_name=self.agent_name)])
        token = api.AccessToken(self.api_key, self.api_secret).with_identity(identity).with_grants(grants)
        return token.with_ttl(TOKEN_TTL).with_room_config(agents).to_jwt()


def place_of(settings: Settings) -> Place:
    """The LiveKit of the settings. Raises ValueError that names what is missing."""
    key, secret = settings.livekit_api_key, settings.livekit_api_secret
    missing = [
        name
        for name, value in (
            ("LIVEKIT_URL", settings.livekit_url),
            ("LIVEKIT_API_KEY", key),
            ("LIVEKIT_API_SECRET", secret),
        )
        if not value
    ]
    if missing or not settings.livekit_url or not key or secret is None:
        raise ValueError(f"{', '.join(missing)}: not set; allowed: all three, or --local")
    return Place(settings.livekit_url, key, secret.get_secret_value(), settings.agent_name)


@asynccontextmanager
async def local_place(settings: Settings, *, agent: str, latency: str, seed: int) -> AsyncGenerator[Place]:
    """What `dev` starts, without the page: livekit-server, providers for the keys that are not set, and the agent.

    `agent`: a file, or a module such as `examples.tools_and_handoff`. Raises LiveKitServerMissing,
    LiveKitStartError or BenchError, which say what did not start and its last words.
    """
    # In a process of their own, all three: what they do would be in the times of this one's loop.
    simulators = ["-m", "sim.providers", "--profile", latency, "--seed", str(seed), "--api-key", SIMULATED_KEY]
    async with LocalLiveKit() as livekit, Announced("simulated providers", "{", simulators) as told:
        place = Place(livekit.url, livekit.api_key, livekit.api_secret, settings.agent_name)
        run = [agent] if agent.endswith(".py") else ["-m", agent]
        env = _environment(settings, place, "{" + told)
        async with Announced("agent", READY_PREFIX, [*run, "start", "--announce", "--readable"], env):
            yield place


def _environment(settings: Settings, place: Place, told: str) -> dict[str, str]:
    missing = [key for key in SIMULATORS if not getattr(settings, key)]
    addresses = json.loads(told)
    return child_environment(
        livekit_url=place.url,
        livekit_api_key=place.api_key,
        livekit_api_secret=place.api_secret,
        agent_name=place.agent_name,
        health_port=0,
        workers=1,
        log_level="WARNING",
        **dict.fromkeys(missing, SIMULATED_KEY),
        **{f"{SIMULATORS[key]}_base_url": addresses[f"{SIMULATORS[key]}_base_url"] for key in missing},
        # A simulated voice has a new address in each run: its greetings would only fill the disk.
        **({"greeting_cache": "memory"} if "eleven_api_key" in missing else {}),
    )
