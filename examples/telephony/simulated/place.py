"""All that a call by telephone needs on one machine: livekit-server, simulated providers, bridge and a worker."""

from __future__ import annotations

import asyncio
import functools
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit import api
from pydantic import SecretStr

import orchestrator
from examples.telephony.agent import GREETING, PhoneDesk
from examples.telephony.simulated.script import PhoneScript
from examples.telephony.simulated.sip_api import SimulatedSip
from runtime.server import build_server
from service import Service
from sim.ears.phrasebook import Phrasebook
from sim.latency import fixed_profile
from sim.livekit_server import LocalLiveKit
from sim.providers import SimulatedProviders
from sim.speech.library import load_speech
from workshop import build_workshop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from livekit.agents import AgentServer, JobProcess

    from config import Settings
    from examples.telephony.voicemail import AnswerDetector
    from workshop import Workshop

KEY = "sim"
REGISTER_LIMIT_S = 30.0
LOOK_S = 0.05


@dataclass(frozen=True)
class Place:
    """`lk` talks to LiveKit through the bridge's address, so that its `sip` is the simulated one."""

    sip: SimulatedSip
    lk: api.LiveKitAPI
    settings: Settings
    server: AgentServer

    async def idle(self, *, timeout_s: float = 20.0) -> None:
        """Wait until no call runs. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while self.server.active_jobs:  # noqa: ASYNC110  # a server tells nobody when a job is over
                await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def phone_place(
    settings: Settings, *, livekit: LocalLiveKit | None = None, detector: AnswerDetector | None = None
) -> AsyncGenerator[Place]:
    """Nothing of it leaves this machine, whatever keys `settings` have. `livekit` None: a server of its own.

    Raises what livekit-server's start does.
    """
    async with AsyncExitStack() as stack:
        livekit = livekit or await stack.enter_async_context(LocalLiveKit())
        ears = Phrasebook(load_speech().values()).ears
        providers = SimulatedProviders(profile=fixed_profile(), dialogue=PhoneScript(), ears=ears, api_key=KEY)
        await stack.enter_async_context(providers)
        sip = await stack.enter_async_context(SimulatedSip(livekit))
        lk = await stack.enter_async_context(api.LiveKitAPI(sip.url, livekit.api_key, livekit.api_secret))
        here = _all_local(settings, livekit, providers)
        agent = functools.partial(PhoneDesk, sip=lambda: lk.sip, detector=detector)
        server = await stack.enter_async_context(_worker(Service(agent, GREETING), here))
        yield Place(sip, lk, here, server)


def _all_local(settings: Settings, livekit: LocalLiveKit, providers: SimulatedProviders) -> Settings:
    keys = dict.fromkeys(("openai_api_key", "soniox_api_key", "eleven_api_key"), SecretStr(KEY))
    return settings.model_copy(
        update={
            **keys,
            "livekit_url": livekit.url,
            "livekit_api_key": livekit.api_key,
            "livekit_api_secret": SecretStr(livekit.api_secret),
            "openai_base_url": providers.openai_base_url,
            "soniox_base_url": providers.soniox_base_url,
            "elevenlabs_base_url": providers.elevenlabs_base_url,
            "health_port": 0,
            "greeting_cache": "memory",
            "isolation": "shared",
        }
    )


@asynccontextmanager
async def _worker(service: Service, settings: Settings) -> AsyncGenerator[AgentServer]:
    """Warm, and registered with livekit-server."""
    shop: Workshop = build_workshop(settings)
    registered = asyncio.Event()

    def share(process: JobProcess) -> None:
        process.userdata["workshop"] = shop

    def note(*_: object) -> None:
        registered.set()

    try:
        await shop.open([service.brief(settings).words.opening], service.openers)
        server = build_server(settings, entrypoint=functools.partial(orchestrator.answer, service), setup=share)
        server.on("worker_registered", note)
        running = asyncio.create_task(server.run(), name="worker of the simulated telephone")
        try:
            async with asyncio.timeout(REGISTER_LIMIT_S):
                await registered.wait()
            yield server
        finally:
            await server.aclose()
            await running
    finally:
        await shop.aclose()
