"""One thread writes all conversations; whatever the disk does, who speaks does not wait."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from examples.save_conversation.backlog import Backlog
from examples.save_conversation.conversation import read
from examples.save_conversation.entries import Began, Ended, Lost, Said
from examples.save_conversation.file_names import name_of
from examples.save_conversation.redaction import Redaction
from examples.save_conversation.writer import Writer

if TYPE_CHECKING:
    from pathlib import Path

AT_S = 1_795_000_000.0
LIMIT_S = 20.0

FULL_DISK = """
import resource, sys, time
from pathlib import Path
from examples.save_conversation.conversation import read
from examples.save_conversation.entries import Began, Ended, Said
from examples.save_conversation.writer import Writer

_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
folder = Path(sys.argv[1])
backlog = Writer(folder).open(Began(time.time(), "AJ_1", "room"))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))  # in the middle of a line
for number in range(1, 11):
    for _ in range(100):
        backlog.put(Said(time.time(), number, "caller", f"words {number} " * 5, settled=False))
    backlog.put(Said(time.time(), number, "caller", f"words {number} " * 5))
    time.sleep(0.15)
live = next(folder.glob("*.live.jsonl"))
held = read(live)
assert not held.torn and not held.unreadable and len(held.said) < 10, held
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
backlog.put(Ended(time.time(), "caller"))
backlog.saved.result(20)
done = read(next(folder.glob("*.jsonl")))
assert [said.number for said in done.said] == list(range(1, 11)), done
assert not done.torn and not done.unreadable and not done.lost, done
markdown = next(folder.glob("*.md")).read_text()
assert [f"words {number}" in markdown for number in range(1, 11)] == [True] * 10, markdown
assert markdown.count("**Caller:**") == 10, markdown
"""


def test_a_conversation_is_there_while_it_goes_on_and_named_when_it_is_over(tmp_path: Path) -> None:
    """For its owner only; Markdown and JSONL say the same."""
    folder = tmp_path / "a" / "conversations"
    backlog = Writer(folder).open(Began(AT_S, "AJ_1", "desk"))
    backlog.put(Said(AT_S, 1, "agent", "Hello."))
    until(lambda: any(read(file).said for file in folder.glob("*.live.jsonl")))
    backlog.put(Said(AT_S, 2, "caller", "Good morning."))
    backlog.put(Ended(AT_S, "caller"))
    backlog.saved.result(LIMIT_S)
    jsonl, markdown = sorted(folder.iterdir())
    assert (jsonl.suffix, markdown.suffix) == (".jsonl", ".md")
    assert [said.text for said in read(jsonl).said] == ["Hello.", "Good morning."]
    assert "**Caller:** Good morning." in markdown.read_text(encoding="utf-8")
    assert {stat.S_IMODE(file.stat().st_mode) for file in (jsonl, markdown)} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_thread_is_gone_when_nothing_is_open_and_comes_again(tmp_path: Path) -> None:
    """A worker without calls does nothing."""
    writer = Writer(tmp_path)
    for call in ("AJ_1", "AJ_2"):
        backlog = writer.open(Began(AT_S, call, "desk"))
        backlog.put(Ended(AT_S, "caller"))
        backlog.saved.result(LIMIT_S)
        until(lambda: "conversations" not in [thread.name for thread in threading.enumerate()])
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


def test_a_disk_that_takes_nothing_more_and_then_does_again(tmp_path: Path) -> None:
    """No line is half, none is lost, none is there twice."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    assert "a conversation is not saved" in done.stderr or "not saved" in done.stdout + done.stderr


def test_who_speaks_does_not_wait_for_a_disk_that_stands(tmp_path: Path) -> None:
    """Beyond the bound the newest lines are lost, and it is told where."""
    stands, goes_on = threading.Event(), threading.Event()

    def redact(text: str, settled: bool) -> str:
        """Where the thread is when the disk stands."""
        stands.set()
        assert goes_on.wait(LIMIT_S)
        return text

    backlog = Writer(tmp_path).open(Began(AT_S, "AJ_1", "desk"), redact)
    assert stands.wait(LIMIT_S)
    for number in range(1, 3_001):
        backlog.put(Said(AT_S, number, "caller", "words", settled=False))
        backlog.put(Said(AT_S, number, "caller", "words"))
    assert len(backlog.waiting()) <= 1_001
    goes_on.set()
    until(lambda: not backlog.waiting())
    backlog.put(Said(AT_S, 3_001, "caller", "again"))
    backlog.put(Ended(AT_S, "caller"))
    backlog.saved.result(LIMIT_S)
    conversation = read(next(tmp_path.glob("*.jsonl")))
    assert conversation.said[-1].text == "again"
    assert len(conversation.said) + conversation.lost == 3_001
    assert "lines are missing here" in next(tmp_path.glob("*.md")).read_text(encoding="utf-8")


def test_a_redaction_that_raises_harms_its_own_call_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of it is written: what should have been taken out is not known."""

    def redact(text: str, settled: bool) -> str:
        raise KeyError(text)

    writer = Writer(tmp_path)
    bad, good = writer.open(Began(AT_S, "AJ_1", "secret"), redact), writer.open(Began(AT_S, "AJ_2", "desk"))
    good.put(Ended(AT_S, "caller"))
    good.saved.result(LIMIT_S)
    with pytest.raises(KeyError):
        bad.saved.result(LIMIT_S)
    assert [read(file).ended is not None for file in tmp_path.glob("*.jsonl")] == [True]
    assert "a conversation is not saved" in caplog.text


def test_redacted_before_anything_is_written(tmp_path: Path) -> None:
    """The room's name, too: of a call by telephone it is the caller's number."""
    redact = Redaction().text
    backlog = Writer(tmp_path).open(Began(AT_S, "AJ_1", "call-_+49301234567_x"), lambda text, _: redact(text, ["Ada"]))
    backlog.put(Said(AT_S, 1, "caller", "I am Ada, 0301234567."))
    backlog.put(Ended(AT_S, "caller"))
    backlog.saved.result(LIMIT_S)
    for file in tmp_path.iterdir():
        for secret in ("1234567", "Ada"):
            assert secret not in file.name + file.read_text(encoding="utf-8")
    assert "I am [name], [phone]." in next(tmp_path.glob("*.jsonl")).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "room", ["../../etc/passwd", "/", "", ".", "a\0b", "x" * 500, "a\nb", "CON", "ﬁ\u202e", "*?<>|", "\ud83d"]
)
def test_a_room_s_name_makes_no_path(tmp_path: Path, room: str) -> None:
    """Anybody who may open a room chooses it."""
    name = name_of(Began(AT_S, room, room))
    assert name.replace("-", "").isalnum()
    assert name.isascii()
    assert len(name) < 80
    backlog = Writer(tmp_path / "in").open(Began(AT_S, room, room))
    backlog.put(Ended(AT_S, "caller"))
    backlog.saved.result(LIMIT_S)
    assert [each.name for each in tmp_path.iterdir()] == ["in"]
    assert len(list((tmp_path / "in").iterdir())) == 2


def test_two_calls_of_one_name_have_a_file_each(tmp_path: Path) -> None:
    """Also a call that comes to the worker a second time in the same second."""
    writer = Writer(tmp_path)
    backlogs = [writer.open(Began(AT_S, call, "desk")) for call in ("AJ_1", "AJ_2", "AJ_1")]
    for backlog in backlogs:
        backlog.put(Ended(AT_S, "caller"))
    for backlog in backlogs:
        backlog.saved.result(LIMIT_S)
    assert len(list(tmp_path.glob("*.jsonl"))) == 3


def test_lost_lines_are_counted_where_they_are_missing() -> None:
    """Words that may change take no place, and an end is always taken."""
    woken: list[None] = []
    backlog = Backlog(Began(AT_S, "AJ_1", "desk"), lambda: woken.append(None), most_lines=2)
    for number in range(1, 5):
        backlog.put(Said(AT_S, number, "caller", "a", settled=False))
        backlog.put(Said(AT_S, number, "caller", "ab"))
    backlog.put(Said(AT_S, 5, "agent", "x", settled=False))
    backlog.put(Said(AT_S, 5, "agent", "xy", settled=False))
    first = backlog.waiting()
    assert [entry.text for entry in first if isinstance(entry, Said)] == ["ab", "xy"]
    backlog.put(Said(AT_S, 5, "agent", "xyz", settled=False))
    backlog.written(first)
    backlog.put(Ended(AT_S, "caller"))
    lost, ended, open_said = backlog.waiting()
    assert isinstance(lost, Lost)
    assert lost.lines == 3
    assert isinstance(ended, Ended)
    assert isinstance(open_said, Said)
    assert open_said.text == "xyz"
    assert len(woken) == 12


def until(is_so: object) -> None:
    assert callable(is_so)
    limit_s = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < limit_s
        time.sleep(0.01)
