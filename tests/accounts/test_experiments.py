"""The variant of a call: by chance, by somebody's word, or not at all."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest

from accounts import experiments as subject
from accounts.experiment_file import ExperimentsError
from accounts.experiments import Experiments, Known, parse_forced
from accounts.variants import pseudonym

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import MakeSettings

OPENERS = "openers: {by: BY, variants: {on: {weight: 50}, off: {weight: 50, settings: {openers: false}}}}\n"
VOICE = "voice: {by: account, variants: {one: {weight: 0}, two: {weight: 100, settings: {tts_voice: second}}}}\n"
STAGES = "stages: {by: account, variants: {on: {weight: 0}, off: {weight: 100, settings: {parallel_stages: false}}}}\n"
CALLS = [f"AJ_{number}" for number in range(60)]


@pytest.fixture
def make(make_settings: MakeSettings, tmp_path: Path) -> Callable[..., Experiments]:
    def made(text: str, *, forced: str = "", **fields: Any) -> Experiments:
        file = tmp_path / "experiments.yaml"
        file.write_text(text)
        return Experiments(file, make_settings(**fields), forced=forced)

    return made


def variant_of(experiments: Experiments, settings: Any, known: Known, name: str = "openers") -> str | None:
    return experiments.assign(settings, known, {}).labels.get(name)


def test_settings_follow_the_variant(make: Callable[..., Experiments], make_settings: MakeSettings) -> None:
    """What the label says is what the call has; without a change the settings are the same object."""
    experiments, settings = make(OPENERS.replace("BY", "call")), make_settings()
    seen = set[str]()
    for call in CALLS:
        found = experiments.assign(settings, Known(call), {})
        seen.add(found.labels["openers"])
        assert found.settings.openers is (found.labels["openers"] == "on")
        assert (found.settings is settings) is (found.labels["openers"] == "on")
    assert seen == {"on", "off"}


@pytest.mark.parametrize("by", ["account", "caller"])
def test_one_unit_keeps_its_variant_over_calls(
    make: Callable[..., Experiments], make_settings: MakeSettings, by: str
) -> None:
    """All calls of one account, or of one caller, have the same; different ones differ."""
    experiments, settings = make(OPENERS.replace("BY", by)), make_settings()

    def known(call: str, unit: str) -> Known:
        return Known(call, account=unit) if by == "account" else Known(call, caller=unit)

    found = {unit: {variant_of(experiments, settings, known(call, unit)) for call in CALLS[:5]} for unit in CALLS}
    assert all(len(variants) == 1 for variants in found.values())
    assert set().union(*found.values()) == {"on", "off"}


@pytest.mark.parametrize("by", ["account", "caller"])
def test_a_call_of_an_unknown_unit_stands_for_itself(
    make: Callable[..., Experiments], make_settings: MakeSettings, by: str
) -> None:
    """Chance decides as for all others, so that leaving it in biases nothing."""
    experiments, settings = make(OPENERS.replace("BY", by)), make_settings()
    assert {variant_of(experiments, settings, Known(call)) for call in CALLS} == {"on", "off"}


def test_a_caller_is_told_by_a_pseudonym(make: Callable[..., Experiments], make_settings: MakeSettings) -> None:
    """The label holds no number; without an experiment by caller there is none."""
    known, settings = Known("AJ_1", account="harbour", caller="+493012345678"), make_settings()
    labels = make(OPENERS.replace("BY", "caller")).assign(settings, known, {}).labels
    assert labels["caller"] == pseudonym("+493012345678")
    assert "caller" not in make(OPENERS.replace("BY", "account")).assign(settings, known, {}).labels


def test_who_waits_for_the_caller(make: Callable[..., Experiments]) -> None:
    """Only an experiment by caller that runs does."""
    by_caller = OPENERS.replace("BY", "caller")
    assert make(by_caller).needs_caller()
    assert not make(by_caller.replace("{by", "{enabled: false, by")).needs_caller()
    assert not make(OPENERS.replace("BY", "account")).needs_caller()


def test_the_kill_switch_gives_everybody_the_services_settings(
    make: Callable[..., Experiments], make_settings: MakeSettings
) -> None:
    """Also those who were told a variant: nothing is set, nothing is counted."""
    settings = make_settings()
    experiments = make(OPENERS.replace("by: BY", "enabled: false"), forced="openers=off")
    known = Known("AJ_1", asked={"openers": "off"}, recorded={"openers": "off"})
    found = experiments.assign(settings, known, {})
    assert found.settings is settings
    assert found.labels == {}


def test_overrides_in_their_order(make: Callable[..., Experiments], make_settings: MakeSettings) -> None:
    """The environment before the metadata, that before the account's record; each is marked as no chance."""
    text, settings = OPENERS.replace("BY", "call"), make_settings()
    known = Known("AJ_1", asked={"openers": "on"}, recorded={"openers": "off"})
    by_environment = make(text, forced="openers=off").assign(settings, known, {})
    assert by_environment.labels == {"openers": "off", "forced": "openers"}
    assert by_environment.settings.openers is False
    assert make(text).assign(settings, known, {}).labels == {"openers": "on", "forced": "openers"}
    recorded = Known("AJ_1", recorded={"openers": "off"})
    assert make(text).assign(settings, recorded, {}).labels == {"openers": "off", "forced": "openers"}
    assert "forced" not in make(text).assign(settings, Known("AJ_1"), {}).labels


def test_an_override_that_names_no_variant_leaves_it_to_chance(
    make: Callable[..., Experiments], make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning for each such name, and the next word in the order is asked."""
    experiments, settings = make(OPENERS.replace("BY", "call")), make_settings()
    for call in CALLS:
        labels = experiments.assign(settings, Known(call, asked={"openers": "loud", "nothing": "on"}), {}).labels
        assert "forced" not in labels
    assert caplog.text.count("no such variant") == 1
    known = Known("AJ_1", asked={"openers": "loud"}, recorded={"openers": "off"})
    assert experiments.assign(settings, known, {}).labels["openers"] == "off"


def test_an_accounts_own_setting_is_not_experimented_with(
    make: Callable[..., Experiments], make_settings: MakeSettings
) -> None:
    """Its calls are not counted as having a variant that they do not have; somebody's word still counts."""
    experiments, settings = make(VOICE), make_settings(tts_voice="harbour")
    own = Known("AJ_1", account="harbour", fixed=("tts_voice",))
    assert experiments.assign(settings, own, {}).labels == {}
    assert experiments.assign(settings, own, {}).settings.tts_voice == "harbour"
    assert experiments.assign(settings, Known("AJ_1", account="harbour"), {}).settings.tts_voice == "second"
    asked = Known("AJ_1", account="harbour", fixed=("tts_voice",), asked={"voice": "two"})
    assert experiments.assign(settings, asked, {}).settings.tts_voice == "second"


def test_what_takes_effect_at_dispatch_is_decided_then_and_once(
    make: Callable[..., Experiments], make_settings: MakeSettings
) -> None:
    """The rest is left open until it is known who calls whom; what was decided stays."""
    experiments, settings = make(STAGES + VOICE, forced="stages=off"), make_settings()
    early = experiments.at_dispatch(settings, Known("AJ_1"))
    assert early.labels == {"stages": "off", "forced": "stages"}
    assert (early.settings.parallel_stages, early.settings.tts_voice) == (False, settings.tts_voice)
    known = Known("AJ_1", account="harbour", recorded={"stages": "on", "voice": "two"})
    late = experiments.assign(early.settings, known, early.labels)
    assert late.labels == {"stages": "off", "voice": "two", "forced": "stages,voice"}
    assert (late.settings.parallel_stages, late.settings.tts_voice) == (False, "second")


def test_each_variant_can_be_made_ready(make: Callable[..., Experiments]) -> None:
    """Those that change something and can come; not one that is switched off."""
    text = OPENERS.replace("BY", "call") + VOICE + STAGES.replace("{by", "{enabled: false, by")
    found = make(text).each_variant()
    assert [(each.openers, each.tts_voice) for each in found] == [
        (False, found[0].tts_voice),
        (True, "second"),
    ]


@pytest.mark.parametrize(
    ("forced", "told"),
    [
        ("openers", "EXPERIMENTS: got 'openers', allowed: name=variant, each name once"),
        ("openers=on,openers=off", "EXPERIMENTS: got 'openers=off', allowed: name=variant, each name once"),
        ("opener=on", "EXPERIMENTS: got 'opener', allowed: openers"),
        ("openers=loud", "EXPERIMENTS: openers: got 'loud', allowed: on, off"),
    ],
)
def test_the_environments_override_is_checked(make: Callable[..., Experiments], forced: str, told: str) -> None:
    """At the worker's start, with what is allowed."""
    with pytest.raises(ExperimentsError) as refused:
        make(OPENERS.replace("BY", "call"), forced=forced)
    assert refused.value.problems == [told]


def test_the_environments_override_reads_pairs() -> None:
    """Spaces and an empty end do not matter."""
    assert parse_forced(" openers = off, voice=two ,") == {"openers": "off", "voice": "two"}
    assert parse_forced("") == {}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_the_file_is_read_anew_when_it_changes(
    make: Callable[..., Experiments],
    make_settings: MakeSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The kill switch works at once; a broken file changes nothing and is told once; without a file there are none."""
    monkeypatch.setattr(subject, "LOOK_INTERVAL_S", 0.01)
    file, settings = tmp_path / "experiments.yaml", make_settings()
    experiments = make(OPENERS.replace("BY", "call"))
    known = Known("AJ_1", asked={"openers": "off"})

    def write(text: str) -> None:
        new = tmp_path / "new.yaml"
        new.write_text(text)
        os.replace(new, file)  # noqa: PTH105  # what an editor and a config map do

    await experiments.open()
    try:
        assert experiments.assign(settings, known, {}).settings.openers is False
        write(OPENERS.replace("by: BY", "enabled: false"))
        await until(lambda: not experiments.running[0].enabled)
        assert experiments.assign(settings, known, {}).settings is settings
        write("openers: [")
        await until(lambda: "the experiments stay as they were" in caplog.text)
        await asyncio.sleep(0.1)
        assert caplog.text.count("the experiments stay as they were") == 1
        assert [each.name for each in experiments.running] == ["openers"]
        file.unlink()
        await until(lambda: experiments.running == ())
    finally:
        await experiments.aclose()
        await experiments.aclose()


def test_a_broken_file_at_the_start_is_an_error(make: Callable[..., Experiments]) -> None:
    """Who starts a worker sees it; later it would be a warning."""
    with pytest.raises(ExperimentsError, match="openers: by: got 'BY'"):
        make(OPENERS)
