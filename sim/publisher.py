"""The floor: what is left of a measurement when the other side is already in the room and already sending."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from sim.caller import Caller, mint_caller_token

if TYPE_CHECKING:
    from sim.waveform import Pcm

TONE_HZ = 1000
TONE_LEVEL_DBFS = -12.0
RATE_HZ = 16_000
BURST_MS = 120
BURST_PAUSE_MS = 300
BURST_LIMIT_S = 5.0
SETTLING_BURSTS = 5


class FloorPublisher:
    """In the room and sending without a pause for as long as the block lasts: a tone, or `sound` in a loop.

    The time to first word of a caller who joins now is the floor for this server and machine.
    """

    def __init__(
        self, url: str, token: str, *, name: str = "floor", sound: Pcm | None = None, sample_rate_hz: int = RATE_HZ
    ) -> None:
        background = tone(1000, sample_rate_hz) if sound is None else sound
        self._caller = Caller(
            url,
            token,
            name=name,
            microphone_rate_hz=sample_rate_hz,
            background=background,
            listens_to=lambda _: False,
        )

    async def __aenter__(self) -> Self:
        await self._caller.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._caller.hang_up()


@dataclass(frozen=True)
class Downlink:
    """One way through the server, sender's sample out to receiver's audible sample, in ms, of each burst."""

    each_ms: tuple[float, ...]

    @property
    def n(self) -> int:
        return len(self.each_ms)

    @property
    def p50_ms(self) -> float:
        return float(np.percentile(self.each_ms, 50))

    @property
    def p90_ms(self) -> float:
        return float(np.percentile(self.each_ms, 90))


async def measure_downlink_ms(
    url: str, api_key: str, api_secret: str, *, bursts: int = 20, room: str | None = None
) -> Downlink:
    """Sends tone bursts after silence from one participant to another, both in this process, in a room of its own.

    The first SETTLING_BURSTS are not counted: the receiver's jitter buffer is still shrinking to its size. Bursts
    that the sender could not feed in time are sent again, at most as many again as were asked for.
    """
    room = room or f"downlink-{secrets.token_hex(4)}"
    burst = tone(BURST_MS, RATE_HZ)
    delays_ms: list[float] = []
    sender = Caller(
        url,
        mint_caller_token(api_key, api_secret, room, "sender"),
        name="sender",
        listens_to=lambda _: False,
    )
    receiver = Caller(url, mint_caller_token(api_key, api_secret, room, "receiver"), name="receiver")
    async with sender, receiver:
        await receiver.listening(BURST_LIMIT_S)
        for attempt in range(SETTLING_BURSTS + 2 * bursts):
            sent = await sender.say(burst, RATE_HZ)
            heard = await receiver.reply(after=sent, timeout_s=BURST_LIMIT_S, pause_ms=BURST_PAUSE_MS / 2)
            if attempt >= SETTLING_BURSTS and not sent.torn:
                delays_ms.append((heard.first_audible_at - sent.first_audible_sample_at) * 1000)
            if len(delays_ms) == bursts:
                break
            await receiver.quiet(BURST_PAUSE_MS)
    return Downlink(tuple(delays_ms))


async def measure_floor_ms(
    url: str, api_key: str, api_secret: str, *, calls: int = 10, timeout_s: float = 10.0
) -> tuple[float, ...]:
    """Time to first word, in ms, of `calls` callers who one after the other join a room that is already sounding."""
    each_ms: list[float] = []
    for _ in range(calls):
        room = f"floor-{secrets.token_hex(4)}"
        async with FloorPublisher(url, mint_caller_token(api_key, api_secret, room, "floor")):
            await asyncio.sleep(0.2)  # the publisher's own connection settles
            async with Caller(url, mint_caller_token(api_key, api_secret, room, "caller"), name="caller") as caller:
                each_ms.append((await caller.first_word(timeout_s)).ttfw_ms)
    return tuple(each_ms)


def tone(duration_ms: float, sample_rate_hz: int, *, hz: int = TONE_HZ, dbfs: float = TONE_LEVEL_DBFS) -> Pcm:
    """A sine that starts at full level at once; `dbfs` is its peak."""
    count = round(sample_rate_hz * duration_ms / 1000)
    wave = np.cos(2 * np.pi * hz * np.arange(count) / sample_rate_hz)
    return (wave * 32767 * 10 ** (dbfs / 20)).astype(np.int16)
