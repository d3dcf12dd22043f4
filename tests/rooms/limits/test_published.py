"""Which tracks are too many, for any order in which they become known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from livekit.protocol.models import ParticipantInfo, TimedVersion, TrackInfo, TrackType

from rooms.limits.published import KnownTracks, Track, tracks_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rooms.limits.notice import Kind

Allowed = dict["Kind", "int | None"]


def audio(number: int, *, of_agent: bool = False) -> Track:
    return Track(f"TR_{number}", "audio", f"caller-{number}", number, of_agent=of_agent)


def sids(tracks: Iterable[Track]) -> list[str]:
    return [track.sid for track in tracks]


@given(
    st.lists(st.integers(0, 12), max_size=30),
    st.sets(st.integers(0, 12)),
    st.sets(st.integers(0, 12), max_size=4),
    st.integers(0, 6),
)
def test_exactly_those_beyond_the_limit(told: list[int], there: set[int], agents: set[int], most: int) -> None:
    """However often and in whichever order webhooks came: what is listed beyond the limit is too many, no agent is,
    a second judgement says the same, and so does a process that knows nothing."""
    known = KnownTracks()
    for number in told:
        known.note(f"TR_{number}", "audio")
    listed = [audio(number, of_agent=number in agents) for number in sorted(there)]
    allowed: Allowed = {"audio": most, "video": None}
    verdict = known.judge(listed, allowed)
    callers = [track for track in listed if not track.of_agent]
    assert len(verdict.too_many) == min(len(callers), max(0, len(listed) - most))
    assert [*verdict.too_many] == callers[len(callers) - len(verdict.too_many) :]
    assert known.judge(listed, allowed) == verdict == KnownTracks().judge(listed, allowed)
    assert len(known) == len(listed)


def test_the_newest_is_too_many_and_the_oldest_of_them_free_first() -> None:
    """A place that becomes free is told to who has waited longest."""
    known, allowed = KnownTracks(), Allowed({"audio": 1, "video": None})
    assert sids(known.judge([audio(1), audio(2), audio(3)], allowed).too_many) == ["TR_2", "TR_3"]
    verdict = known.judge([audio(2), audio(3)], allowed)
    assert sids(verdict.too_many) == ["TR_3"]
    assert sids(verdict.free) == ["TR_2"]
    known.drop("TR_3")
    assert known.judge([audio(2)], allowed).free == ()


def test_kinds_are_counted_apart() -> None:
    """Audio is no video, and what is unlimited is never too many."""
    tracks = [audio(1), audio(2), replace(audio(3), kind="video"), replace(audio(4), kind="video")]
    verdict = KnownTracks().judge(tracks, {"audio": None, "video": 1})
    assert sids(verdict.too_many) == ["TR_4"]
    assert verdict.counts == {"audio": 2, "video": 2}


def test_what_the_list_is_late_with_is_still_counted() -> None:
    """A webhook has told of it, the list has it a moment later; what is neither listed nor late is forgotten."""
    known = KnownTracks()
    for number in (1, 2, 3):
        assert known.note(f"TR_{number}", "audio")
    assert not known.note("TR_3", "audio")
    known.judge([audio(1)], {"audio": 5, "video": None}, late=["TR_3"])
    assert known.count("audio") == 2
    known.judge([audio(1)], {"audio": 5, "video": None})
    assert (known.count("audio"), known.count("video")) == (1, 0)


def test_tracks_of_a_room() -> None:
    """Sound and pictures of all but recorders, in the order of publishing; data is neither."""

    def info(identity: str, kind: ParticipantInfo.Kind, **published_us: int) -> ParticipantInfo:
        types = {"sound": TrackType.AUDIO, "picture": TrackType.VIDEO, "data": TrackType.DATA}
        tracks = [
            TrackInfo(sid=f"{identity}-{name}", type=types[name], version=TimedVersion(unix_micro=at_us))
            for name, at_us in published_us.items()
        ]
        return ParticipantInfo(identity=identity, kind=kind, tracks=tracks)

    found = tracks_of(
        [
            info("late", ParticipantInfo.STANDARD, sound=5),
            info("agent", ParticipantInfo.AGENT, data=1, sound=3),
            info("early", ParticipantInfo.SIP, picture=4, sound=2),
            info("recorder", ParticipantInfo.EGRESS, sound=1),
        ]
    )
    assert [(track.sid, track.kind, track.of_agent) for track in found] == [
        ("early-sound", "audio", False),
        ("agent-sound", "audio", True),
        ("early-picture", "video", False),
        ("late-sound", "audio", False),
    ]
