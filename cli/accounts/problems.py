"""What keeps a command from its work: a line each, and the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FOUND_PROBLEMS = 1
BAD_INPUT = 2


class Refused(Exception):
    """Nothing was written. `lines` say why, `code` is the process's exit code."""

    def __init__(self, lines: Sequence[str], code: int = BAD_INPUT) -> None:
        super().__init__("\n".join(lines))
        self.lines = list(lines)
        self.code = code
