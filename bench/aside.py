"""What is told while a run goes on: to stderr, so that a table or Markdown can be sent to a file."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress

ASIDE = Console(stderr=True, highlight=False)


def tell(line: str) -> None:
    ASIDE.print(line, markup=False)


def progress() -> Progress:
    """A bar that is gone when the run is over."""
    return Progress(console=ASIDE, transient=True)
