"""Each message once and in order, whatever is lost, doubled or late."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from rooms.channel.sequence import WINDOW, Inbox, Outbox


def numbered(count: int) -> list[dict[str, object]]:
    return [{"type": "n", "n": number} for number in range(count)]


@given(count=st.integers(1, 200), seed=st.integers(0, 2**32), loss=st.floats(0, 0.8), cut=st.floats(0, 0.2))
def test_over_any_line_each_message_arrives_once_and_in_order(count: int, seed: int, loss: float, cut: float) -> None:
    """Messages and acknowledgements are lost, overtake each other, and connections break."""
    random, now_s = Random(seed), 0.0
    outbox, inbox = Outbox(most_waiting=count, resend_s=1.0), Inbox()
    for body in numbered(count):
        outbox.put(body)
    read: list[object] = []
    for _ in range(5000):
        if outbox.empty:
            break
        if random.random() < cut:
            outbox.reconnected()
        arriving = [parcel for parcel in outbox.take_due(now_s) if random.random() >= loss]
        random.shuffle(arriving)
        for parcel in arriving:
            read += [body["n"] for body in inbox.take(parcel.seq, parcel.body)]
            if random.random() >= loss:
                assert outbox.acknowledged(inbox.received)
        due_s = outbox.next_due_s()
        now_s = now_s if due_s is None else max(now_s, due_s)
    assert read == list(range(count))
    assert outbox.empty


def test_what_is_not_acknowledged_is_sent_again_ever_more_rarely() -> None:
    """After 1, 2, 4, 8, 8 s; what is acknowledged is not."""
    outbox = Outbox(most_waiting=2, resend_s=1.0)
    outbox.put({"type": "a"})
    outbox.put({"type": "b"})
    assert [parcel.seq for parcel in outbox.take_due(100.0)] == [1, 2]
    assert outbox.acknowledged(1)
    times_s = []
    for _ in range(5):
        due_s = outbox.next_due_s()
        assert due_s is not None
        assert outbox.take_due(due_s - 0.001) == []
        assert [parcel.seq for parcel in outbox.take_due(due_s)] == [2]
        times_s.append(due_s - 100)
    assert times_s == [1, 3, 7, 15, 23]


def test_a_new_connection_carries_what_is_under_way_at_once() -> None:
    """By its old number, before what has waited."""
    outbox = Outbox(most_waiting=2)
    outbox.put({"type": "a"})
    outbox.take_due(0.0)
    outbox.put({"type": "b"})
    outbox.reconnected()
    assert [(parcel.seq, parcel.body["type"]) for parcel in outbox.take_due(0.0)] == [(1, "a"), (2, "b")]


def test_no_more_than_the_window_is_under_way_or_held() -> None:
    """A peer that numbers far ahead fills no memory."""
    outbox, inbox = Outbox(most_waiting=WINDOW * 2), Inbox()
    for body in numbered(WINDOW * 2):
        outbox.put(body)
    assert len(outbox.take_due(0.0)) == WINDOW
    assert outbox.full is False
    assert inbox.take(WINDOW + 1, {"type": "far"}) == []
    assert inbox.take(WINDOW, {"type": "early"}) == []
    for seq in range(1, WINDOW):
        inbox.take(seq, {"type": "n"})
    assert inbox.received == WINDOW


def test_an_acknowledgement_of_what_was_never_sent_is_told() -> None:
    """Also of what still waits."""
    outbox = Outbox(most_waiting=2)
    outbox.put({"type": "a"})
    assert outbox.acknowledged(1) is False
    outbox.take_due(0.0)
    assert outbox.acknowledged(1)
    assert outbox.acknowledged(2) is False
