"""The file of experiments: read whole, checked whole, refused with a line for each problem.

openers:
  by: account
  enabled: true
  variants:
    on:  {weight: 50}
    off: {weight: 50, settings: {openers: false}}
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, cast, get_args

import yaml
from pydantic import ValidationError
from pydantic_settings import PydanticBaseSettingsSource, SettingsConfigDict

from accounts.variants import CALL_SETTINGS, DISPATCH_SETTINGS, By, Experiment, Variant
from config import SECRETS, Settings
from service import AccountsUnusable
from utils.settings_problems import readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

RESERVED = ("account", "caller", "forced")
"""Labels of a call that are no experiment."""
MOST_EXPERIMENTS = 50
VARIANTS_ALLOWED = (2, 10)
WHOLE = 100.0
ROUNDING = 1e-6

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,30}[a-z0-9])?")
_NAME_ALLOWED = "1 to 32 of a-z, 0-9, - and _, the first and last a letter or digit"
_BY = cast("tuple[By, ...]", get_args(By))
_FIELDS = ("by", "enabled", "variants")
_VARIANT_FIELDS = ("weight", "settings")


class ExperimentsError(AccountsUnusable):
    """The experiments cannot be used; `problems` has one readable line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_experiments(file: Path, settings: Settings) -> tuple[Experiment, ...]:
    """The experiments in `file`, their values checked beside `settings`; none if it is not there.

    Raises `ExperimentsError`.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentsError([f"{file.name}: not readable ({type(error).__name__}); allowed: UTF-8 text"]) from None
    return parse_experiments(text, settings, name=file.name)


def parse_experiments(text: str, settings: Settings, *, name: str) -> tuple[Experiment, ...]:
    """As `read_experiments`, of a text; `name` is the file's, for the problems."""
    try:
        content = yaml.load(text, _Loader)  # it is a SafeLoader
    except yaml.YAMLError as error:
        raise ExperimentsError([f"{name}: {_told(error)}"]) from None
    reading = _Reading(settings)
    found = reading.file(content)
    if reading.problems:
        raise ExperimentsError([f"{name}: {problem}" for problem in reading.problems])
    return found


class _Loader(yaml.SafeLoader):
    """Names are what is written, also `on` and `off`, which YAML reads as true and false; none may come twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        found: dict[Any, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a name is one word", key.start_mark)
            if key.value in found:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is there twice", key.start_mark)
            found[key.value] = self.construct_object(value, deep=deep)
        return found


class _OnlyTheseValues(Settings):
    """Checks values as settings; reads no environment and no file."""

    model_config = SettingsConfigDict(env_file=None, yaml_file=None)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: Any, init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


class _Reading:
    """One file: what is in it, and what is wrong with it."""

    def __init__(self, settings: Settings) -> None:
        self.problems: list[str] = []
        self._settings = settings
        self._values = settings.model_dump()

    def file(self, content: object) -> tuple[Experiment, ...]:
        if content is None:
            return ()
        experiments = self._mapping("the file", content, "one `name: {by, enabled, variants}` an experiment")
        if len(experiments) > MOST_EXPERIMENTS:
            self._refuse("the file", f"{len(experiments)} experiments", f"at most {MOST_EXPERIMENTS}")
            return ()
        found = [each for name, values in experiments.items() if (each := self._experiment(name, values)) is not None]
        if not self.problems:
            self._check_together(found)
        return tuple(found)

    def _experiment(self, name: str, content: object) -> Experiment | None:
        if not self._name(name, name):
            return None
        if name in RESERVED:
            self._refuse(name, name, f"a name other than {', '.join(RESERVED)}")
        values = self._mapping(name, content, f"a mapping of {', '.join(_FIELDS)}")
        self._known(name, values, _FIELDS)
        by, enabled = values.get("by", "call"), values.get("enabled", True)
        if by not in _BY:
            self._refuse(f"{name}: by", by, ", ".join(_BY))
        if not isinstance(enabled, bool):
            self._refuse(f"{name}: enabled", enabled, "true or false")
        variants = tuple(self._variants(name, values.get("variants")))
        experiment = Experiment(name, cast("By", by), variants, enabled is True)
        if experiment.at_dispatch:
            self._check_at_dispatch(experiment)
        return experiment

    def _variants(self, name: str, content: object) -> Iterator[Variant]:
        least, most = VARIANTS_ALLOWED
        variants = self._mapping(f"{name}: variants", content, "one `name: {weight, settings}` a variant")
        if variants and not least <= len(variants) <= most:
            self._refuse(f"{name}: variants", len(variants), f"{least} to {most} of them")
        weights: list[float | None] = []
        for variant, values in variants.items():
            place = f"{name}: variants: {variant}"
            self._name(place, variant)
            fields = self._mapping(place, values, f"a mapping of {', '.join(_VARIANT_FIELDS)}")
            self._known(place, fields, _VARIANT_FIELDS)
            weight = self._weight(place, fields.get("weight"))
            weights.append(weight)
            settings = self._call_settings(f"{place}: settings", fields.get("settings") or {})
            yield Variant(variant, weight or 0.0, settings)
        together = sum(weight for weight in weights if weight is not None)
        if variants and None not in weights and abs(together - WHOLE) > ROUNDING:
            self._refuse(f"{name}: variants", f"weights of {together:g} together", "percents, 100 in all")

    def _weight(self, place: str, value: object) -> float | None:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= WHOLE:
            return float(value)
        self._refuse(f"{place}: weight", value, "percent, from 0 to 100")
        return None

    def _call_settings(self, place: str, content: object) -> Mapping[str, Any]:
        values = self._mapping(place, content, "a mapping of settings in lower case", empty=True)
        if others := [name for name in values if name not in CALL_SETTINGS]:
            allowed = f"what may differ from call to call, {', '.join(CALL_SETTINGS)}"
            self._refuse(place, ", ".join(others), allowed)
        known = {name: value for name, value in values.items() if name in CALL_SETTINGS}
        try:
            checked = _OnlyTheseValues.model_validate(self._values | known)
        except ValidationError as error:
            self.problems += [f"{place}: {_readable(problem)}" for problem in error.errors()]
            return {}
        self._check_greeting_cache(place, checked)
        return {name: getattr(checked, name) for name in known}

    def _check_greeting_cache(self, place: str, checked: Settings) -> None:
        # Its place is made with the worker, which has one of them on disk or in memory.
        own = self._settings.greeting_cache
        allowed = ("off", "disk" if own == "disk" else "memory")
        if checked.greeting_cache not in allowed:
            self._refuse(f"{place}: greeting_cache", checked.greeting_cache, f"{' or '.join(allowed)} in this service")

    def _check_at_dispatch(self, experiment: Experiment) -> None:
        early = ", ".join(sorted(experiment.changes.intersection(DISPATCH_SETTINGS)))
        why = f"call or account, since {early} takes effect before the caller is known"
        if experiment.by == "caller":
            self._refuse(f"{experiment.name}: by", experiment.by, why)
        others = sorted(experiment.changes.difference(DISPATCH_SETTINGS))
        if others:
            allowed = f"only {' and '.join(DISPATCH_SETTINGS)} beside {early}, which takes effect before the others"
            self._refuse(f"{experiment.name}: variants", ", ".join(others), allowed)

    def _check_together(self, experiments: list[Experiment]) -> None:
        for one, other in itertools.combinations(experiments, 2):
            for name in sorted(one.changes & other.changes):
                self._refuse(other.name, name, f"settings that {one.name} does not set, too")
            for mine, others in itertools.product(one.variants, other.variants):
                if not mine.settings or not others.settings:
                    continue
                try:
                    _OnlyTheseValues.model_validate({**self._values, **mine.settings, **others.settings})
                except ValidationError as error:
                    place = f"{one.name}: {mine.name} with {other.name}: {others.name}"
                    self.problems += [f"{place}: {_readable(problem)}" for problem in error.errors()]

    def _mapping(self, place: str, content: object, allowed: str, *, empty: bool = False) -> dict[str, Any]:
        if isinstance(content, dict) and (content or empty):
            return cast("dict[str, Any]", content)
        self._refuse(place, content, allowed)
        return {}

    def _known(self, place: str, values: Mapping[str, object], fields: tuple[str, ...]) -> None:
        for name in values:
            if name not in fields:
                self._refuse(place, name, ", ".join(fields))

    def _name(self, place: str, name: str) -> bool:
        if _NAME.fullmatch(name):
            return True
        self._refuse(place, name, _NAME_ALLOWED)
        return False

    def _refuse(self, place: str, got: object, allowed: str) -> None:
        self.problems.append(f"{place}: got {str(got)[:80]!r}, allowed: {allowed}")


def _readable(problem: Any) -> str:
    return readable(problem, Settings.model_fields, secret=SECRETS, allowed={}, spelled=str)


def _told(error: yaml.YAMLError) -> str:
    place = getattr(error, "problem_mark", None)
    where = f" in line {place.line + 1}" if place else ""
    return f"not readable as YAML{where}: {getattr(error, 'problem', None) or 'no YAML'}"
