"""What is wrong with performance settings: the field, what was found, what is allowed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from config import SettingsError
from rooms.performance.sections import Performance
from utils.text import Mask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel, ValidationError
    from pydantic.fields import FieldInfo

LONGEST_VALUE = 80
TOGETHER = "value_error"
Where = Callable[[str, str], str]
"""The place of a section's field, or of a section for "", in words: its file, or its variable."""
_MASK = Mask()


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. `field` is a section or `section.field`; `where` also names the file or the variable.

    `value` is masked and short: a key may stand in the wrong line.
    """

    field: str
    where: str
    value: object
    allowed: str

    def __str__(self) -> str:
        return f"{self.where}: got {self.value!r}, allowed: {self.allowed}"


class PerformanceError(SettingsError):
    """These settings cannot be used; `faults` has one entry a fault, `problems` one line."""

    def __init__(self, faults: Iterable[Problem]) -> None:
        self.faults = tuple(faults)
        super().__init__([str(fault) for fault in self.faults])


def shown(value: object) -> object:
    """`value` as it may be told."""
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return _MASK.text(value if isinstance(value, str) else repr(value), limit=LONGEST_VALUE)


def section_of(name: str) -> type[BaseModel]:
    """The class of a section. Raises KeyError for another name."""
    kind = Performance.model_fields[name].annotation
    assert isinstance(kind, type)
    return kind


def faults_of(error: ValidationError, where: Where) -> list[Problem]:
    """What pydantic found in a Performance."""
    return [_fault(each, [str(part) for part in each["loc"]], where) for each in error.errors()]


def faults_of_section(section: str, error: ValidationError, where: Where) -> list[Problem]:
    """What pydantic found in single fields of one section; rules about several fields are for the whole."""
    single = [each for each in error.errors() if each["type"] != TOGETHER]
    return [_fault(each, [section, *map(str, each["loc"])], where) for each in single]


def _fault(problem: Any, path: list[str], where: Where) -> Problem:
    section, field = path[0], path[1] if len(path) > 1 else ""
    name = f"{section}.{field}" if field else section
    if problem["type"] == TOGETHER:  # a rule about several fields, which says itself what it found
        return _together(section, str(problem["ctx"]["error"]), where)
    fields = section_of(section).model_fields
    allowed = allowed_for(fields[field]) if field in fields else ", ".join(fields)
    value = field if field and field not in fields else shown(problem["input"])
    return Problem(name, where(section, field), value, allowed)


def _together(section: str, said: str, where: Where) -> Problem:
    """`said` is "<field>: got <value>, must be <what>" or, of several fields, "<values>: <what>"."""
    about, _, allowed = said.partition(": ")
    if allowed.startswith("got "):
        value, _, allowed = allowed.removeprefix("got ").partition(", must be ")
        return Problem(f"{section}.{about}", where(section, about), _number(value), allowed)
    return Problem(section, where(section, ""), about, allowed)


def _number(text: str) -> object:
    return int(text) if text.lstrip("-").isdigit() else text


def allowed_for(field: FieldInfo) -> str:
    """What a field takes, in words."""
    if get_origin(field.annotation) is list:
        return "a list of URLs that begin with ws://, wss://, http:// or https://, at most 20"
    kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not NoneType]
    if get_origin(field.annotation) is Literal:
        return ", ".join(str(kind) for kind in kinds)
    if kinds == [bool]:
        return "true or false"
    limits = {type(rule).__name__: rule for rule in field.metadata}
    words = "a whole number" if kinds == [int] else "a number"
    if "Ge" in limits and "Le" in limits:
        words += f" from {limits['Ge'].ge} to {limits['Le'].le}"
    elif "Ge" in limits:
        words += f" of {limits['Ge'].ge} or more"
    elif "Gt" in limits:
        words += f" above {limits['Gt'].gt}" + (f", at most {limits['Le'].le}" if "Le" in limits else "")
    if "MultipleOf" in limits:
        words += f", a multiple of {limits['MultipleOf'].multiple_of}"
    return words + (" or null" if NoneType in get_args(field.annotation) else "")
