"""The example in a worker of this process, on simulated providers, with what its models were told."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from examples.realtime_model.agent import GREETING, FrontDesk
from examples.realtime_model.standby_models import StandbyModels
from service import Service
from sim.dialogue import Dialogue, Reply, content_text
from sim.dialogue import FrontDesk as Script
from sim.ears.phrasebook import Phrasebook
from sim.latency import Fixed, RealtimeLatency
from sim.providers import SimulatedProviders
from sim.speech.library import load_speech
from tests.harness import KEY, Recorder, Worker, quick_profile, run_worker, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from examples.realtime_model.call_model import CallModel
    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings

# The caller's words come after the answer's first sound, as they may from the service.
QUICK = RealtimeLatency(
    first_audio=Fixed(100), leading_silence=Fixed(50), transcription=Fixed(400), realtime_factor=5.0
)


@dataclass
class Told:
    """A dialogue that keeps what it was asked: a model's whole memory."""

    inner: Dialogue = field(default_factory=Script)
    asked: list[list[tuple[str, str]]] = field(default_factory=list[list[tuple[str, str]]])

    def reply(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Reply:
        self.asked.append([(str(message.get("role")), content_text(message)) for message in messages])
        return self.inner.reply(messages, tools)


@dataclass
class House:
    worker: Worker
    sim: SimulatedProviders
    models: StandbyModels
    recorder: Recorder
    told: Told
    agents: list[FrontDesk]

    def count(self, provider: str, name: str) -> float:
        return self.sim.stats[provider][name]


@asynccontextmanager
async def house(
    livekit: LocalLiveKit, make_settings: MakeSettings, dialogue: Dialogue | None = None, **changes: Any
) -> AsyncGenerator[House]:
    told, recorder, agents = Told(dialogue or Script()), Recorder(), list[FrontDesk]()

    def make(model: CallModel | None = None) -> FrontDesk:
        agents.append(FrontDesk(model))
        return agents[-1]

    models = StandbyModels(make, GREETING)
    service = Service(agent=FrontDesk, greeting=GREETING, accounts=models, observers=lambda _: [recorder])
    providers = SimulatedProviders(
        profile=replace(quick_profile(), realtime=QUICK),
        dialogue=told,
        ears=Phrasebook(load_speech().values()).ears,
        api_key=KEY,
    )
    async with providers as sim:
        settings = settings_for(make_settings, livekit, sim, **({"pool_size": 1} | changes))
        async with run_worker(service, settings, livekit) as worker:
            yield House(worker, sim, models, recorder, told, agents)
