"""What one reused frame buffer rests on: the SDK has copied it when `capture_frame` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest
from livekit import rtc

from sim.caller import Caller, mint_caller_token
from sim.publisher import tone

if TYPE_CHECKING:
    from sim.livekit_server import LocalLiveKit

pytestmark = pytest.mark.alone

RATE_HZ = 48_000
SIZE = RATE_HZ // 50
FRAMES = 50
SENT_HZ, OVERWRITTEN_HZ = 1000, 3000


def strength(pcm: np.ndarray, hz: int, rate_hz: int) -> float:
    """How much of a frequency there is, whatever its phase."""
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm))))
    line = round(hz * len(pcm) / rate_hz)
    return float(spectrum[line - 8 : line + 9].max())


@pytest.mark.parametrize("wrong", [False, True])
async def test_the_other_side_hears_what_was_handed_over(livekit: LocalLiveKit, wrong: bool) -> None:
    """A second of frames goes into the queue at once, each overwritten as soon as `capture_frame` returns.

    They leave up to a second later, and the other side hears 1000 Hz and none of the 3000 Hz that stood in the buffer
    by then. `wrong` hands over 3000 Hz, and is heard as that: the test can tell the two.
    """
    room = f"buffer-{uuid4().hex[:8]}"
    sent = np.resize(tone(1000, RATE_HZ, hz=OVERWRITTEN_HZ if wrong else SENT_HZ), FRAMES * SIZE)
    other = tone(20, RATE_HZ, hz=OVERWRITTEN_HZ)
    tokens = [mint_caller_token(livekit.api_key, livekit.api_secret, room, name) for name in ("ears", "mouth")]
    source, speaker = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=2000), rtc.Room()
    frame = rtc.AudioFrame.create(RATE_HZ, 1, SIZE)
    buffer = np.frombuffer(frame.data, np.int16)
    async with Caller(livekit.url, tokens[0], name="ears") as ears:
        await speaker.connect(livekit.url, tokens[1])
        await speaker.local_participant.publish_track(rtc.LocalAudioTrack.create_audio_track("mouth", source))
        await ears.listening(10.0)
        for number in range(FRAMES):
            buffer[:] = sent[number * SIZE : (number + 1) * SIZE]
            await source.capture_frame(frame)
            buffer[:] = other
        await ears.first_word(10.0)
        await ears.quiet(300.0)
        (heard,) = ears.heard()
        await speaker.disconnect()
    await source.aclose()
    pcm = heard.pcm.astype(np.float64)
    right, overwritten = (strength(pcm, hz, heard.sample_rate_hz) for hz in (SENT_HZ, OVERWRITTEN_HZ))
    assert (right > 30 * overwritten) is not wrong
    assert (overwritten > 30 * right) is wrong
