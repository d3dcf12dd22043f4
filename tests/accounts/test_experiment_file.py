"""The file of experiments: what is read, and what is refused in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from accounts.experiment_file import ExperimentsError, parse_experiments, read_experiments

if TYPE_CHECKING:
    from pathlib import Path

    from accounts.variants import Experiment
    from config import Settings
    from tests.conftest import MakeSettings

OPENERS = """
openers:
  by: account
  variants:
    on:  {weight: 50}
    off: {weight: 50, settings: {openers: false}}
"""


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings()


def parse(text: str, settings: Settings) -> tuple[Experiment, ...]:
    return parse_experiments(text, settings, name="experiments.yaml")


def problems(text: str, settings: Settings) -> list[str]:
    with pytest.raises(ExperimentsError) as refused:
        parse(text, settings)
    return refused.value.problems


def of_settings(values: str) -> str:
    return f"try: {{by: call, variants: {{a: {{weight: 50}}, b: {{weight: 50, settings: {values}}}}}}}"


def test_variants_may_be_called_on_and_off(settings: Settings) -> None:
    """YAML would read both as truth values; the first is the control, with the service's settings."""
    (found,) = parse(OPENERS, settings)
    assert (found.name, found.by, found.enabled) == ("openers", "account", True)
    assert [(each.name, each.weight, dict(each.settings)) for each in found.variants] == [
        ("on", 50.0, {}),
        ("off", 50.0, {"openers": False}),
    ]


def test_no_file_is_no_experiment(settings: Settings, tmp_path: Path) -> None:
    """Nor is an empty one; a folder in its place is a problem."""
    assert read_experiments(tmp_path / "experiments.yaml", settings) == ()
    assert parse("# later\n", settings) == ()
    with pytest.raises(ExperimentsError, match=r"not readable \(IsADirectoryError\)"):
        read_experiments(tmp_path, settings)


def test_values_are_those_of_settings(settings: Settings) -> None:
    """Read as the settings read them: lists become what the service has, an unquoted off is no truth value."""
    values = "{language_hints: [ar], greeting_cache: off, profile: FAST, max_tokens: '64', min_endpointing_delay: 1}"
    (found,) = parse(of_settings(values), settings)
    assert dict(found.variants[1].settings) == {
        "language_hints": ("ar",),
        "greeting_cache": "off",
        "profile": "fast",
        "max_tokens": 64,
        "min_endpointing_delay": 1.0,
    }


def test_the_environment_says_nothing_about_a_variant(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the machine is in the service's settings, and not in what a variant changes."""
    monkeypatch.setenv("MAX_TOKENS", "99")
    monkeypatch.setenv("OPENERS", "true")
    (found,) = parse(of_settings("{openers: false}"), settings)
    assert dict(found.variants[1].settings) == {"openers": False}


NAMES = "1 to 32 of a-z, 0-9, - and _, the first and last a letter or digit"
WEIGHT, BEGINS = "weight: 50}", "openers:\n"
WHOLE = [
    ("- openers", "the file: got \"['openers']\"", "one `name: {by, enabled, variants}` an experiment"),
    ("Try: {}", "Try: got 'Try'", NAMES),
    ("try: 3", "try: got '3'", "a mapping of by, enabled, variants"),
    (OPENERS.replace(BEGINS, "forced:\n"), "forced: got 'forced'", "a name other than account, caller, forced"),
    (OPENERS.replace("account", "town"), "openers: by: got 'town'", "call, caller, account"),
    (OPENERS + "  enabled: perhaps", "openers: enabled: got 'perhaps'", "true or false"),
    (OPENERS + "  until: monday", "openers: got 'until'", "by, enabled, variants"),
    ("try: {variants: {a: {weight: 100}}}", "try: variants: got '1'", "2 to 10 of them"),
    (
        OPENERS.replace(WEIGHT, "weight: 60}"),
        "openers: variants: got 'weights of 110 together'",
        "percents, 100 in all",
    ),
    (
        OPENERS.replace(WEIGHT, "weight: x}"),
        "openers: variants: on: weight: got 'x'",
        "percent, from 0 to 100",
    ),
    (OPENERS.replace(WEIGHT, "wait: 50}"), "openers: variants: on: got 'wait'", "weight, settings"),
]
VALUES = [
    ("{max_tokens: 3}", ": max_tokens: got 3", "a whole number from 16 to 4096"),
    ("{profile: slow}", ": profile: got 'slow'", "'fast', 'steady' or 'production'"),
    ("{greeting: 'Hi {name}'}", ": greeting: got 'Hi {name}'", "a whole sentence without {name} first"),
    ("{greeting_cache: memory}", ": greeting_cache: got 'memory'", "off or disk in this service"),
    ("[openers]", ": got \"['openers']\"", "a mapping of settings in lower case"),
]


@pytest.mark.parametrize(
    ("text", "got", "allowed"),
    [*WHOLE, *((of_settings(text), f"try: variants: b: settings{got}", allowed) for text, got, allowed in VALUES)],
)
def test_a_problem_names_place_value_and_what_is_allowed(settings: Settings, text: str, got: str, allowed: str) -> None:
    """One line each, with the file's name."""
    found = problems(text, settings)
    assert any(line.startswith(f"experiments.yaml: {got}, allowed: {allowed}") for line in found), found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\na: 2", "in line 2: 'a' is there twice"),
        ("? [a]\n: 3", "in line 1: a name is one word"),
        ("a: [", "in line 1: expected the node content, but found '<stream end>'"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(settings: Settings, text: str, told: str) -> None:
    """Also what YAML would take, the last of two experiments with one name."""
    assert problems(text, settings) == [f"experiments.yaml: not readable as YAML {told}"]


@pytest.mark.parametrize("name", ["pool_size", "freeze_garbage", "isolation", "workers", "openai_api_key", "nothing"])
def test_what_is_not_a_calls_own_is_refused(settings: Settings, name: str) -> None:
    """A worker's setting cannot differ from call to call."""
    (line,) = problems(of_settings(f"{{{name}: 3}}"), settings)
    assert line.startswith(f"experiments.yaml: try: variants: b: settings: got '{name}', allowed: what may differ")


def test_all_problems_are_told_at_once(settings: Settings) -> None:
    """Who mends a file does not want to run it five times."""
    text = OPENERS.replace("account", "town") + of_settings("{max_tokens: 3, profile: slow}")
    assert len(problems(text, settings)) == 3


def test_two_experiments_cannot_set_the_same(settings: Settings) -> None:
    """Nobody could tell whose effect it is."""
    (line,) = problems(OPENERS + of_settings("{openers: true}"), settings)
    assert line == "experiments.yaml: try: got 'openers', allowed: settings that openers does not set, too"


def test_variants_have_to_fit_each_other_and_the_service(make_settings: MakeSettings) -> None:
    """A call may get both of two experiments, and has the service's settings beside them."""
    low = of_settings("{min_endpointing_delay: 2}").replace("try", "low")
    high = of_settings("{max_endpointing_delay: 1}").replace("try", "high")
    (line,) = problems(f"{low}\n{high}", make_settings())
    assert line == (
        "experiments.yaml: low: b with high: b: "
        "MIN_ENDPOINTING_DELAY: got 2.0, allowed: at most MAX_ENDPOINTING_DELAY (1.0)"
    )
    (line,) = problems(low, make_settings(max_endpointing_delay=1.5))
    assert "low: variants: b: settings: MIN_ENDPOINTING_DELAY: got 2.0" in line


def test_what_takes_effect_at_dispatch_stands_alone(settings: Settings) -> None:
    """It is decided before the caller and the account are known: not by the caller, and beside nothing else."""
    text = of_settings("{voice_first: false}")
    assert parse(text, settings)[0].at_dispatch
    assert parse(text.replace("by: call", "by: account"), settings)[0].at_dispatch
    (line,) = problems(text.replace("by: call", "by: caller"), settings)
    assert "try: by: got 'caller', allowed: call or account, since voice_first takes effect before" in line
    (line,) = problems(of_settings("{voice_first: false, openers: false}"), settings)
    assert "try: variants: got 'openers', allowed: only parallel_stages and voice_first" in line
