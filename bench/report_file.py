"""A report as a JSON file, with every sample, and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed import DataclassInstance

T = TypeVar("T")


class NotAReport(ValueError):
    """The file is not what `write_report` has written; the message names file, field and what is wrong."""


def write_report(report: DataclassInstance, file: Path, *, version: int) -> None:
    """Write all of a dataclass. `version` in the file changes when a field does."""
    content = {"version": version, **asdict(report)}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_report(kind: type[T], file: Path, *, version: int, command: str) -> T:
    """`command` is what writes such files. Raises `NotAReport`, and OSError if there is no such file."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise NotAReport(f"{file}: not JSON ({error}); allowed: a file that `{command} --json` wrote") from None
    found = cast("dict[str, Any]", content).pop("version", None) if isinstance(content, dict) else None
    if found != version:
        raise NotAReport(f"{file}: version: got {found!r}, allowed: {version}")
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise NotAReport(f"{file}: {field}: got {first['input']!r}, allowed: {first['msg']}") from None
