"""What a room says of its sound reaches the agent's call in it, and no other."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from rooms.creation import sound_metadata
from rooms.performance.sections import AudioConfig
from rooms.room_sound import room_settings
from service import Service
from sim.providers import SimulatedProviders
from tests.harness import KEY, quick_profile, run_worker, settings_for
from turns.voice_agent import VoiceAgent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from livekit.agents import JobContext

    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings


def job(metadata: str) -> Any:
    return SimpleNamespace(job=SimpleNamespace(room=SimpleNamespace(metadata=metadata)))


def test_what_the_room_says_is_done(make_settings: MakeSettings) -> None:
    """The frames' length; suppression only where both want it, since the room cannot buy what is not there."""
    quiet, plain = make_settings(noise_cancellation=True), make_settings()
    for settings, suppression, expected in ((quiet, True, True), (quiet, False, False), (plain, True, False)):
        said = AudioConfig(buffer_size_ms=40, noise_suppression=suppression)
        found = room_settings(job(sound_metadata(said)), settings)
        assert (found.audio_frame_ms, found.noise_cancellation) == (40, expected)


@pytest.mark.parametrize("metadata", ["", "harbour", '{"account": "harbour"}', '{"firstword": {"version": 1}}'])
def test_a_room_that_says_nothing_changes_nothing(make_settings: MakeSettings, metadata: str) -> None:
    """The settings are the same object."""
    settings = make_settings()
    assert room_settings(job(metadata), settings) is settings


@pytest_asyncio.fixture
async def sim() -> AsyncIterator[SimulatedProviders]:
    async with SimulatedProviders(profile=quick_profile(), api_key=KEY) as providers:
        yield providers


async def test_a_call_in_the_room_takes_its_sound_so(
    livekit: LocalLiveKit, sim: SimulatedProviders, make_settings: MakeSettings
) -> None:
    """By the frames that the agent's session gets, in a room that was made with its sound, beside one that was not."""
    lengths: dict[str, set[int]] = {}

    class Listener(VoiceAgent):
        def stt_node(self, audio: Any, model_settings: Any) -> Any:
            heard = lengths.setdefault(rooms[-1], set())

            async def noted() -> AsyncIterator[Any]:
                async for frame in audio:
                    heard.add(round(frame.duration * 1000))
                    yield frame

            return super().stt_node(noted(), model_settings)

    def settings_of(context: JobContext, settings: Any) -> Any:
        rooms.append(context.job.room.name)
        return room_settings(context, settings)

    rooms: list[str] = []
    service = Service(
        agent=lambda: Listener(instructions="Answer."), greeting="Hello there.", room_settings=settings_of
    )
    settings = settings_for(make_settings, livekit, sim)
    async with run_worker(service, settings, livekit) as worker:
        for audio in (AudioConfig(buffer_size_ms=60), None):
            room = await worker.open_room(room_metadata="" if audio is None else sound_metadata(audio))
            async with worker.caller(room) as caller:
                await caller.first_word(timeout_s=10)
                await caller.quiet(500)
        await worker.idle()
    assert [min(lengths[room]) for room in rooms] == [60, 10]  # at the end the framework adds a long one of silence
