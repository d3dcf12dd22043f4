"""How the caller's audio comes in, and that noise cancellation costs nothing when it is off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from livekit.agents import room_io

from turns.room_options import SAMPLE_RATE_HZ, room_options
from turns.vad import SAMPLE_RATE_HZ as VAD_RATE_HZ

if TYPE_CHECKING:
    from tests.conftest import MakeSettings

ROOT = Path(__file__).parents[2]


def test_the_audio_arrives_in_small_frames_at_the_rate_that_is_used(make_settings: MakeSettings) -> None:
    """Nothing resamples, nothing is levelled, and no frame holds back the VAD."""
    audio = room_options(make_settings()).audio_input
    assert isinstance(audio, room_io.AudioInputOptions)
    assert (audio.sample_rate, audio.frame_size_ms, audio.auto_gain_control) == (SAMPLE_RATE_HZ, 10, False)
    assert SAMPLE_RATE_HZ == VAD_RATE_HZ
    assert audio.noise_cancellation is None
    longer = room_options(make_settings(audio_frame_ms=40)).audio_input
    assert isinstance(longer, room_io.AudioInputOptions)
    assert longer.frame_size_ms == 40


def test_the_call_brings_its_own_voice(make_settings: MakeSettings) -> None:
    """The framework publishes no track of its own, and text is sent without its rate estimate."""
    options = room_options(make_settings())
    assert options.audio_output is False
    assert isinstance(options.text_output, room_io.TextOutputOptions)
    assert options.text_output.sync_transcription is False


def test_noise_cancellation_is_imported_only_when_it_is_on() -> None:
    """NOISE_CANCELLATION: off, the plugin and its native library never enter the process; on, options are made."""
    code = """
import sys
import orchestrator
from config import Settings
from turns.room_options import room_options

for enabled in (False, True):
    options = room_options(Settings(noise_cancellation=enabled)).audio_input.noise_cancellation
    print("livekit.plugins.noise_cancellation" in sys.modules, options is not None)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=50, check=True
    )
    assert done.stdout.splitlines() == ["False False", "True True"]
