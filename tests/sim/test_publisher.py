from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sim.caller import Caller, mint_caller_token
from sim.publisher import Downlink, FloorPublisher, measure_downlink_ms, measure_floor_ms, tone

if TYPE_CHECKING:
    from sim.livekit_server import LocalLiveKit

LIMIT_S = 20.0


async def test_floor_publisher_sounds_without_a_pause(livekit: LocalLiveKit) -> None:
    """Somebody who joins hears it at once and all the time; it hears nobody."""
    room = f"floor-{secrets.token_hex(4)}"

    def token(identity: str) -> str:
        return mint_caller_token(livekit.api_key, livekit.api_secret, room, identity)

    async with (
        FloorPublisher(livekit.url, token("floor")),
        Caller(livekit.url, token("ada"), name="ada") as ada,
    ):
        word = await ada.first_word(LIMIT_S)
        (track,) = ada.heard()
        assert track.identity == "floor"
        assert len(track.spans()) == 1
        # The sound may be there before the connect call returns, which has a tick of the loop more to go.
        assert word.ttfw_ms > 0.5 * word.connect_ms


async def test_floor_is_measured_once_a_call(livekit: LocalLiveKit) -> None:
    """As many figures as calls, all above zero, and nobody is left in a room."""
    each_ms = await measure_floor_ms(livekit.url, livekit.api_key, livekit.api_secret, calls=2, timeout_s=LIMIT_S)
    assert len(each_ms) == 2
    assert min(each_ms) > 0


async def test_downlink_is_the_same_way_again_and_again(livekit: LocalLiveKit) -> None:
    """One way is longer than a packet (20 ms), and its bursts agree: the median is not far from the least."""
    way = await measure_downlink_ms(livekit.url, livekit.api_key, livekit.api_secret, bursts=5)
    assert way.n == 5
    assert min(way.each_ms) > 20
    assert way.p50_ms < 4 * min(way.each_ms)
    assert way.p50_ms <= way.p90_ms <= max(way.each_ms)


def test_quantiles_of_a_downlink() -> None:
    """Median and 90th percentile are those of the bursts."""
    way = Downlink(tuple(float(value) for value in range(1, 12)))
    assert (way.n, way.p50_ms, way.p90_ms) == (11, 6.0, 10.0)


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 48_000])
def test_tone_has_its_length_and_level(rate_hz: int) -> None:
    """The sine has the asked duration and peak, from its very first sample."""
    wave = tone(250, rate_hz, dbfs=-6.0)
    assert len(wave) == rate_hz // 4
    peak = 32767 * 10 ** (-6.0 / 20)
    assert int(np.abs(wave).max()) == pytest.approx(peak, rel=0.01)
    assert int(wave[0]) == pytest.approx(peak, rel=0.01)
