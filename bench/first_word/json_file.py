"""A first-word report as a JSON file, with every sample, and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from pydantic import TypeAdapter, ValidationError

from bench.first_word.results import FirstWordReport

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1


class NotAReport(ValueError):
    """The file is not what `write_first_word` has written; the message names file, field and what is wrong."""


def write_first_word(report: FirstWordReport, file: Path) -> None:
    """Write all of `report`. `version` in the file changes when a field does."""
    content = {"version": VERSION, **asdict(report)}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_first_word(file: Path) -> FirstWordReport:
    """Raises `NotAReport`, and OSError if there is no such file."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise NotAReport(f"{file}: not JSON ({error}); allowed: a file that `bench first-word --json` wrote") from None
    version = cast("dict[str, Any]", content).pop("version", None) if isinstance(content, dict) else None
    if version != VERSION:
        raise NotAReport(f"{file}: version: got {version!r}, allowed: {VERSION}")
    try:
        return TypeAdapter(FirstWordReport).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise NotAReport(f"{file}: {field}: got {first['input']!r}, allowed: {first['msg']}") from None
