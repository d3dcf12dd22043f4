"""The teller: every observer hears everything in order, and none of them disturbs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from observe import teller as teller_module
from observe.teller import Teller
from tests.observe.records import call, turn

if TYPE_CHECKING:
    import pytest

    from observe.observer import CallRecord, TurnRecord


class Listener:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def started(self, call: CallRecord) -> None:
        await asyncio.sleep(0)
        self.told.append(f"started {call.call_id}")

    async def turned(self, call: CallRecord, turn: TurnRecord) -> None:
        await asyncio.sleep(0)
        self.told.append(f"turn {turn.number}")

    async def ended(self, call: CallRecord) -> None:
        self.told.append(f"ended by {call.ended_by}")


class Raises(Listener):
    """Fails at everything, after it has noted that it was asked."""

    async def started(self, call: CallRecord) -> None:
        await super().started(call)
        raise ValueError("hidden-key")

    async def turned(self, call: CallRecord, turn: TurnRecord) -> None:
        await super().turned(call, turn)
        raise OSError("hidden-key")


class Hangs(Listener):
    """Never comes back from the first turn."""

    def __init__(self) -> None:
        super().__init__()
        self.cancelled = False

    async def turned(self, call: CallRecord, turn: TurnRecord) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


WHOLE_CALL = ["started job-1", "turn 1", "turn 2", "ended by caller"]


async def test_each_observer_is_told_the_whole_call_in_order() -> None:
    """`started`, each turn, `ended`; and `ended` of the teller waits until all have heard it."""
    record, listeners = call(), [Listener(), Listener()]
    teller = Teller(record, listeners)
    teller.turned(turn(1))
    teller.turned(turn(2))
    record.ended_by = "caller"
    await teller.ended()
    assert [listener.told for listener in listeners] == [WHOLE_CALL, WHOLE_CALL]


async def test_telling_does_not_wait() -> None:
    """The turn is queued: nothing has been heard yet when `turned` returns."""
    listener = Listener()
    teller = Teller(call(), [listener])
    teller.turned(turn(1))
    assert listener.told == []
    await teller.ended()


async def test_an_observer_that_raises_keeps_being_told_and_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Each failure is one line with the observer's and the error's type; its text may hold a key."""
    record, bad, good = call(), Raises(), Listener()
    with caplog.at_level("WARNING", logger="observe"):
        teller = Teller(record, [bad, good])
        teller.turned(turn(1))
        teller.turned(turn(2))
        record.ended_by = "caller"
        await teller.ended()
    assert bad.told == good.told == WHOLE_CALL
    assert [vars(line)["error"] for line in caplog.records] == ["ValueError", "OSError", "OSError"]
    assert {vars(line)["observer"] for line in caplog.records} == {"Raises"}
    assert "hidden-key" not in caplog.text


async def test_an_observer_that_hangs_does_not_keep_the_call_from_ending(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After the limit it is cancelled, with a line that says so."""
    monkeypatch.setattr(teller_module, "LAST_WORDS_LIMIT_S", 0.05)
    hanging = Hangs()
    teller = Teller(call(), [hanging])
    teller.turned(turn(1))
    with caplog.at_level("WARNING", logger="observe"):
        await teller.ended()
    assert hanging.cancelled
    assert [line.getMessage() for line in caplog.records] == ["observers did not finish in time"]


async def test_an_observer_that_hangs_takes_nothing_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one behind it in the list hears the whole call, up to its end."""
    monkeypatch.setattr(teller_module, "LAST_WORDS_LIMIT_S", 0.2)
    record, good = call(), Listener()
    teller = Teller(record, [Hangs(), good])
    teller.turned(turn(1))
    teller.turned(turn(2))
    record.ended_by = "caller"
    await teller.ended()
    assert good.told == WHOLE_CALL


async def test_nobody_listens() -> None:
    """A call without observers ends as any other."""
    await Teller(call(), []).ended()
