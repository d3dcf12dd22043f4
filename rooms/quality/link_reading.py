"""What the media library has counted about the network of one call, and what came of it between two looks.

Read from the statistics of each track: that of a participant tells how their sound arrives here, the agent's own how
the server says that it arrived there. Both have the round trip to the server, which is as far as an agent can see: what
a caller hears on their own last mile only the server knows, and tells as a verdict.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from livekit import rtc

READ_LIMIT_S = 2.0
"""A room that is closed meanwhile never answers."""
SILENT_S = 1.0
"""Even a caller who says nothing sends a packet each 400 ms."""
LEAST_PACKETS = 10
"""Of fewer one that is lost says nothing."""


@dataclass(frozen=True)
class TrackReading:
    """Totals since the track began; `packets` are those that were sent to whoever counts them, lost ones too.

    Round trips are those of the connection's own `checks`, one each two or three seconds, and `checks_ms` their sum.
    The reports of RTCP come more often, but each adds a way from up to six seconds ago to one of now.
    """

    at_s: float
    packets: int = 0
    lost: int = 0
    jitter_ms: float = 0.0
    checks: int = 0
    checks_ms: float = 0.0


@dataclass(frozen=True)
class TrackLink:
    """Of one track, between two looks. `loss` is a share of packets; None: there were too few to judge.

    `round_trip_ms`: None where nothing was checked.
    """

    loss: float | None
    jitter_ms: float
    round_trip_ms: float | None


async def read_track(track: rtc.Track, at_s: float) -> TrackReading | None:
    """None if the track ends meanwhile or nothing was counted yet. About 1 ms of the loop."""
    try:
        async with asyncio.timeout(READ_LIMIT_S):
            stats = await track.get_stats()
    except Exception:  # noqa: BLE001  # the SDK raises bare exceptions, for a track that is gone among others
        return None
    return reading_of(stats, at_s)


def reading_of(stats: Iterable[rtc.stats.RtcStats], at_s: float) -> TrackReading | None:
    """What `stats` of one track say; None if no stream of sound is among them."""
    packets, lost, jitter_s = 0, 0, 0.0
    checks, checks_s = 0, 0.0
    found = False
    for each in stats:
        kind = each.WhichOneof("stats")
        if kind == "inbound_rtp":
            found = True
            received = each.inbound_rtp.received
            packets += received.packets_received + received.packets_lost
            lost += received.packets_lost
            jitter_s = max(jitter_s, received.jitter)
        elif kind == "outbound_rtp":
            found = True
            packets += each.outbound_rtp.sent.packets_sent
        elif kind == "remote_inbound_rtp":
            lost += each.remote_inbound_rtp.received.packets_lost
            jitter_s = max(jitter_s, each.remote_inbound_rtp.received.jitter)
        elif kind == "candidate_pair" and each.candidate_pair.candidate_pair.nominated:
            pair = each.candidate_pair.candidate_pair
            checks += pair.responses_received
            checks_s += pair.total_round_trip_time
    if not found:
        return None
    return TrackReading(at_s, packets, lost, jitter_s * 1000, checks, checks_s * 1000)


def link_between(last: TrackReading, now: TrackReading, *, counted: TrackReading, sounding: bool) -> TrackLink:
    """`last`: of the look before. `counted`: the one up to which packets were judged, `last` or an earlier one.

    `sounding`: sound is to arrive all the time, so that nothing in SILENT_S is all of it lost.
    """
    # A connection that was made anew counts from zero; its checks may also change their way alone.
    is_new = now.packets < last.packets
    packets = now.packets - (0 if is_new else counted.packets)
    lost = now.lost - (0 if is_new else counted.lost)
    loss: float | None = None
    if sounding and now.packets == last.packets and now.at_s - last.at_s >= SILENT_S:
        loss = 1.0
    elif packets >= LEAST_PACKETS:
        # What is lost is told later than what is sent, and a late packet is found again.
        loss = min(max(lost / packets, 0.0), 1.0)
    checks, checks_ms = now.checks - last.checks, now.checks_ms - last.checks_ms
    if checks < 0:
        checks, checks_ms = now.checks, now.checks_ms
    round_trip_ms = max(checks_ms, 0.0) / checks if checks else None
    return TrackLink(loss, now.jitter_ms, round_trip_ms)
