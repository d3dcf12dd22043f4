"""A greeting that names the caller: an opening for everybody, and words for this one behind it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from sim.caller import TRANSCRIPTION_TOPIC, Caller, mint_caller_token
from tests.harness import run_worker, settings_for

if TYPE_CHECKING:
    from service import Service
    from sim.livekit_server import LocalLiveKit
    from sim.providers import SimulatedProviders
    from tests.conftest import MakeSettings
    from tests.harness import Recorder

OPENING = "This is the desk."


@pytest.mark.parametrize(
    ("name", "heard"),
    [("Dana", f"{OPENING} Hello Dana, how can I help?"), ("sip_4930123456", OPENING)],
    ids=["a name", "a number"],
)
async def test_who_has_a_name_is_called_by_it(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    service: Service,
    recorder: Recorder,
    make_settings: MakeSettings,
    name: str,
    heard: str,
) -> None:
    """The opening plays at once; the rest is spoken meanwhile, and is written as it is said."""
    service = dataclasses.replace(service, greeting=f"{OPENING} Hello {{name}}, how can I help?")
    async with run_worker(service, settings_for(make_settings, livekit, sim), livekit) as worker:
        room = await worker.open_room()
        token = mint_caller_token(livekit.api_key, livekit.api_secret, room, name)
        async with Caller(livekit.url, token, name="ada", text_topics=(TRANSCRIPTION_TOPIC,)) as caller:
            await caller.first_word(timeout_s=10)
            await caller.quiet(1200)
        call = await recorder.until("ended")
        await worker.idle()

    assert [text.text for text in caller.texts if text.topic == TRANSCRIPTION_TOPIC] == [heard]
    assert call.errors == []
