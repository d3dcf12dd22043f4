"""What two readings of a track say about the network between them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from livekit import rtc

from rooms.quality.link_reading import (
    LEAST_PACKETS,
    SILENT_S,
    TrackLink,
    TrackReading,
    link_between,
    read_track,
    reading_of,
)

BEFORE = TrackReading(10.0, packets=1000, lost=10, jitter_ms=5.0, checks=4, checks_ms=200.0)


def after(
    seconds: float = 10.0, *, packets: int = 500, lost: int = 0, checks: int = 4, checks_ms: float = 400
) -> TrackReading:
    """A reading with so much more in it."""
    return TrackReading(
        BEFORE.at_s + seconds,
        BEFORE.packets + packets,
        BEFORE.lost + lost,
        7.0,
        BEFORE.checks + checks,
        BEFORE.checks_ms + checks_ms,
    )


def between(now: TrackReading, *, sounding: bool = True, last: TrackReading = BEFORE) -> TrackLink:
    return link_between(last, now, counted=BEFORE, sounding=sounding)


def test_only_what_came_between_counts() -> None:
    """A share of the new packets, a mean of the new checks, the jitter of now."""
    link = between(after(lost=50))
    assert (link.loss, link.round_trip_ms, link.jitter_ms) == (0.1, 100.0, 7.0)


def test_silence_is_loss_where_sound_is_due() -> None:
    """No packet at all: all is lost, if the track is meant to send and a second is over."""
    assert between(after(packets=0)).loss == 1.0
    assert between(after(packets=0), sounding=False).loss is None
    assert between(after(SILENT_S / 2, packets=0)).loss is None


def test_few_packets_say_nothing_yet() -> None:
    """One lost of three is no third: they count with those of the next look."""
    few = after(packets=LEAST_PACKETS - 1, lost=1)
    assert between(few).loss is None
    more = after(20.0, packets=4 * LEAST_PACKETS, lost=4)
    assert between(more, last=few).loss == 0.1


def test_a_silence_after_few_packets_is_loss() -> None:
    """What is not enough to judge does not hide that nothing comes any more."""
    few = after(packets=3)
    assert between(after(20.0, packets=3), last=few).loss == 1.0


def test_a_late_packet_is_found_again() -> None:
    """A loss that was taken back is no loss, and no negative one."""
    assert between(after(lost=-3)).loss == 0


def test_without_checks_there_is_no_round_trip() -> None:
    """None, and not 0."""
    assert between(after(checks=0, checks_ms=0)).round_trip_ms is None


def test_a_new_connection_counts_from_zero() -> None:
    """After a reconnection the totals are smaller than before: all of them are new."""
    link = between(TrackReading(20.0, 100, 20, 1.0, 2, 80.0))
    assert (link.loss, link.round_trip_ms) == (0.2, 40.0)


@given(
    *(
        st.builds(
            TrackReading,
            st.floats(0, 1e6),
            *(st.integers(0, 10**6),) * 2,
            st.floats(0, 1e4),
            st.integers(0, 10**5),
            st.floats(0, 1e7),
        )
        for _ in range(3)
    ),
    st.booleans(),
)
def test_whatever_was_counted_is_a_link(
    before: TrackReading, counted: TrackReading, now: TrackReading, sounding: bool
) -> None:
    """Loss is a share and a round trip no less than 0."""
    link = link_between(before, now, counted=counted, sounding=sounding)
    assert link.loss is None or 0 <= link.loss <= 1
    assert link.round_trip_ms is None or link.round_trip_ms >= 0


def test_statistics_of_both_directions() -> None:
    """What arrives counts with what was lost before it; of what is sent the other side says what was lost."""
    stats = rtc.stats.RtcStats
    inbound = stats()
    inbound.inbound_rtp.received.packets_received = 90
    inbound.inbound_rtp.received.packets_lost = 10
    inbound.inbound_rtp.received.jitter = 0.012
    outbound, told, pair, other = stats(), stats(), stats(), stats()
    outbound.outbound_rtp.sent.packets_sent = 200
    told.remote_inbound_rtp.received.packets_lost = 4
    told.remote_inbound_rtp.received.jitter = 0.02
    pair.candidate_pair.candidate_pair.nominated = True
    pair.candidate_pair.candidate_pair.responses_received = 3
    pair.candidate_pair.candidate_pair.total_round_trip_time = 0.25
    other.candidate_pair.candidate_pair.responses_received = 50
    assert reading_of([inbound, pair, other], 1.0) == TrackReading(1.0, 100, 10, 12.0, 3, 250.0)
    assert reading_of([outbound, told, pair], 2.0) == TrackReading(2.0, 200, 4, 20.0, 3, 250.0)
    assert reading_of([pair], 3.0) is None


async def test_a_track_that_nobody_has_published() -> None:
    """No statistics, no error."""
    source = rtc.AudioSource(24_000, 1)
    try:
        assert await read_track(rtc.LocalAudioTrack.create_audio_track("alone", source), 1.0) is None
    finally:
        await source.aclose()
