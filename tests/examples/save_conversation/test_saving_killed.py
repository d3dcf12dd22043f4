"""A kill -9 in the middle of twenty conversations takes nothing that was said a second before."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from examples.save_conversation.conversation import read
from examples.save_conversation.file_names import LIVE
from examples.save_conversation.mending import mend_all

CHILD = Path(__file__).with_name("saving_child.py")
CALLS = 20
WITHIN_S = 1.0
STARVED_S = 0.25
"""A pulse of 50 ms that is later than this: the process had no machine, and nobody could have written anything."""
ATTEMPTS = 6

Said = tuple[float, str, str, int, str]


def killed(folder: Path) -> tuple[float, list[Said], bool]:
    """Runs the child and kills it somewhere: its last sign of life, what was said, and whether it could run."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(CHILD), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        child.stdout.readline()
        os.set_blocking(child.stdout.fileno(), False)
        content = b""
        until_s = time.monotonic() + 2.5 + random.random()
        while time.monotonic() < until_s:
            content += child.stdout.read() or b""  # a full pipe would hold the child up
            time.sleep(0.01)
        child.kill()
        child.wait()
        os.set_blocking(child.stdout.fileno(), True)
        content += child.stdout.read()
    lines = [json.loads(line) for line in content.splitlines()]
    pulses = [line[0] for line in lines if len(line) == 1]
    last_s = pulses[-1]
    late_s = [after - before for before, after in itertools.pairwise(pulses) if after > last_s - 2]
    return last_s, [tuple(line) for line in lines if len(line) > 1], max(late_s) < STARVED_S


def test_nothing_that_was_said_a_second_before_is_missing(tmp_path: Path) -> None:
    """Before anything is mended, and after it; every line of every file can be read."""
    for attempt in range(ATTEMPTS):
        folder = tmp_path / str(attempt)
        last_s, said, could_run = killed(folder)
        if could_run:
            break
    else:
        pytest.skip(f"the machine was busy elsewhere in {ATTEMPTS} of {ATTEMPTS} attempts")
    newest = {(call, number): words for at_s, call, _, number, words in said if at_s <= last_s - WITHIN_S}
    assert len({call for call, _ in newest}) == CALLS
    check(folder, newest, f"*{LIVE}")

    assert mend_all(folder) == CALLS
    assert not list(folder.glob(f"*{LIVE}"))
    check(folder, newest, "*.jsonl")
    for file in folder.glob("*.jsonl"):
        conversation = read(file)
        assert conversation.ended is not None
        assert conversation.ended.by == "kill"
        assert not conversation.torn
        markdown = file.with_suffix(".md").read_text(encoding="utf-8")
        assert all(each.text in markdown for each in conversation.said)


def check(folder: Path, newest: dict[tuple[str, int], str], pattern: str) -> None:
    saved: dict[tuple[str, int], str] = {}
    for file in folder.glob(pattern):
        conversation = read(file)
        assert conversation.unreadable == 0
        assert conversation.began is not None
        saved |= {(conversation.began.call, said.number): said.text for said in conversation.said}
    missing = {key: words for key, words in newest.items() if not saved.get(key, "").startswith(words)}
    assert missing == {}
