"""Which variant of each experiment a call gets, and what it changes in the call's settings."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from accounts.experiment_file import ExperimentsError, read_experiments
from accounts.variants import pseudonym
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from accounts.variants import Experiment, Variant
    from config import Settings

log = get_logger("experiments")

LOOK_INTERVAL_S = 1.0
MOST_WARNINGS = 100
FORCED, CALLER = "forced", "caller"
"""Labels: the experiments that were decided for this call by somebody, with commas; the caller's pseudonym."""


@dataclass(frozen=True)
class Known:
    """What is known of a call. What is not known yet is left out.

    `caller`: a phone number or an identity that comes again. `asked`: variants that the metadata of job or room names,
    `recorded`: those of the account's record, by experiment. `fixed`: settings that the account has of its own.
    """

    call_id: str
    account: str | None = None
    caller: str | None = None
    asked: Mapping[str, str] = field(default_factory=dict[str, str])
    recorded: Mapping[str, str] = field(default_factory=dict[str, str])
    fixed: Collection[str] = ()


@dataclass(frozen=True)
class Assigned:
    """The call's own settings, and its labels: the variant of each experiment that it is in, by name."""

    settings: Settings
    labels: Mapping[str, str]


class Experiments:
    """The experiments that run now, as their file says. `open` has the file looked after, about once a second.

    `forced` is the environment's word, as in "openers=off,voice=b". Raises `ExperimentsError` for a file or an
    override that cannot be used; once it is made, a broken file leaves the experiments as they were.
    """

    def __init__(self, file: Path, settings: Settings, *, forced: str = "") -> None:
        self._file = file
        self._settings = settings
        self._forced = parse_forced(forced)
        self._seen = self._signature()
        self.running = read_experiments(file, settings)
        self._keeper: asyncio.Task[None] | None = None
        self._warned: set[tuple[str, str]] = set()
        problems = list(self._unknown_overrides())
        if problems:
            raise ExperimentsError(problems)

    async def open(self) -> None:
        self._keeper = self._keeper or asyncio.create_task(self._keep_reading(), name="experiments")

    async def aclose(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    def needs_caller(self) -> bool:
        """Whether somebody has to be there before a call's settings are known."""
        return any(each.enabled and each.by == "caller" for each in self.running)

    def each_variant(self) -> list[Settings]:
        """The service's settings under each variant that changes them: what is worth to be ready before a call."""
        variants = (variant for each in self.running if each.enabled for variant in each.variants if variant.weight)
        return [self._settings.model_copy(update=dict(each.settings)) for each in variants if each.settings]

    def at_dispatch(self, settings: Settings, known: Known) -> Assigned:
        """Decide what takes effect before it is known who calls whom, and no more."""
        return self._assign(settings, known, {}, (each for each in self.running if each.at_dispatch))

    def assign(self, settings: Settings, known: Known, labels: Mapping[str, str]) -> Assigned:
        """Decide all that `at_dispatch`, which gave `labels`, has left open. `settings` are those with the account's.

        An account that has a voice of its own takes no part in an experiment with voices, unless it is told to.
        """
        later = (each for each in self.running if not each.at_dispatch and each.name not in labels)
        return self._assign(settings, known, labels, later)

    def _assign(
        self, settings: Settings, known: Known, labels: Mapping[str, str], experiments: Iterable[Experiment]
    ) -> Assigned:
        changes: dict[str, object] = {}
        given = dict(labels)
        forced = [labels[FORCED]] if FORCED in labels else []
        for experiment in experiments:
            if not experiment.enabled:
                continue
            variant = self._override(experiment, known)
            if variant is not None:
                forced.append(experiment.name)
            elif experiment.changes.isdisjoint(known.fixed):
                variant = experiment.pick(unit_of(experiment, known))
                if experiment.by == "caller" and known.caller:
                    given[CALLER] = pseudonym(known.caller)
            else:
                continue
            given[experiment.name] = variant.name
            changes |= variant.settings
        if forced:
            given[FORCED] = ",".join(forced)
        # The values were checked with the file, and a copy is not checked again.
        return Assigned(settings.model_copy(update=changes) if changes else settings, given)

    def _override(self, experiment: Experiment, known: Known) -> Variant | None:
        for told in (self._forced, known.asked, known.recorded):
            name = told.get(experiment.name)
            if name is None:
                continue
            if (variant := experiment.variant(name)) is not None:
                return variant
            self._warn_once(experiment, name)
        return None

    def _warn_once(self, experiment: Experiment, name: str) -> None:
        # Metadata could name a new one with each call.
        if (experiment.name, name) not in self._warned and len(self._warned) < MOST_WARNINGS:
            self._warned.add((experiment.name, name))
            allowed = [variant.name for variant in experiment.variants]
            log.warning("no such variant, it is left to chance", experiment=experiment.name, got=name, allowed=allowed)

    def _unknown_overrides(self) -> Iterable[str]:
        names = {each.name: each for each in self.running}
        for name, variant in self._forced.items():
            if name not in names:
                allowed = ", ".join(names) or f"none, since there are none in {self._file.name}"
                yield f"EXPERIMENTS: got {name!r}, allowed: {allowed}"
            elif names[name].variant(variant) is None:
                allowed = ", ".join(each.name for each in names[name].variants)
                yield f"EXPERIMENTS: {name}: got {variant!r}, allowed: {allowed}"

    async def _keep_reading(self) -> None:
        while True:
            await asyncio.sleep(LOOK_INTERVAL_S)
            await asyncio.to_thread(self._look)

    def _look(self) -> None:
        """Read the file anew if it is another one now."""
        signature = self._signature()
        if signature == self._seen:
            return
        self._seen = signature
        try:
            self.running = read_experiments(self._file, self._settings)
        except ExperimentsError as error:
            log.warning("the experiments stay as they were", problems=error.problems)
            return
        states = {each.name: "on" if each.enabled else "off" for each in self.running}
        log.info("experiments were read anew", experiments=states)
        for problem in self._unknown_overrides():
            log.warning("an override has no effect", problem=problem)

    def _signature(self) -> tuple[int, ...]:
        try:
            found = self._file.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino


def unit_of(experiment: Experiment, known: Known) -> str:
    """What keeps its variant. A call without a known caller or account stands for itself, so that chance decides."""
    unit = {"call": known.call_id, "caller": known.caller, "account": known.account}[experiment.by]
    return unit or known.call_id


def parse_forced(text: str) -> dict[str, str]:
    """Variants by experiment, of "openers=off,voice=b". Raises `ExperimentsError`."""
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, given, variant = (piece.strip() for piece in part.partition("="))
        if not (name and given and variant) or name in found:
            raise ExperimentsError([f"EXPERIMENTS: got {part!r}, allowed: name=variant, each name once"])
        found[name] = variant
    return found
