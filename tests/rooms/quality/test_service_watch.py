"""A whole call of a service that is watched, on a network that becomes bad in the middle."""

from __future__ import annotations

import asyncio
import json
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest_asyncio

from rooms.performance.sections import AudioConfig, QualityMonitoring
from rooms.quality.link_word import ATTRIBUTE
from rooms.quality.service_watch import MONITOR, Observers, with_quality
from service import Service
from sim.dialogue import ScriptedDialogue
from sim.ears.phrasebook import Phrasebook
from sim.lossy_link import Conditions
from sim.providers import SimulatedProviders
from sim.speech.library import load_speech
from tests.harness import KEY, Recorder, quick_profile, run_worker, settings_for
from turns.voice_agent import VoiceAgent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from livekit import rtc
    from livekit.agents import JobContext

    from rooms.quality.monitor import QualityMonitor
    from tests.conftest import MakeSettings
    from tests.rooms.quality.conftest import BadPlace

GREETING = "Hello, this is the desk. How can I help?"
SETTINGS = QualityMonitoring(interval_s=1.0)
AUDIO = AudioConfig(jitter_buffer_ms=70)


@pytest_asyncio.fixture
async def sim() -> AsyncIterator[SimulatedProviders]:
    async with SimulatedProviders(
        profile=quick_profile(),
        dialogue=ScriptedDialogue([GREETING, "We open at five."]),
        ears=Phrasebook(load_speech().values()).ears,
        api_key=KEY,
    ) as providers:
        yield providers


async def test_the_reaction_is_seen_in_the_call(
    place: BadPlace, sim: SimulatedProviders, make_settings: MakeSettings
) -> None:
    """The caller's side finds the word in the agent's attributes; after the call nothing is watched any more."""
    recorder = Recorder()
    seen: list[JobContext] = []

    def observers(context: JobContext) -> list[Recorder]:
        seen.append(context)
        return [recorder]

    service = Service(
        agent=lambda: VoiceAgent(instructions="Answer in one short sentence."), greeting=GREETING, observers=observers
    )
    watched = with_quality(service, SETTINGS, AUDIO)
    async with run_worker(watched, settings_for(make_settings, place.livekit, sim), place.livekit) as worker:
        room = await worker.open_room()
        async with worker.caller(room) as caller:
            await caller.first_word(timeout_s=15)
            await recorder.until("started")
            monitor: QualityMonitor = seen[0].proc.userdata[MONITOR]
            assert [quality.room for quality in monitor.rooms] == [room]
            place.link.conditions = Conditions(loss=0.4, delay_ms=200)
            async with asyncio.timeout(30):
                while not (word := agent_attribute(caller.room.remote_participants.values())):
                    await asyncio.sleep(0.05)
            place.link.conditions = Conditions()
            assert json.loads(word)["state"] == "strained"
            assert json.loads(word)["playout_delay_ms"] >= AUDIO.jitter_buffer_ms
            assert monitor.strained == (room,)
        await recorder.until("ended")
        await worker.idle()
        assert (monitor.rooms, monitor.strains) == ((), 1)


def agent_attribute(participants: Iterable[rtc.RemoteParticipant]) -> str:
    return next((each.attributes[ATTRIBUTE] for each in participants if ATTRIBUTE in each.attributes), "")


def test_it_can_be_switched_off() -> None:
    """Then the service is as it was."""
    service = Service(agent=a_voice, greeting=GREETING)
    assert with_quality(service, SETTINGS.model_copy(update={"enabled": False}), AUDIO) is service


def test_it_crosses_a_process_border() -> None:
    """As all of a service has to, with ISOLATION=process."""
    service = with_quality(Service(agent=a_voice, greeting=GREETING), SETTINGS, AUDIO)
    again = pickle.loads(pickle.dumps(service))
    assert again.observers == Observers(None, SETTINGS, AUDIO)
    assert replace(again, observers=None) == replace(service, observers=None)


def a_voice() -> VoiceAgent:
    return VoiceAgent(instructions="")
