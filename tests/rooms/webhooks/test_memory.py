"""What is remembered of webhooks, and for how long."""

from __future__ import annotations

import pytest
from livekit import api
from livekit.protocol.models import ParticipantInfo, Room, TrackInfo

from rooms.webhooks.memory import Ended, Seen


def test_ids_are_forgotten_after_their_time() -> None:
    """Not before, and without a task that sweeps."""
    seen = Seen(10)
    seen.add("a", 100)
    seen.add("b", 109)
    assert "a" in seen
    seen.add("c", 110)
    assert ("a" in seen, "b" in seen, len(seen)) == (False, True, 2)


def test_memory_has_a_bound() -> None:
    """Of too many the newest are kept."""
    seen = Seen(1000, most=3)
    for number in range(10):
        seen.add(str(number), 100)
    assert [str(number) in seen for number in range(10)] == [False] * 7 + [True] * 3
    ended = Ended(most=3)
    for number in range(10):
        ended.note(event("room_finished", room=f"RM_{number}"))
    assert len(ended) == 3


def event(kind: str, room: str = "RM_a", participant: str = "", track: str = "") -> api.WebhookEvent:
    return api.WebhookEvent(
        event=kind, room=Room(sid=room), participant=ParticipantInfo(sid=participant), track=TrackInfo(sid=track)
    )


@pytest.mark.parametrize(
    ("end", "beginning"),
    [
        (event("room_finished"), event("room_started")),
        (event("room_finished"), event("participant_joined", participant="PA_b")),
        (event("room_finished"), event("track_published", participant="PA_b", track="TR_c")),
        (event("participant_left", participant="PA_b"), event("participant_joined", participant="PA_b")),
        (event("participant_connection_aborted", participant="PA_b"), event("participant_joined", participant="PA_b")),
        (event("participant_left", participant="PA_b"), event("track_published", participant="PA_b", track="TR_c")),
        (event("track_unpublished", track="TR_c"), event("track_published", track="TR_c")),
    ],
)
def test_a_beginning_after_its_end_is_seen(end: api.WebhookEvent, beginning: api.WebhookEvent) -> None:
    """Of itself, and of the room or the participant that it belongs to."""
    ended = Ended()
    assert not ended.overtook(beginning)
    ended.note(end)
    assert ended.overtook(beginning)
    assert not ended.overtook(end)


@pytest.mark.parametrize(
    "after",
    [
        event("room_started", room="RM_b"),
        event("participant_joined", room="RM_b", participant="PA_c"),
        event("participant_left", participant="PA_c"),
        event("track_unpublished", track="TR_c"),
        event("room_finished"),
    ],
)
def test_what_is_not_a_beginning_or_of_another_room_passes(after: api.WebhookEvent) -> None:
    """A room of the same name has another sid, and an end may come as late as it likes."""
    ended = Ended()
    ended.note(event("room_finished"))
    assert not ended.overtook(after)


def test_nothing_is_remembered_of_a_beginning() -> None:
    """A track that is published ends neither its room nor its participant."""
    ended = Ended()
    ended.note(event("track_unpublished", participant="PA_b", track="TR_c"))
    assert not ended.overtook(event("track_published", participant="PA_b", track="TR_d"))
