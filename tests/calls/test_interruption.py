"""Who speaks into the greeting: it stops, or it does not, as ENABLE_INTERRUPTIONS says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.harness import run_worker, settings_for

if TYPE_CHECKING:
    from service import Service
    from sim.livekit_server import LocalLiveKit
    from sim.providers import SimulatedProviders
    from sim.speech.library import Recording
    from tests.conftest import MakeSettings

LONG_GREETING = (
    "Thank you for calling the restaurant at the harbour. Our kitchen is open every evening of the week, "
    "except on Monday, and we are glad to take your order or to book a table for you and your friends."
)


@pytest.mark.parametrize("interruptible", [True, False])
async def test_speech_into_the_greeting(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    service: Service,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
    interruptible: bool,
) -> None:
    """Interruptible, the greeting ends early; not interruptible, the caller hears all of it."""
    settings = settings_for(make_settings, livekit, sim, enable_interruptions=interruptible)
    async with run_worker(replace(service, greeting=LONG_GREETING), settings, livekit) as worker:
        whole_s = (await worker.kit.greeting(LONG_GREETING)).duration_ms / 1000
        async with worker.caller(await worker.open_room()) as caller:
            first = await caller.first_word(timeout_s=10)
            await caller.say(speech["wait_stop"].pcm, 16_000)
            heard_s = await caller.quiet(250) - first.first_audible_at
        await worker.idle()
    assert (heard_s < 0.7 * whole_s) == interruptible
    assert heard_s < whole_s + 1
