"""One short real run: known and unknown accounts are called, and their store is slow, and changes during a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from bench.accounts.plan import Options
from bench.accounts.results import AccountsReport  # noqa: TC001  # a fixture's type, as in test_run
from bench.accounts.run import run_accounts

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORT = Options(
    calls=1,
    new_calls=1,
    fault_calls=2,
    apart_calls=1,
    accounts=24,
    called=4,
    parts=("many", "new", "faults"),
    faults=("slow", "changed"),
    at_once=2,
    arrivals=("join",),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def report() -> AccountsReport:
    """Real processes, one worker for all parts."""
    return await run_accounts(SHORT)


async def test_every_call_is_completed_and_answered_as_whom_it_called(report: AccountsReport) -> None:
    """The account that the agent tells of is compared with the one that was called."""
    assert report.failed == ()
    assert [len(times) for pair in report.many for times in pair.ttfw_ms.values()] == [1, 1]
    assert [len(times) for pair in report.new for times in pair.ttfw_ms.values()] == [1, 1]


async def test_a_strangers_account_is_read_while_the_room_is_joined(report: AccountsReport) -> None:
    """Both begin at the dispatch; the greeting begins when the account is there, after the store's 300 ms."""
    by_title = {each.title: {span.name: span for span in each.spans} for each in report.waterfalls}
    new = by_title["new, dispatch on join"]
    assert new["account"].end_ms - new["account"].begin_ms >= report.store_ms * 0.9
    assert new["room"].begin_ms < new["account"].end_ms
    assert new["greeting"].begin_ms >= new["account"].end_ms
    warm = by_title["warm, dispatch on join"]
    assert warm["account"].end_ms - warm["account"].begin_ms < report.store_ms / 2


async def test_the_audio_is_counted_beside_its_bounds(report: AccountsReport) -> None:
    """The greetings of the known accounts are in memory and on disk."""
    assert report.audio is not None
    assert SHORT.called <= report.audio.in_memory <= report.audio.most_in_memory
    assert report.audio.memory_bytes > 0
    assert 0 < report.audio.disk_bytes <= report.audio.most_disk_bytes
    assert report.synthesis is not None
    assert 0 < report.synthesis.first_byte_ms < report.synthesis.whole_ms


async def test_each_caller_hears_what_they_should_while_something_is_wrong(report: AccountsReport) -> None:
    """Known accounts their own words, unknown ones the service's; what happened is counted, a line each."""
    assert [fault.name for fault in report.faults] == list(SHORT.faults)
    for fault in report.faults:
        assert fault.wrong == ()
        assert fault.miscounted == 0
        assert fault.lines == fault.events
    slow, changed = report.faults
    assert (slow.own, slow.default) == (1, 1)
    assert (changed.own, changed.default) == (2, 0)


async def test_nothing_is_mixed_up(report: AccountsReport) -> None:
    """Words, voice, instructions, tools and transcript of calls at the same time are each its own."""
    assert report.apart is not None
    assert report.apart.calls == SHORT.at_once
    assert report.apart.requests >= SHORT.at_once
    assert report.apart.voices + report.apart.unclear >= 2 * SHORT.at_once
    for found in lines(report):
        assert found == ()


def lines(report: AccountsReport) -> Iterable[tuple[str, ...]]:
    apart = report.apart
    assert apart is not None
    return (apart.words, apart.voice, apart.instructions, apart.tools, apart.transcript)
