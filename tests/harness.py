"""A worker in this process, its providers simulated, and a caller: what the tests of a whole call stand on."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from livekit import api

from orchestrator import Call
from runtime.server import build_server
from sim.caller import Caller, mint_caller_token
from sim.latency import Fixed, LlmLatency, Profile, SonioxLatency, TtsLatency
from workshop import build_workshop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from livekit.agents import AgentServer, JobContext, JobProcess

    from config import Settings
    from observe.observer import CallRecord, TurnRecord
    from prewarm.kit import Kit
    from service import Service
    from sim.livekit_server import LocalLiveKit
    from sim.providers import SimulatedProviders

AGENT_NAME = "firstword"
KEY = "sim"


def quick_profile() -> Profile:
    """Latencies that are real but short, so that a test of three turns is over soon."""
    return Profile(
        soniox=SonioxLatency(
            interim_lag=Fixed(50),
            endpoint_wait=Fixed(200),
            final=Fixed(50),
            interim_revision_probability=0.0,
            final_rewrite_probability=0.0,
            seed=1,
        ),
        llm=LlmLatency(first_token=Fixed(60), between_tokens=Fixed(2)),
        tts=TtsLatency(first_byte=Fixed(40), leading_silence=Fixed(100), realtime_factor=20.0),
    )


@dataclass
class Recorder:
    """An observer that keeps what it was told, and lets a test wait for it."""

    told: list[str] = field(default_factory=list[str])
    turns: list[TurnRecord] = field(default_factory=list["TurnRecord"])
    call: CallRecord | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def started(self, call: CallRecord) -> None:
        self._note("started", call)

    async def turned(self, call: CallRecord, turn: TurnRecord) -> None:
        self.turns.append(turn)
        self._note("turned", call)

    async def ended(self, call: CallRecord) -> None:
        self._note("ended", call)

    def _note(self, what: str, call: CallRecord) -> None:
        self.call = call
        self.told.append(what)
        self.news.set()

    async def until(self, what: str, count: int = 1, *, timeout_s: float = 20.0) -> CallRecord:
        """Wait until `what` has been told `count` times."""
        async with asyncio.timeout(timeout_s):
            while self.told.count(what) < count or self.call is None:
                self.news.clear()
                await self.news.wait()
        return self.call


def simulated(sim: SimulatedProviders) -> dict[str, Any]:
    """The settings that lead to `sim`."""
    return {
        "openai_api_key": KEY,
        "soniox_api_key": KEY,
        "eleven_api_key": KEY,
        "openai_base_url": sim.openai_base_url,
        "soniox_base_url": sim.soniox_base_url,
        "elevenlabs_base_url": sim.elevenlabs_base_url,
        "http_timeout": 2.0,
        "max_retries": 1,
        "profile": "fast",
        "health_port": 0,
    }


@dataclass
class Worker:
    """A running worker and the ways into it."""

    server: AgentServer
    kit: Kit
    livekit: LocalLiveKit
    api: api.LiveKitAPI
    calls: list[Call]

    async def open_room(self, metadata: str = "", *, room_metadata: str = "") -> str:
        """A new room with the agent on its way; `metadata` is its job's."""
        room = f"room-{uuid4().hex[:8]}"
        agent = api.RoomAgentDispatch(agent_name=self.kit.settings.agent_name, metadata=metadata)
        await self.api.room.create_room(api.CreateRoomRequest(name=room, agents=[agent], metadata=room_metadata))
        return room

    def caller(self, room: str, **options: Any) -> Caller:
        token = mint_caller_token(self.livekit.api_key, self.livekit.api_secret, room, f"caller-{uuid4().hex[:8]}")
        return Caller(self.livekit.url, token, name="ada", **options)

    async def idle(self, *, timeout_s: float = 15.0) -> None:
        """Wait until no call runs and everything has been given back."""
        async with asyncio.timeout(timeout_s):
            while self.server.active_jobs or self.kit.leased:
                await asyncio.sleep(0.05)

    async def rooms(self) -> list[str]:
        return [room.name for room in (await self.api.room.list_rooms(api.ListRoomsRequest())).rooms]


@asynccontextmanager
async def run_worker(
    service: Service, settings: Settings, livekit: LocalLiveKit, *, greetings: Sequence[str] | None = None
) -> AsyncGenerator[Worker]:
    """A warm worker on a shared loop, registered with `livekit`; `greetings` None warms the service's own."""
    calls: list[Call] = []
    workshop = build_workshop(settings)
    await workshop.open(
        [service.brief(settings).words.opening] if greetings is None else list(greetings), service.openers
    )

    if service.accounts is not None:
        await service.accounts.open(settings, workshop.prepare)

    def setup(process: JobProcess) -> None:
        process.userdata["workshop"] = workshop

    async def entrypoint(context: JobContext) -> None:
        call = Call(service, context, workshop)
        calls.append(call)
        await call.begin()

    server = build_server(settings, entrypoint=entrypoint, setup=setup)
    registered = asyncio.Event()

    def note(*_: object) -> None:
        registered.set()

    server.on("worker_registered", note)
    running = asyncio.create_task(server.run(), name="worker under test")
    try:
        async with asyncio.timeout(20):
            await registered.wait()
        async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as client:
            yield Worker(server, workshop.kit, livekit, client, calls)
    finally:
        await server.aclose()
        await running
        if service.accounts is not None:
            await service.accounts.aclose()
        await workshop.aclose()


def settings_for(
    make_settings: Callable[..., Settings], livekit: LocalLiveKit, sim: SimulatedProviders, **changes: Any
) -> Settings:
    return make_settings(
        livekit_url=livekit.url,
        livekit_api_key=livekit.api_key,
        livekit_api_secret=livekit.api_secret,
        **(simulated(sim) | changes),
    )
