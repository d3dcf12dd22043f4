"""What one check found, and how a check is written."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from config import Settings

Status = Literal["ok", "warn", "fail", "skipped"]


@dataclass(frozen=True)
class CheckResult:
    """`found` is what is the case, `remedy` what to do about it; an `ok` needs none."""

    name: str
    status: Status
    found: str
    remedy: str = ""


Check: TypeAlias = Callable[[Settings, float], Coroutine[Any, Any, list[CheckResult]]]
"""Called with the settings and the limit in seconds of each single request; it keeps to the limit itself."""


def ok(name: str, found: str) -> CheckResult:
    return CheckResult(name, "ok", found)


def warn(name: str, found: str, remedy: str) -> CheckResult:
    return CheckResult(name, "warn", found, remedy)


def fail(name: str, found: str, remedy: str) -> CheckResult:
    return CheckResult(name, "fail", found, remedy)


def skipped(name: str, found: str, remedy: str = "") -> CheckResult:
    return CheckResult(name, "skipped", found, remedy)
