"""The first message: what is taken, and what is refused with which words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sim.soniox_config import Refused, parse_config

GOOD: dict[str, Any] = {
    "model": "stt-rt-v5",
    "audio_format": "pcm_s16le",
    "num_channels": 1,
    "sample_rate": 16000,
    "enable_endpoint_detection": True,
    "max_endpoint_delay_ms": 2000,
    "language_hints": ["ar", "en"],
}


def test_config_of_the_plugin_is_taken() -> None:
    """The fields that change the simulation are read, with the service's defaults for the rest."""
    config = parse_config(json.dumps(GOOD | {"api_key": "k"}), None, frozenset({"k"}))
    assert (config.sample_rate_hz, config.endpointing) == (16000, True)
    assert (config.max_endpoint_delay_ms, config.language_hints) == (2000, ("ar", "en"))


@pytest.mark.parametrize(("bearer", "in_message"), [("k", None), (None, "k"), ("other", "k")])
def test_key_comes_as_bearer_or_in_the_message(bearer: str | None, in_message: str | None) -> None:
    """Both places of the key work, and the message wins."""
    assert parse_config(json.dumps(GOOD | {"api_key": in_message}), bearer, frozenset({"k"})).endpointing


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"api_key": "wrong"}, 401, "Incorrect API key"),
        ({"api_key": None}, 401, "Missing API key"),
        ({"model": "whisper"}, 400, "Invalid model"),
        ({"audio_format": "mp3"}, 400, "audio_format"),
        ({"num_channels": 2}, 400, "num_channels"),
        ({"sample_rate": None}, 400, "sample_rate"),
        ({"sample_rate": 1}, 400, "between 8000 and 192000, got 1"),
        ({"max_endpoint_delay_ms": 499}, 400, "between 500 and 3000, got 499"),
        ({"endpoint_sensitivity": 1.5}, 400, "endpoint_sensitivity"),
        ({"endpoint_latency_adjustment_level": True}, 400, "endpoint_latency_adjustment_level"),
        ({"language_hints": "en"}, 400, "language_hints"),
        ({"translation": {"type": "one_way"}}, 400, "translation"),
    ],
)
def test_bad_fields_are_named(changes: dict[str, Any], code: int, words: str) -> None:
    """A wrong field is refused with the service's code and a message that names it."""
    with pytest.raises(Refused) as refused:
        parse_config(json.dumps(GOOD | {"api_key": "k"} | changes), None, frozenset({"k"}))
    assert refused.value.code == code
    assert words in str(refused.value)


@pytest.mark.parametrize("message", ["", "no json", "[1]"])
def test_only_a_json_object_starts_a_stream(message: str) -> None:
    """Anything else than an object is refused with 400."""
    with pytest.raises(Refused, match="JSON object") as refused:
        parse_config(message, "k", None)
    assert refused.value.body()["error_code"] == 400


def test_a_refusal_never_repeats_the_key() -> None:
    """The error of a wrong key does not contain it."""
    with pytest.raises(Refused) as refused:
        parse_config(json.dumps(GOOD), "secret-key", frozenset({"k"}))
    assert "secret-key" not in json.dumps(refused.value.body())


def wait_ms(drawn_ms: float = 1000, **changes: Any) -> float:
    return parse_config(json.dumps(GOOD | changes), "k", None).endpoint_wait_ms(drawn_ms)


def test_endpoint_settings_change_the_wait() -> None:
    """A higher latency level or sensitivity shortens the wait, a lower sensitivity lengthens it."""
    assert wait_ms() == 1000
    levels = [wait_ms(endpoint_latency_adjustment_level=level) for level in range(4)]
    assert levels == sorted(levels, reverse=True)
    assert len(set(levels)) == 4
    assert wait_ms(endpoint_sensitivity=1.0) < wait_ms() < wait_ms(endpoint_sensitivity=-1.0)


def test_the_clients_maximum_always_holds() -> None:
    """No endpoint waits longer than `max_endpoint_delay_ms`."""
    assert wait_ms(5000, max_endpoint_delay_ms=500, endpoint_sensitivity=-1.0) == 500
