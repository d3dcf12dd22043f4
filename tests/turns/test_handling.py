"""The settings as livekit-agents' turn handling and as what Soniox is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from livekit.agents import AgentSession, APIConnectOptions
from livekit.plugins import soniox

from tests.prewarm.wire import Wire
from turns.handling import (
    AEC_WARMUP_S,
    LEAST_INTERRUPTION_S,
    LONGEST_TURN_S,
    MAX_SPECULATIONS,
    soniox_options,
    turn_handling,
)
from turns.profiles import PROFILES, turn_profile
from turns.word_detector import WordDetector

if TYPE_CHECKING:
    from tests.conftest import MakeSettings


DETECTOR = WordDetector()


def handling(make_settings: MakeSettings, **fields: Any) -> dict[str, Any]:
    settings = make_settings(**fields)
    return {**turn_handling(settings, turn_profile(settings), DETECTOR)}


def test_nothing_runs_in_the_cloud(make_settings: MakeSettings) -> None:
    """Turns and interruptions are decided on this machine: dev and production behave alike."""
    options = handling(make_settings)
    assert (options["turn_detection"], options["interruption"]["mode"]) == (DETECTOR, "vad")
    assert options["endpointing"]["mode"] == "fixed"


@pytest.mark.parametrize("mode", ["vad", "stt"])
def test_the_frameworks_own_modes_are_passed_on(make_settings: MakeSettings, mode: str) -> None:
    """TURN_DETECTION names them as the framework does."""
    assert handling(make_settings, turn_detection=mode)["turn_detection"] == mode


def test_the_model_is_the_one_that_is_bundled(make_settings: MakeSettings) -> None:
    """TURN_DETECTION=model needs neither cloud nor key."""
    assert handling(make_settings, turn_detection="model")["turn_detection"].model == "turn-detector-v1-mini"


@pytest.mark.parametrize("on", [True, False])
def test_a_reply_is_begun_before_the_turn_is_over(make_settings: MakeSettings, on: bool) -> None:
    """PREEMPTIVE_TTS: with its speech or without; the limits are this project's, not the framework's 3 and 10 s."""
    assert handling(make_settings, preemptive_tts=on)["preemptive_generation"] == {
        "enabled": True,
        "preemptive_tts": on,
        "max_retries": MAX_SPECULATIONS,
        "max_speech_duration": LONGEST_TURN_S,
    }
    assert max(profile.speculations_a_turn for profile in PROFILES.values()) <= MAX_SPECULATIONS


@pytest.mark.parametrize("name", PROFILES)
def test_the_profile_reaches_each_option(make_settings: MakeSettings, name: str) -> None:
    """PROFILE: two delays, and three numbers of an interruption."""
    profile = PROFILES[name]  # pyright: ignore[reportArgumentType]  # each name is a key
    options = handling(make_settings, profile=name, ignore_backchannels=False)
    endpointing, interruption = options["endpointing"], options["interruption"]
    assert (endpointing["min_delay"], endpointing["max_delay"]) == (
        profile.min_endpointing_delay_s,
        profile.max_endpointing_delay_s,
    )
    assert (
        interruption["min_duration"],
        interruption["min_words"],
        interruption["false_interruption_timeout"],
        interruption["resume_false_interruption"],
    ) == (
        profile.interruption_min_duration_s,
        profile.interruption_min_words,
        profile.false_interruption_timeout_s,
        True,
    )


@pytest.mark.parametrize(
    ("setting", "value", "group", "option"),
    [
        ("enable_interruptions", False, "interruption", "enabled"),
        ("enable_interruptions", True, "interruption", "enabled"),
        ("interruption_threshold", 0.9, "interruption", "min_duration"),
        ("min_endpointing_delay", 0.15, "endpointing", "min_delay"),
        ("max_endpointing_delay", 4.0, "endpointing", "max_delay"),
    ],
)
def test_each_setting_reaches_its_option(
    make_settings: MakeSettings, setting: str, value: object, group: str, option: str
) -> None:
    """ENABLE_INTERRUPTIONS, INTERRUPTION_THRESHOLD and the two endpointing delays."""
    assert handling(make_settings, ignore_backchannels=False, **{setting: value})[group][option] == value


def test_what_passes_the_gate_interrupts_at_once(make_settings: MakeSettings) -> None:
    """IGNORE_BACKCHANNELS: length and words were judged before the framework hears of the sound."""
    interruption = handling(make_settings, profile="steady")["interruption"]
    assert (interruption["min_duration"], interruption["min_words"]) == (LEAST_INTERRUPTION_S, 0)


async def test_the_framework_takes_them_as_they_are(make_settings: MakeSettings) -> None:
    """A session built with them reports the same numbers: no key is unknown to it, none is renamed."""
    settings = make_settings(
        min_endpointing_delay=0.15,
        max_endpointing_delay=4.0,
        interruption_threshold=0.9,
        enable_interruptions=False,
        ignore_backchannels=False,
    )
    session = AgentSession[None](
        turn_handling=turn_handling(settings, turn_profile(settings), DETECTOR), aec_warmup_duration=AEC_WARMUP_S
    )
    taken: dict[str, Any] = {**session.options.endpointing, **session.options.interruption}
    assert (taken["min_delay"], taken["max_delay"]) == (0.15, 4.0)
    assert (taken["enabled"], taken["min_duration"]) == (False, 0.9)
    assert session.options.aec_warmup_duration is None
    await session.aclose()


def test_a_reply_into_the_greeting_is_heard() -> None:
    """The framework's echo warm-up would drop all that the caller says in the first three seconds."""
    assert AEC_WARMUP_S is None


async def test_what_soniox_is_told(make_settings: MakeSettings) -> None:
    """STT_MODEL, LANGUAGE_HINTS and PROFILE as the real plugin puts them on the wire."""
    settings = make_settings(
        stt_model="stt-rt-v4",
        language_hints="de,fr",
        profile="steady",
        stt_endpoint_sensitivity=0.5,
        stt_endpoint_latency_level=2,
    )
    async with Wire() as wire, aiohttp.ClientSession() as session:
        stt = soniox.STT(
            api_key="k",
            base_url=f"ws://{wire.address}/stt",
            http_session=session,
            params=soniox_options(settings, turn_profile(settings)),
        )
        async with stt.stream(conn_options=APIConnectOptions(max_retry=0)):
            told = (await wire.request("/stt")).body
        await stt.aclose()
    assert told["model"] == "stt-rt-v4"
    assert told["language_hints"] == ["de", "fr"]
    assert told["max_endpoint_delay_ms"] == PROFILES["steady"].stt_max_endpoint_delay_ms
    assert told["enable_endpoint_detection"] is True
    assert (told["endpoint_sensitivity"], told["endpoint_latency_adjustment_level"]) == (0.5, 2)
