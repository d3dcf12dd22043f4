"""The example's benchmark runs, and both ways save the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.save_conversation.bench import measure, table
from examples.save_conversation.conversation import read

if TYPE_CHECKING:
    from pathlib import Path


async def test_both_ways_are_measured_on_files_that_are_there(tmp_path: Path) -> None:
    """Each utterance of either side is a line of a file."""
    naive, example = await measure(tmp_path, calls=3, rounds=2, round_s=0.6)
    assert naive.utterance_ms
    assert example.utterance_ms
    lines = sum(file.read_text(encoding="utf-8").count("\n") for file in tmp_path.glob("*.jsonl"))
    assert lines == len(naive.utterance_ms)
    said = sum(len(read(file).said) for file in (tmp_path / "saved").glob("*.jsonl"))
    assert said == len(example.utterance_ms)
    assert table(naive, example).row_count == 2
