"""The websocket protocol, spoken by hand."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import numpy as np
import pytest

from sim.latency import Fixed
from sim.soniox import SonioxFaults
from sim.speech.library import load_speech
from tests.sim.soniox_harness import QUICK, raw_client, silence, simulator, spoken


async def test_endpoint_makes_all_tokens_final_once() -> None:
    """After speech and silence the final tokens come once, followed by `<end>`."""
    async with simulator() as (soniox, url), raw_client(url) as client:
        await client.start()
        await client.hear(spoken("opening_hours"))
        await client.until("<end>")
        assert client.finals() == "What are your opening hours?<end>"
        assert soniox.stats.endpoints == 1


async def test_without_endpoint_detection_nothing_ends() -> None:
    """`enable_endpoint_detection` false: tokens stay non-final until the client finalizes."""
    async with simulator() as (_, url), raw_client(url) as client:
        await client.start(enable_endpoint_detection=False)
        await client.hear(spoken("opening_hours", after_ms=3000))
        await client.finalize()
        await client.until("<fin>")
        assert client.finals() == "What are your opening hours?<fin>"


async def test_finalize_beats_the_endpoint() -> None:
    """A finalize in the silence gives the finals with `<fin>`; no `<end>` follows for the same words."""
    async with simulator() as (soniox, url), raw_client(url) as client:
        await client.start()
        await client.hear(spoken("time", after_ms=250))
        await client.finalize()
        await client.until("<fin>")
        await client.hear(silence(2000))
        await client.socket.send_bytes(b"")
        await client.until("finished")
        assert client.finals() == "What time is it?<fin>"
        assert (soniox.stats.finalizes, soniox.stats.endpoints) == (1, 0)


async def test_finalize_in_the_middle_of_a_word() -> None:
    """The word so far is final; the rest comes as a new token, and nothing is lost or doubled."""
    recording = load_speech()["opening_hours"]
    word = recording.words[3]
    middle = int((300 + (word.start_ms + word.end_ms) / 2) * 16)
    pcm = spoken("opening_hours")
    async with simulator() as (_, url), raw_client(url) as client:
        await client.start()
        await client.hear(pcm[:middle])
        await client.finalize()
        await client.until("<fin>")
        await client.hear(pcm[middle:])
        await client.until("<end>")
    first, rest = client.finals().split("<fin>")
    assert first.startswith("What are your o")
    assert first + rest == "What are your opening hours?<end>"


async def test_finalize_in_silence_or_noise_is_harmless() -> None:
    """With nothing to say, `<fin>` comes alone; a cough has no words and no endpoint."""
    rng = np.random.default_rng(3)
    noise = (rng.standard_normal(16000) * 30).astype(np.int16)
    async with simulator() as (soniox, url), raw_client(url) as client:
        await client.start()
        await client.hear(noise)
        await client.finalize()
        await client.until("<fin>")
        await client.hear(spoken("cough"))
        await client.finalize()
        await client.until("<fin>")
        assert client.finals() == "<fin><fin>"
        assert soniox.stats.endpoints == 0


class Counted:
    """A latency that gives its values in turn and counts its draws."""

    def __init__(self, *values_ms: float) -> None:
        self.values_ms = values_ms
        self.draws = 0

    def draw_ms(self) -> float:
        self.draws += 1
        return self.values_ms[min(self.draws, len(self.values_ms)) - 1]


async def test_one_silence_is_decided_once() -> None:
    """However long the silence after a sentence, the endpoint is decided a single time."""
    final = Counted(30)
    async with simulator(replace(QUICK, final=final)) as (_, url), raw_client(url) as client:
        await client.start()
        await client.hear(spoken("time", after_ms=4000))
        await client.until("<end>")
        assert final.draws == 1


async def test_segments_are_closed_in_the_order_of_their_decisions() -> None:
    """A quick final never overtakes a slow one before it."""
    async with simulator(replace(QUICK, final=Counted(300, 1))) as (_, url), raw_client(url) as client:
        await client.start()
        await client.hear(spoken("time", after_ms=900))
        await client.finalize()
        await client.until("<fin>")
        assert client.finals() == "What time is it?<end><fin>"


async def test_finalize_too_often_ends_the_stream() -> None:
    """A flood of finalizes is refused with 429 and the socket is closed."""
    async with simulator() as (_, url), raw_client(url) as client:
        await client.start()
        for _ in range(30):
            await client.finalize()
        error = await client.until("error_code")
        assert error["error_code"] == 429
        assert await client.closed()


async def test_a_pause_splits_one_recording_in_two_segments() -> None:
    """An endpoint in a long pause: the second half continues as new tokens."""
    async with simulator() as (_, url), raw_client(url) as client:
        await client.start()
        await client.hear(spoken("pause_800"))
        await client.until("<end>")
        await client.until("<end>")
    assert client.finals() == "My name is Anna<end>and I have a question about parking.<end>"


async def test_the_clients_maximum_delay_is_respected() -> None:
    """A 500 ms maximum makes the endpoint fall into a pause that the drawn wait would outlast."""
    latency = replace(QUICK, endpoint_wait=Fixed(2000))
    async with simulator(latency) as (_, url), raw_client(url) as client:
        await client.start(max_endpoint_delay_ms=500)
        await client.hear(spoken("pause_800", after_ms=700))
        await client.until("<end>")
        await client.until("<end>")
        assert client.finals().count("<end>") == 2


async def test_every_response_carries_all_pending_tokens() -> None:
    """Non-final text only grows or is revised: each response repeats it, and the processed time advances."""
    async with simulator() as (_, url), raw_client(url) as client:
        await client.start()
        pcm = spoken("book_table")
        for start in range(0, len(pcm), 1600):  # Ten times real time, so that interims have room.
            await client.hear(pcm[start : start + 1600])
            await asyncio.sleep(0.01)
        await client.until("<end>")
        interims = client.interims()
        assert len(interims) >= 3
        assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(interims))
        processed = [response["total_audio_proc_ms"] for response in client.responses]
        assert processed == sorted(processed)
        assert processed[-1] >= load_speech()["book_table"].speech_end_ms


async def test_an_empty_frame_ends_the_stream() -> None:
    """End of audio: finals, then `finished`, then the socket is closed by the server."""
    async with simulator() as (soniox, url), raw_client(url) as client:
        await client.start()
        await client.hear(spoken("yes_please", after_ms=100))
        await client.socket.send_bytes(b"")
        last = await client.until("finished")
        assert last["tokens"] == []
        assert client.finals() == "Yes please."
        assert await client.closed()
    assert soniox.stats.open_streams == 0


@pytest.mark.parametrize("rate_hz", [8000, 24000, 48000])
async def test_other_sample_rates_are_heard(rate_hz: int) -> None:
    """Audio at another rate is resampled; odd byte counts and large blocks do no harm."""
    pcm = spoken("goodbye").astype(np.float64)
    at = np.arange(int(len(pcm) * rate_hz / 16000)) * 16000 / rate_hz
    data = np.interp(at, np.arange(len(pcm)), pcm).astype("<i2").tobytes()
    async with simulator() as (_, url), raw_client(url) as client:
        await client.start(sample_rate=rate_hz)
        for start in range(0, len(data), 9999):
            await client.socket.send_bytes(data[start : start + 9999])
        await client.until("<end>")
        assert client.finals() == "Thank you, goodbye.<end>"


async def test_wrong_key_is_told_and_closed() -> None:
    """401 as JSON, then the socket is closed; the stream is counted as refused."""
    async with simulator() as (soniox, url), raw_client(url) as client:
        await client.start(api_key="wrong")
        error = await client.until("error_code")
        assert error["error_code"] == 401
        assert await client.closed()
    assert (soniox.stats.refused, soniox.stats.open_streams) == (1, 0)


async def test_unknown_control_message_is_refused() -> None:
    """Neither keepalive nor finalize: 400. A keepalive alone changes nothing."""
    async with simulator() as (_, url), raw_client(url) as client:
        await client.start()
        await client.socket.send_str('{"type":"keepalive"}')
        await client.finalize()
        await client.until("<fin>")
        await client.socket.send_str('{"type":"sing"}')
        assert (await client.until("error_code"))["error_code"] == 400


async def test_injected_refusals_follow_their_count() -> None:
    """`reject_every=2` refuses each second stream with the given code; healing works while running."""
    async with simulator(faults=SonioxFaults(reject_every=2, error_code=503)) as (soniox, url):
        outcomes: list[int | str] = []
        for healed in (False, False, False, True):
            soniox.faults = SonioxFaults() if healed else soniox.faults
            async with raw_client(url) as client:
                await client.start()
                await client.finalize()
                response = await client.socket.receive_json(timeout=10)
                outcomes.append(response.get("error_code", "ok"))
        assert outcomes == ["ok", 503, "ok", "ok"]


async def test_a_dropped_connection_is_cut_without_a_word() -> None:
    """`drop_after_s` ends the TCP connection: no error message, no clean close."""
    async with simulator(faults=SonioxFaults(drop_after_s=0.05)) as (soniox, url), raw_client(url) as client:
        await client.start()
        assert await client.closed()
        assert client.socket.close_code != 1000
    assert soniox.stats.open_streams == 0


async def test_a_mute_stream_stays_open_and_silent() -> None:
    """`mute_after_s=0` takes everything and answers nothing, then another stream works."""
    async with simulator(faults=SonioxFaults(mute_after_s=0)) as (soniox, url), raw_client(url) as client:
        await client.start()
        await client.hear(spoken("hello"))
        await client.finalize()
        soniox.faults = SonioxFaults()
        async with raw_client(url) as other:
            await other.start()
            await other.hear(spoken("hello"))
            await other.until("<end>")
        assert soniox.stats.finalizes == 1
        assert soniox.stats.open_streams >= 1
        with pytest.raises(TimeoutError):
            await client.socket.receive(timeout=0.2)


async def test_closing_the_simulator_ends_all_streams() -> None:
    """`aclose` closes open streams, leaves none behind, and may be called twice."""
    before = len(asyncio.all_tasks())
    async with simulator() as (soniox, url), raw_client(url) as client:
        await client.start()
        await client.finalize()
        await client.until("<fin>")
        await soniox.aclose()
        await soniox.aclose()
        assert await client.closed()
        assert soniox.stats.open_streams == 0
    assert len(asyncio.all_tasks()) <= before


@pytest.mark.parametrize("values", [{"reject_every": -1}, {"error_code": 200}, {"drop_after_s": -1.0}])
def test_impossible_faults_are_named(values: dict[str, float]) -> None:
    """A fault that cannot be is refused with its field's name."""
    with pytest.raises(ValueError, match=next(iter(values))):
        SonioxFaults(**values)  # pyright: ignore[reportArgumentType] - wrong on purpose
