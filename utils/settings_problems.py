"""What is wrong with settings, as one readable line a field: its name, what was found, what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import yaml

from utils.text import Mask

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from pydantic.fields import FieldInfo

_MASK = Mask()


def unknown_names(file: Path, known: Collection[str]) -> list[str]:
    """Problems of a YAML file of settings that pydantic itself would not report. A file that is not there has none."""
    if not file.is_file():
        return []
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f" in line {place.line + 1}" if place else ""
        return [f"{file.name}: not readable as YAML{where}; allowed: one `name: value` a line"]
    except (OSError, UnicodeDecodeError) as error:
        kind = type(error).__name__
        return [f"{file.name}: not readable ({kind}); allowed: UTF-8 text, one `name: value` a line"]
    if content is None:
        return []
    if not isinstance(content, dict):
        return [f"{file.name}: got a {type(content).__name__}; allowed: one `name: value` a line"]
    names = [str(name) for name in cast("dict[object, object]", content)]
    return [
        f"{file.name}: got {name!r}, allowed: the settings' names in lower case" for name in names if name not in known
    ]


def readable(
    problem: Any,
    fields: Mapping[str, FieldInfo],
    *,
    secret: tuple[str, ...],
    allowed: Mapping[str, str],
    spelled: Callable[[str], str] = str.upper,
) -> str:
    """One line for one pydantic error. `secret`: fields whose value is never told; `allowed`: what pydantic cannot say.

    `problem` is an entry of `ValidationError.errors()`; `spelled` writes a field's name, by default as the environment
    does.
    """
    if not problem["loc"]:
        return str(problem["msg"]).removeprefix("Value error, ")
    name = str(problem["loc"][0])
    takes = allowed.get(name) or _allowed(fields[name], problem)
    if name in secret:
        return f"{spelled(name)}: {takes}"
    # a URL may carry a password, and a key may stand in the wrong line
    return f"{spelled(name)}: got {_MASK.text(repr(problem.get('input')), limit=80)}, {takes}"


def _allowed(field: FieldInfo, problem: Any) -> str:
    """What a field takes, for any of the ways in which pydantic says that a value is not it."""
    kind, told = str(problem["type"]), cast("dict[str, object]", problem.get("ctx", {}))
    limits = {type(rule).__name__: rule for rule in field.metadata}
    if "Ge" in limits and "Le" in limits:
        whole = "a whole number" if isinstance(limits["Ge"].ge, int) else "a number"
        return f"allowed: {whole} from {limits['Ge'].ge} to {limits['Le'].le}"
    if kind.startswith("bool"):
        return "allowed: true or false"
    if kind == "string_too_long":
        return f"allowed: at most {told['max_length']} characters"
    if kind == "too_short":
        return f"allowed: at least {told['min_length']} characters"
    if kind == "string_too_short":
        return "allowed: a text that is not empty"
    return str(problem["msg"]).removeprefix("Value error, ").replace("Input should be", "allowed:")
