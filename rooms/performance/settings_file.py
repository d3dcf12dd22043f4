"""performance.yaml: its four sections read, the environment put over them, the whole judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from config import ENV_FILE, PERFORMANCE_FILE, Settings
from rooms.performance.problems import PerformanceError, Problem, Where, faults_of, faults_of_section, section_of, shown
from rooms.performance.sections import AudioConfig, ConnectionPool, Performance, QualityMonitoring, RoomLimits
from utils import yaml_text

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_BYTES = 64 * 1024
SECTIONS = tuple(Performance.model_fields)
Layer = dict[str, dict[str, object]]
"""Values by section and field, from one place. What is not there is left to the places below it."""


class _Environment(BaseSettings):
    """Says which variables there are: ROOM_LIMITS__MAX_ROOMS, or ROOM_LIMITS with a JSON object."""

    model_config = SettingsConfigDict(
        env_nested_delimiter="__", env_ignore_empty=True, env_parse_none_str="null", extra="ignore"
    )

    connection_pool: ConnectionPool = ConnectionPool()
    room_limits: RoomLimits = RoomLimits()
    audio_optimization: AudioConfig = AudioConfig()
    quality_monitoring: QualityMonitoring = QualityMonitoring()


def load_performance(path: Path | None = None) -> Performance:
    """The settings of the control plane: each from the environment, `.env`, `path` or the default, in this order.

    `path` is performance.yaml in the working directory if it is None; a file that is not there sets nothing. Names of
    the call's own settings may stand beside the sections and are left alone. Raises PerformanceError with all faults
    of the first place that has one.
    """
    return combined(read_file(path or Path(PERFORMANCE_FILE)), {}, read_environment())


def combined(file: Layer, changes: Layer, environment: Layer, *, file_name: str = PERFORMANCE_FILE) -> Performance:
    """`file` with `changes` over it and `environment` over both. Raises PerformanceError."""

    def where(section: str, field: str) -> str:
        if field in environment.get(section, {}):
            return variable(section, field)
        name = f"{section}.{field}" if field else section
        return name if field in changes.get(section, {}) else f"{file_name}: {name}"

    merged = {name: {**file.get(name, {}), **changes.get(name, {}), **environment.get(name, {})} for name in SECTIONS}
    try:
        return Performance.model_validate(merged)
    except ValidationError as error:
        raise PerformanceError(faults_of(error, where)) from None


def read_file(path: Path) -> Layer:
    """What `path` says about the sections; {} if it is not there. Raises PerformanceError."""
    allowed = "the sections " + ", ".join(SECTIONS)
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _broken(path.name, type(error).__name__, "a file that can be read") from None
    if len(content) > MOST_BYTES:
        raise _broken(path.name, f"more than {MOST_BYTES} bytes", f"at most {MOST_BYTES} bytes")
    try:
        items = yaml_text.load(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise _broken(path.name, "bytes that are no text", "UTF-8") from None
    except yaml_text.YamlProblem as error:
        raise _broken(path.name, f"line {error.line}: {error}", allowed) from None
    if not items:
        return {}
    if len(items) > 1 or not isinstance(items[0].value, dict):
        raise _broken(path.name, "a list" if len(items) > 1 else type(items[0].value).__name__, allowed)
    values = cast("dict[str, object]", items[0].value)
    unknown = [name for name in values if name not in SECTIONS and name not in Settings.model_fields]
    if unknown:
        raise PerformanceError(
            Problem(name, path.name, name, f"{allowed}, and the settings' names in lower case") for name in unknown
        )
    return as_layer(values, lambda section, field: f"{path.name}: {section}" + f".{field}" * bool(field))


def as_layer(values: Mapping[str, object], where: Where) -> Layer:
    """The sections among `values`, each value of the type that its field has. Raises PerformanceError.

    What is written by hand or sent as JSON has types: "8" and true are no numbers.
    """
    layer: Layer = {}
    faults: list[Problem] = []
    for section in SECTIONS:
        value = values.get(section)
        if value is None:
            continue  # all of its lines are comments
        if not isinstance(value, dict):
            fields = ", ".join(section_of(section).model_fields)
            faults.append(Problem(section, where(section, ""), shown(value), fields))
            continue
        layer[section] = {str(name): each for name, each in cast("dict[object, object]", value).items()}
        try:
            section_of(section).model_validate(layer[section], strict=True)
        except ValidationError as error:
            faults += faults_of_section(section, error, where)
    if faults:
        raise PerformanceError(faults)
    return layer


def read_environment(env_file: Path | None = None) -> Layer:
    """What the environment, and under it `.env`, say about the sections. Raises PerformanceError for broken JSON."""
    try:
        below = DotEnvSettingsSource(_Environment, env_file=env_file or Path(ENV_FILE))()
        above = EnvSettingsSource(_Environment)()
    except SourceError as error:
        section = next((name for name in SECTIONS if f'"{name}"' in str(error)), SECTIONS[0])
        raise _broken(section.upper(), "no JSON", f"a JSON object, or {section.upper()}__<FIELD>") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _broken(ENV_FILE, type(error).__name__, "UTF-8 text, one NAME=value a line") from None
    layer: Layer = {}
    for source in (below, above):
        for section in SECTIONS:
            value = source.get(section)
            if value is not None and not isinstance(value, dict):
                raise _broken(section.upper(), shown(value), f"a JSON object, or {section.upper()}__<FIELD>")
            layer.setdefault(section, {}).update(value or {})
    return layer


def variable(section: str, field: str) -> str:
    """The name of the environment variable of a field, or of a section for ""."""
    return f"{section}__{field}".upper() if field else section.upper()


def _broken(where: str, found: object, allowed: str) -> PerformanceError:
    return PerformanceError([Problem("", where, found, allowed)])
