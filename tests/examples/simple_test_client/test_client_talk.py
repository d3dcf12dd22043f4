"""A call against a caller who plays the agent: greeting, question, answer, recording, transcript."""

from __future__ import annotations

import asyncio
import wave
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from examples.simple_test_client.client import Client, ClientError
from examples.simple_test_client.talk import talk
from sim.caller import Caller, mint_caller_token
from sim.publisher import tone
from sim.speech.library import FOLDER, RATE_HZ

if TYPE_CHECKING:
    from pathlib import Path

    from examples.simple_test_client.audio_utils import Played
    from sim.livekit_server import LocalLiveKit

pytestmark = pytest.mark.alone

GREETING = tone(500, RATE_HZ)
ANSWER = tone(700, RATE_HZ)
THINKS_S = 0.3


class Telling(Client):
    """Tells when it has played: silence would tell it too soon where this process has no time to speak."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self.has_played = asyncio.Event()

    async def play(self, file: Path) -> Played:
        played = await super().play(file)
        self.has_played.set()
        return played


async def play_agent(agent: Caller, client: Telling) -> None:
    """Greet, hear the caller out, think, say something, and write both down."""
    await agent.listening(20.0)
    await agent.say(GREETING, RATE_HZ)
    await client.has_played.wait()
    await asyncio.sleep(THINKS_S)
    for segment, text in (("1", "What are"), ("1", "What are your opening hours?"), ("2", "From five to eleven.")):
        await agent.room.local_participant.send_text(
            text, topic="lk.transcription", attributes={"lk.segment_id": segment}
        )
    await agent.say(ANSWER, RATE_HZ)


async def test_a_whole_call(livekit: LocalLiveKit, tmp_path: Path) -> None:
    """Order and ratios of all times; the recording has greeting and answer; an utterance is one line of words."""
    room, record, steps = f"talk-{uuid4().hex[:8]}", tmp_path / "answer.wav", list[str]()
    tokens = [mint_caller_token(livekit.api_key, livekit.api_secret, room, name) for name in ("agent", "me")]
    async with Caller(livekit.url, tokens[0], name="agent") as agent:
        client = Telling(livekit.url, tokens[1])
        playing = asyncio.create_task(play_agent(agent, client))
        came = await talk(client, [FOLDER / "opening_hours.wav"], record, limit_s=20.0, said=steps.append)
        await playing
    assert steps == ["playing opening_hours.wav"]
    assert came.first_word_ms is not None
    assert 0 < came.join_ms < came.first_word_ms
    (turn,) = came.turns
    assert turn.gap_ms is not None
    assert turn.gap_ms > THINKS_S * 1000
    assert turn.played.last_audible_at is not None
    assert turn.played.first_sample_at < turn.played.last_audible_at <= turn.played.ended_at
    assert [(line.who, line.text, line.final) for line in came.lines] == [
        ("agent", "What are your opening hours?", True),
        ("agent", "From five to eleven.", True),
    ]
    with wave.open(str(record), "rb") as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(came.recorded_s)
    assert came.recorded_s > (len(GREETING) + len(ANSWER)) / RATE_HZ


async def test_nobody_answers(livekit: LocalLiveKit, tmp_path: Path) -> None:
    """Alone in a room: no first word, no gap, nothing recorded, and no error."""
    room = f"talk-{uuid4().hex[:8]}"
    client = Client(livekit.url, mint_caller_token(livekit.api_key, livekit.api_secret, room, "me"))
    record = tmp_path / "answer.wav"
    came = await talk(client, [FOLDER / "yeah.wav"], record, limit_s=0.3, said=lambda _: None)
    assert (came.first_word_ms, [turn.gap_ms for turn in came.turns], came.recorded_s) == (None, [None], 0.0)
    assert not came.answered
    assert not record.exists()


async def test_a_server_that_refuses_is_told_without_the_token(livekit: LocalLiveKit) -> None:
    """The message names the address; the token is in neither the message nor its cause."""
    token = mint_caller_token("other", "a-secret-that-is-not-the-servers-own", "room", "me")
    with pytest.raises(ClientError, match=r"cannot join at ws://127\.0\.0\.1") as told:
        async with Client(livekit.url, token):
            pass
    assert token not in str(told.value)
    assert told.value.__cause__ is None
