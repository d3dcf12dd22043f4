"""The simulated speech-to-speech model on the wire: every event is one that OpenAI's own types know."""

from __future__ import annotations

from typing import Any

import aiohttp
import numpy as np
import pytest

from sim.dialogue import FrontDesk, ScriptedDialogue
from sim.faults import FaultError
from sim.latency import Fixed, RealtimeLatency
from sim.openai_realtime import RealtimeFaults
from tests.sim.realtime_harness import KEY, raw, realtime, spoken, url

TOOL = {
    "type": "function",
    "name": "opening_hours",
    "description": "When the desk is open.",
    "parameters": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]},
}
SLOW = RealtimeLatency(first_audio=Fixed(5), leading_silence=Fixed(0), transcription=Fixed(20), realtime_factor=1.0)
TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "response.created",
]
ANSWER = [
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
]
END = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
]


async def test_a_turn_is_heard_and_answered() -> None:
    """The server takes the turn, tells the caller's words, and speaks the dialogue's; in the service's order."""
    async with realtime() as providers, raw(providers) as client:
        await client.setup()
        await client.hear(spoken("opening_hours"))
        done = await client.until("response.done")
        heard = await client.until("conversation.item.input_audio_transcription.completed")
    order = [kind for kind in client.kinds if "transcription" not in kind and not kind.startswith("session")]
    assert order[: len(TURN) + len(ANSWER)] == TURN + ANSWER
    assert order[-len(END) :] == END
    assert "opening hours" in heard["transcript"]
    assert done["response"]["status"] == "completed"
    assert done["response"]["usage"]["output_token_details"]["audio_tokens"] > 0
    said = client.of("response.output_audio_transcript.done")[0]["transcript"]
    assert said == "We open at five."
    assert "".join(event["delta"] for event in client.of("response.output_audio_transcript.delta")) == said
    assert np.abs(np.frombuffer(client.sound(), np.int16)).max() > 1000


async def test_speech_stops_the_answer() -> None:
    """Who speaks over the model is told that its answer ended, and what was not heard can be taken back."""
    slow = ScriptedDialogue(["This is an answer of many words that takes a while to be said. " * 4])
    async with realtime(slow, latency=SLOW) as providers, raw(providers) as client:
        await client.setup()
        await client.hear(spoken("opening_hours"))
        await client.until("response.output_audio.delta")
        await client.hear(spoken("wait_stop")[:48_000])
        done = (await client.until("response.done"))["response"]
        item_id = done["output"][0]["id"]
        await client.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=150)
        await client.until("conversation.item.truncated")
        await client.send("conversation.item.retrieve", item_id=item_id)
        kept = (await client.until("conversation.item.retrieved"))["item"]["content"][0]["transcript"]
    assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "turn_detected")
    assert done["output"][0]["status"] == "incomplete"
    assert done["output"][0]["content"][0]["transcript"].startswith(kept)
    assert 0 < len(kept) < len(done["output"][0]["content"][0]["transcript"])


async def test_a_tool_is_called_and_its_answer_spoken() -> None:
    """The call comes with whole arguments; the model speaks only after it was given the result and asked to."""
    async with realtime(FrontDesk()) as providers, raw(providers) as client:
        await client.setup(tools=[TOOL])
        await client.hear(spoken("open_sunday"))
        call = await client.until("response.function_call_arguments.done")
        await client.until("response.done")
        assert not client.of("response.output_audio.delta")
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "closed on Sunday"}
        await client.send("conversation.item.create", item=output)
        await client.send("response.create", response={"metadata": {"client_event_id": "mine"}})
        done = (await client.until("response.done", 2))["response"]
    assert (call["name"], call["arguments"]) == ("opening_hours", '{"day": "sunday"}')
    assert done["metadata"] == {"client_event_id": "mine"}
    assert "losed on Sunday." in done["output"][0]["content"][0]["transcript"]


async def test_without_turn_detection_the_client_commits() -> None:
    """Nothing is answered unasked; a commit of nothing is refused in the service's words."""
    async with realtime() as providers, raw(providers) as client:
        await client.setup(turn_detection=None)
        await client.send("input_audio_buffer.commit", event_id="early")
        error = (await client.until("error"))["error"]
        await client.hear(spoken("opening_hours"))
        await client.send("input_audio_buffer.commit")
        heard = await client.until("conversation.item.input_audio_transcription.completed")
        await client.send("response.create")
        await client.until("response.done")
    assert (error["code"], error["event_id"]) == ("input_audio_buffer_commit_empty", "early")
    assert "opening hours" in heard["transcript"]
    assert not client.of("input_audio_buffer.speech_started")


@pytest.mark.parametrize("vad", [{"type": "semantic_vad", "eagerness": "high"}, {"type": "server_vad"}])
async def test_a_detector_can_leave_the_answer_to_the_client(vad: dict[str, Any]) -> None:
    """`create_response` false: turns are told, and nothing is said."""
    async with realtime() as providers, raw(providers) as client:
        await client.setup(turn_detection=vad | {"create_response": False})
        await client.hear(spoken("opening_hours"))
        await client.until("conversation.item.input_audio_transcription.completed")
    assert client.of("input_audio_buffer.committed")
    assert not client.of("response.created")


async def test_a_session_that_writes() -> None:
    """`output_modalities` text: words, and no sound."""
    async with realtime() as providers, raw(providers) as client:
        await client.setup(output_modalities=["text"])
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "When do you open?"}]}
        await client.send("conversation.item.create", item=item)
        await client.send("response.create")
        done = (await client.until("response.done"))["response"]
    assert done["output"][0]["content"] == [{"type": "output_text", "text": "We open at five."}]
    assert not client.of("response.output_audio.delta")


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "session.update", "session": {"instructions": "x"}}, "missing_required_parameter"),
        ({"type": "session.update", "session": {"type": "realtime", "colour": 1}}, "unknown_parameter"),
        ({"type": "input_audio_buffer.append", "audio": "?"}, "invalid_value"),
        ({"type": "response.cancel"}, "response_cancel_not_active"),
        ({"type": "conversation.item.delete", "item_id": "none"}, "item_delete_invalid_item_id"),
        ({"type": "conversation.item.create", "item": {"type": "message"}}, "missing_required_parameter"),
        ({"type": "made.up"}, "invalid_value"),
    ],
)
async def test_what_cannot_be_done_is_told_and_the_session_goes_on(event: dict[str, Any], code: str) -> None:
    """An `error` with the client's own event id, and then the next event is answered."""
    async with realtime() as providers, raw(providers) as client:
        await client.socket.send_json(event | {"event_id": "asked"})
        error = (await client.until("error"))["error"]
        await client.send("input_audio_buffer.clear")
        await client.until("input_audio_buffer.cleared")
    assert (error["code"], error["event_id"]) == (code, "asked")


async def test_one_answer_at_a_time() -> None:
    """A second `response.create` is refused while the first is under way, and a cancel ends that."""
    async with (
        realtime(ScriptedDialogue(["A long answer. " * 20]), latency=SLOW) as providers,
        raw(providers) as client,
    ):
        await client.setup()
        await client.send("response.create")
        await client.until("response.output_audio.delta")
        await client.send("response.create")
        error = (await client.until("error"))["error"]
        await client.send("response.cancel")
        done = (await client.until("response.done"))["response"]
    assert error["code"] == "conversation_already_has_active_response"
    assert done["status_details"]["reason"] == "client_cancelled"


async def test_a_wrong_key_is_refused_at_the_door() -> None:
    """401 before any websocket."""
    async with realtime() as providers:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with raw(providers, key="wrong"):
                pass
        assert refused.value.status == 401


async def test_a_model_has_to_be_named() -> None:
    """400 for an address without `model`."""
    headers = {"Authorization": f"Bearer {KEY}"}
    async with realtime() as providers, aiohttp.ClientSession(headers=headers) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url(providers, ""))
        assert refused.value.status == 400


async def test_a_session_has_an_end() -> None:
    """At its limit it is told `session_expired`, and closed."""
    async with realtime() as providers:
        providers.set_faults({"realtime": {"session_limit_s": 0.2}})
        async with raw(providers) as client:
            error = (await client.until("error"))["error"]
            assert (await client.socket.receive()).type is aiohttp.WSMsgType.CLOSE
    assert error["code"] == "session_expired"


async def test_faults_cut_refuse_and_fail() -> None:
    """A connection that breaks in the middle of an answer, a refused handshake, an answer that fails."""
    async with realtime() as providers:
        providers.set_faults({"realtime": {"drop_after_deltas": 1}})
        async with raw(providers) as client:
            await client.send("response.create")
            with pytest.raises(AssertionError, match="instead of"):
                await client.until("response.done")
        providers.set_faults({"realtime": {"reject_every": 1, "reject_status": 503}})
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with raw(providers):
                pass
        providers.set_faults({"realtime": {"fail_every": 1, "fail_code": "insufficient_quota"}})
        async with raw(providers) as client:
            await client.send("response.create")
            done = (await client.until("response.done"))["response"]
        stats = providers.stats["realtime"]
    assert (done["status"], done["status_details"]["error"]["code"]) == ("failed", "insufficient_quota")
    assert (stats["dropped"], stats["rejected"], stats["open"]) == (1, 1, 0)


@pytest.mark.parametrize("wrong", [{"reject_every": -1}, {"reject_status": 200}, {"session_limit_s": -1}])
def test_faults_are_checked(wrong: dict[str, Any]) -> None:
    """The message names the field."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RealtimeFaults(**wrong)


async def test_wrong_faults_are_refused_on_a_running_server() -> None:
    """As with every provider: nothing changes."""
    async with realtime() as providers:
        with pytest.raises(FaultError, match="no colour"):
            providers.set_faults({"realtime": {"colour": 1}})
