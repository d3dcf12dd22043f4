from __future__ import annotations

import asyncio
import secrets
import statistics
import time
import traceback
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from livekit import api

from sim.caller import TRANSCRIPTION_TOPIC, Caller, CallerError, CallerTimeout, mint_caller_token
from sim.echo import Echo
from sim.publisher import tone
from sim.waveform import Pcm, audible_spans

if TYPE_CHECKING:
    from livekit import rtc

    from sim.livekit_server import LocalLiveKit

RATE = 16_000

LIMIT_S = 20.0


class Line:
    """A room of its own on the run's server; `join` makes its callers, which deal in tones."""

    def __init__(self, livekit: LocalLiveKit) -> None:
        self.livekit = livekit
        self.room = f"caller-{secrets.token_hex(4)}"

    def join(self, name: str, **options: Any) -> Caller:
        token = mint_caller_token(self.livekit.api_key, self.livekit.api_secret, self.room, name)
        return Caller(self.livekit.url, token, name=name, **options)

    async def delete(self) -> None:
        async with api.LiveKitAPI(self.livekit.url, self.livekit.api_key, self.livekit.api_secret) as client:
            await client.room.delete_room(api.DeleteRoomRequest(room=self.room))


@pytest.fixture
def line(livekit: LocalLiveKit) -> Line:
    return Line(livekit)


async def seen(caller: Caller, event: str) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not caller.counts.events[event]:
            await asyncio.sleep(0.02)


def paused(*parts_ms: float) -> Pcm:
    """Sound, silence, sound, ... of these lengths."""
    parts = [
        tone(ms, RATE) if number % 2 == 0 else np.zeros(int(RATE * ms / 1000), np.int16)
        for number, ms in enumerate(parts_ms)
    ]
    return np.concatenate(parts)


def level(pcm: Pcm) -> float:
    """Of the loudest 100 ms."""
    blocks = pcm[: len(pcm) // 2400 * 2400].reshape(-1, 2400).astype(np.float64)
    return float(np.sqrt((blocks**2).mean(axis=1)).max())


async def test_first_word_counts_from_the_connect_call(line: Line) -> None:
    """Of somebody who already sounds, too; that sound may arrive in the moment in which the call returns."""
    async with line.join("agent", background=tone(1000, RATE)), line.join("ada") as ada:
        word = await ada.first_word(LIMIT_S)
        assert ada.connect_called_at is not None
        assert ada.microphone_published_at is not None
        assert word.ttfw_ms == pytest.approx((word.first_audible_at - ada.connect_called_at) * 1000)
        assert word.connect_ms > 0
        assert word.ttfw_ms > 0
        assert ada.connect_called_at < ada.microphone_published_at


async def test_first_word_does_not_hear_silence(line: Line) -> None:
    """An agent's track of silence is no first word; its first sound is, dated when it left, not before."""
    async with line.join("agent") as agent, line.join("ada") as ada:
        await ada.listening(LIMIT_S)
        with pytest.raises(
            CallerTimeout, match="ada: waited 1 s for the first word; connected; heard from agent: silence"
        ):
            await ada.first_word(1.0)
        said = await agent.say(tone(200, RATE), RATE)
        word = await ada.first_word(LIMIT_S)
        assert word.first_audible_at > said.first_audible_sample_at


async def test_what_is_heard_is_what_was_said(line: Line) -> None:
    """Sounds and pauses arrive with the lengths that they were sent with."""
    heard: list[list[float]] = []
    async with line.join("agent") as agent, line.join("ada") as ada:
        await ada.listening(LIMIT_S)
        while len(heard) < 3:  # a packet that a busy machine brings late makes one of them longer
            before = sum(len(track.spans()) for track in ada.heard())
            said = await agent.say(paused(200, 300, 100), RATE)
            await ada.quiet(300, timeout_s=LIMIT_S)
            (track,) = ada.heard()
            assert track.identity == "agent"
            assert [span.begin for span in audible_spans(track.pcm, track.sample_rate_hz)] != []
            if not said.torn:
                (one, other) = track.spans()[before:]
                heard.append([(one[1] or 0) - one[0], other[0] - (one[1] or 0), (other[1] or 0) - other[0]])
        lengths = [statistics.median(each) for each in zip(*heard, strict=True)]
        # Opus smears an edge by some milliseconds.
        assert lengths == pytest.approx([0.2, 0.3, 0.1], abs=0.03)


async def test_gap_is_the_time_between_the_waveforms(line: Line) -> None:
    """A reply that is sent 300 ms after the speech has a gap of that plus the way through the server."""
    async with line.join("agent") as agent, line.join("ada") as ada:
        await ada.listening(LIMIT_S)
        said = await ada.say(tone(300, RATE), RATE)
        await asyncio.sleep(0.3)
        answered = await agent.say(tone(200, RATE), RATE)
        reply = await ada.reply(after=said, timeout_s=LIMIT_S)
        sent_gap_ms = (answered.first_audible_sample_at - said.last_audible_sample_at) * 1000
        assert sent_gap_ms > 300
        assert sent_gap_ms < reply.gap_ms < sent_gap_ms + 1000
        assert reply.last_audible_at > reply.first_audible_at > said.last_audible_sample_at


async def test_cut_off_has_a_negative_gap(line: Line) -> None:
    """A reply that begins while the caller still speaks is found, and its gap is below zero."""
    async with line.join("agent") as agent, line.join("ada") as ada:
        await ada.listening(LIMIT_S)
        speaking = asyncio.create_task(ada.say(tone(2500, RATE), RATE))
        await asyncio.sleep(0.6)
        await agent.say(tone(200, RATE), RATE)
        said = await speaking
        reply = await ada.reply(after=said, timeout_s=LIMIT_S)
        assert reply.gap_ms < 0


async def test_reply_to_an_interruption_can_be_told_from_the_old_speech(line: Line) -> None:
    """Old speech that goes on under the caller's is not the reply when `since` is the end of the caller's."""
    async with line.join("agent") as agent, line.join("ada") as ada:
        await ada.listening(LIMIT_S)
        old = asyncio.create_task(agent.say(paused(800, 300, 300, 900, 200), RATE))
        await ada.first_word(LIMIT_S)
        said = await ada.say(tone(1100, RATE), RATE)
        await old
        reply = await ada.reply(after=said, since=said.last_audible_sample_at, timeout_s=LIMIT_S)
        assert reply.gap_ms > 0
        spans = ada.heard()[0].spans()
        assert reply.first_audible_at == spans[-1][0]


async def test_no_reply_is_told_with_what_was_heard(line: Line) -> None:
    """The timeout says what was waited for, since when, and the spans that were heard before."""
    async with line.join("agent") as agent, line.join("ada") as ada:
        await ada.listening(LIMIT_S)
        await agent.say(tone(200, RATE), RATE)
        await ada.quiet(200, timeout_s=LIMIT_S)
        said = await ada.say(tone(100, RATE), RATE)
        with pytest.raises(
            CallerTimeout, match=r"ada: waited 0\.5 s for a reply since .* heard from agent: \d+\.\d+-\d"
        ):
            await ada.reply(after=said, timeout_s=0.5)


async def test_quiet_waits_for_the_end_of_the_sound(line: Line) -> None:
    """It returns when the last sound ended, that long after it, and not in a pause that is shorter."""
    async with line.join("agent") as agent, line.join("ada") as ada:
        await ada.listening(LIMIT_S)
        speaking = asyncio.create_task(agent.say(paused(200, 250, 200), RATE))
        await ada.first_word(LIMIT_S)
        ended_at = await ada.quiet(400, timeout_s=LIMIT_S)
        assert time.perf_counter() - ended_at >= 0.4
        assert ended_at > (await speaking).last_audible_sample_at
        assert len(ada.heard()[0].spans()) == 2


async def test_quiet_of_an_endless_sound_times_out(line: Line) -> None:
    """Waiting for silence that does not come is a timeout that says so."""
    async with line.join("agent", background=tone(1000, RATE)), line.join("ada") as ada:
        await ada.first_word(LIMIT_S)
        with pytest.raises(CallerTimeout, match=r"for 100 ms of quiet; connected; heard from agent: .*-now"):
            await ada.quiet(100, timeout_s=0.5)


async def test_transcripts_and_data_are_collected(line: Line) -> None:
    """Text streams of the asked topics and data packets are kept with sender, attributes and state."""
    async with line.join("agent") as agent, line.join("ada", text_topics=(TRANSCRIPTION_TOPIC, "times")) as ada:
        sender = agent.room.local_participant
        writer = await sender.stream_text(topic=TRANSCRIPTION_TOPIC, attributes={"lk.segment_id": "S1"})
        await writer.write("Good ")
        growing = await ada.text(lambda text: text.text == "Good ", timeout_s=LIMIT_S)
        assert not growing.final
        await writer.write("morning")
        await writer.aclose()
        closed = await ada.text(lambda text: text.final, timeout_s=LIMIT_S)
        assert closed is growing
        assert (closed.text, closed.identity, closed.attributes["lk.segment_id"]) == ("Good morning", "agent", "S1")
        await sender.send_text("{}", topic="times")
        assert (await ada.text(lambda text: text.topic == "times", timeout_s=LIMIT_S)).identity == "agent"
        await sender.publish_data(b"\x01", topic="dice")
        packet = await ada.packet(lambda packet: packet.topic == "dice", timeout_s=LIMIT_S)
        assert (packet.data, packet.identity) == (b"\x01", "agent")
        assert [text.topic for text in ada.texts] == [TRANSCRIPTION_TOPIC, "times"]


async def test_text_that_its_sender_leaves_stays_unfinished(line: Line) -> None:
    """A sender who goes in the middle of a text: what came is kept, not final, and the caller lives on."""
    async with line.join("ada") as ada:
        async with line.join("agent") as agent:
            # One who comes and goes at once is never announced to the others.
            await seen(ada, "track_subscribed")
            writer = await agent.room.local_participant.stream_text(topic=TRANSCRIPTION_TOPIC)
            await writer.write("Good ")
            text = await ada.text(lambda text: text.text == "Good ", timeout_s=LIMIT_S)
        await seen(ada, "participant_disconnected")
        assert not text.final
        await ada.say(tone(50, RATE), RATE)


async def test_only_wanted_participants_are_heard(line: Line) -> None:
    """With `listens_to` a third party's sound is not the agent's first word."""

    def wants(participant: rtc.RemoteParticipant) -> bool:
        return participant.identity == "agent"

    async with line.join("music", background=tone(1000, RATE)), line.join("ada", listens_to=wants) as ada:
        with pytest.raises(CallerTimeout, match="no audio track so far"):
            await ada.first_word(0.5)
        assert ada.counts.events["track_subscribed"] == 1


async def test_leaving_track_ends_its_recording(line: Line) -> None:
    """When the agent leaves, what it said stays, and is known to be over."""
    async with line.join("ada") as ada:
        async with line.join("agent", background=tone(1000, RATE)):
            await ada.first_word(LIMIT_S)
        await ada.quiet(50, timeout_s=LIMIT_S)
        async with asyncio.timeout(LIMIT_S):
            while not ada.heard()[0].finished:
                await asyncio.sleep(0.02)
        assert len(ada.heard()[0].spans()) >= 1


async def test_end_by_the_other_side_is_seen(line: Line) -> None:
    """A room that is deleted under the caller: the reason is known by its name."""
    async with line.join("ada") as ada:
        await line.delete()
        assert await ada.disconnected(LIMIT_S) == "ROOM_DELETED"
        assert ada.counts.events["disconnected"] == 1


async def test_hang_up_leaves_nothing_and_can_be_repeated(line: Line) -> None:
    """After hanging up the room is empty and no task runs; doing it again, or twice at once, is fine."""
    before = asyncio.all_tasks()
    ada = line.join("ada")
    await ada.connect()
    speaking = asyncio.create_task(ada.say(tone(5000, RATE), RATE))
    await asyncio.sleep(0.1)
    await asyncio.gather(ada.hang_up(), ada.hang_up())
    await ada.hang_up()
    await asyncio.wait([speaking])
    assert speaking.cancelled()
    assert not ada.room.isconnected()
    assert asyncio.all_tasks() == before


async def test_hang_up_before_connecting_is_fine(line: Line) -> None:
    """A caller who never called can hang up."""
    ada = line.join("ada")
    await ada.hang_up()
    with pytest.raises(CallerError, match="ada: not connected"):
        await ada.first_word(1.0)


async def test_caller_who_leaves_while_connecting_is_gone(line: Line) -> None:
    """Cancelled in the middle of joining, the caller does not stay behind in the room."""
    async with line.join("witness") as witness:
        ada = line.join("ada")
        joining = asyncio.create_task(ada.connect())
        async with asyncio.timeout(LIMIT_S):
            while ada.connect_called_at is None:
                await asyncio.sleep(0)
        joining.cancel()
        await asyncio.wait([joining])
        await ada.hang_up()
        assert not ada.room.isconnected()
        async with asyncio.timeout(LIMIT_S):
            while witness.counts.events["participant_disconnected"] < witness.counts.events["participant_connected"]:
                await asyncio.sleep(0.02)
        assert not witness.room.remote_participants


async def test_wrong_token_is_one_readable_error(line: Line) -> None:
    """A refused token raises a caller's error with its name and the server's address, without the token."""
    token = mint_caller_token(line.livekit.api_key, "x" * 40, line.room, "eve")
    with pytest.raises(CallerError, match=f"eve: cannot join at {line.livekit.url}") as failure:
        await Caller(line.livekit.url, token, name="eve").__aenter__()
    told = "".join(traceback.format_exception(failure.value))
    assert "invalid token: <token>" in told
    assert token not in told


async def test_server_that_is_not_there_is_one_readable_error() -> None:
    """Nobody listening: an error of the caller's kind within its limit."""
    with pytest.raises(CallerError, match="eve: "):
        await Caller("ws://127.0.0.1:9", "token", name="eve", connect_timeout_s=3.0).__aenter__()


async def test_caller_calls_once(line: Line) -> None:
    """A second connect is refused: each call is a new caller."""
    async with line.join("ada") as ada:
        with pytest.raises(CallerError, match="connect was already called"):
            await ada.connect()


async def test_failure_in_the_background_is_not_swallowed(line: Line) -> None:
    """A task of the caller that dies makes the next wait, and the end, raise its cause."""
    ada = line.join("ada")
    await ada.connect()

    async def fail() -> None:
        raise OSError("no more sound")

    ada._own(fail(), "failing")  # pyright: ignore[reportPrivateUsage] # no real task of its own fails on demand
    with pytest.raises(CallerError, match="no more sound"):
        await ada.first_word(LIMIT_S)
    with pytest.raises(CallerError, match="no more sound"):
        await ada.hang_up()


def test_token_allows_one_room_only() -> None:
    """The token is for one room and identity, to speak, hear and send data, and for no administration."""
    token = mint_caller_token("key", "s" * 32, "room-1", "ada")
    claims = api.TokenVerifier("key", "s" * 32).verify(token)
    assert claims.identity == "ada"
    assert claims.video is not None
    grants = claims.video
    assert (grants.room_join, grants.room, grants.can_publish, grants.can_subscribe) == (True, "room-1", True, True)
    assert not any((grants.room_admin, grants.room_create, grants.room_list))


async def test_several_callers_hear_each_their_own_agent(livekit: LocalLiveKit) -> None:
    """Four calls at once in one process: each caller hears a reply, after its own speech, and nothing is torn."""

    async def call() -> float:
        line = Line(livekit)
        async with line.join("agent") as agent, line.join("ada") as ada:
            await ada.listening(LIMIT_S)
            said = await ada.say(tone(200, RATE), RATE)
            await agent.say(tone(200, RATE), RATE)
            return (await ada.reply(after=said, timeout_s=LIMIT_S)).gap_ms

    gaps_ms = await asyncio.gather(*(call() for _ in range(4)))
    assert all(0 < gap_ms < 5000 for gap_ms in gaps_ms)


async def test_an_echo_goes_back_to_who_spoke(line: Line) -> None:
    """Softer by its loss and later by its delay and two ways; what the caller says goes beside it."""
    async with line.join("agent") as agent, line.join("ada", echo=Echo(20.0, 150.0)) as ada:
        await asyncio.gather(agent.listening(LIMIT_S), ada.listening(LIMIT_S))
        said = await agent.say(tone(600, RATE), RATE)
        echo = await agent.reply(after=said, since=said.first_sample_at, timeout_s=LIMIT_S)
        assert echo.first_audible_at - said.first_audible_sample_at > 0.14
        heard = [level(track.pcm) for track in (*ada.heard(), *agent.heard())]
        assert heard[1] / heard[0] == pytest.approx(0.1, rel=0.3)
        await agent.quiet(300, timeout_s=LIMIT_S)
        assert not (await ada.say(tone(100, RATE), RATE)).torn
        assert ada.counts.echo_missed_ms < 300
