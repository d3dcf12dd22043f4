"""A file that a run is to write: tried before minutes of measuring, not after them."""

from __future__ import annotations

import os
from pathlib import Path  # noqa: TC003  # typer reads the annotations

import typer

ALLOWED = "a file that can be written, in a folder that exists"


def check_output(file: Path) -> None:
    """Raises ValueError, which names the file, when it could not be written. Leaves everything as it is."""
    if why := _hindrance(file):
        raise ValueError(f"got {file}, {why}; allowed: {ALLOWED}")


def output_option(file: Path | None) -> Path | None:
    """The callback of an option: a wrong file is refused before its command begins."""
    if file is not None:
        try:
            check_output(file)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    return file


def _hindrance(file: Path) -> str | None:
    try:
        if file.is_dir():
            return "which is a folder"
        if file.exists():
            # It may be a pipe or a device, which must not be opened for a question.
            return None if os.access(file, os.W_OK) else "which is read-only"
        file.touch(exist_ok=False)
        file.unlink()
    except OSError as error:
        return error.strerror or str(error)
    return None
