"""The table that `dev` opens with: which provider is real and which is simulated."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from cli.providers import Provider, providers_of, providers_table

if TYPE_CHECKING:
    from small_servers import MakeSettings

KEYS = ("soniox_api_key", "openai_api_key", "eleven_api_key")


def printed(providers: list[Provider], columns: int) -> list[str]:
    text = io.StringIO()
    console = Console(file=text, width=columns)
    console.print(providers_table(providers))
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_a_provider_is_simulated_exactly_if_its_key_is_missing(make_settings: MakeSettings) -> None:
    """Each by itself, with the variable that makes it real; a real one shows its model and needs no hint."""
    for key in KEYS:
        settings = make_settings(**{key: "k"})
        providers = dict(zip(KEYS, providers_of(settings), strict=True))
        real = providers.pop(key)
        assert (real.mode, real.hint) == ("real", "")
        assert real.name.split()[1] in (settings.stt_model, settings.llm_model, settings.tts_model)
        assert {each.mode for each in providers.values()} == {"simulated"}
        assert [each.hint for each in providers.values()] == [f"{name.upper()} makes it real" for name in providers]


def test_the_page_gets_what_the_terminal_gets(make_settings: MakeSettings) -> None:
    """As plain values; no key is among them."""
    told = [provider.as_dict() for provider in providers_of(make_settings(openai_api_key="sk-of-mine"))]
    assert {"role": "Language model", "name": "OpenAI gpt-4o-mini", "mode": "real", "hint": ""} in told
    assert "sk-of-mine" not in str(told)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_keyless_table_is_one_line_a_provider(make_settings: MakeSettings, columns: int) -> None:
    """In columns, at the narrowest usual width too."""
    lines = printed(providers_of(make_settings()), columns)
    assert lines == [
        "Speech to text  Soniox      simulated  SONIOX_API_KEY makes it real",
        "Language model  OpenAI      simulated  OPENAI_API_KEY makes it real",
        "Text to speech  ElevenLabs  simulated  ELEVEN_API_KEY makes it real",
    ]


def test_a_name_with_brackets_is_shown_as_it_is(make_settings: MakeSettings) -> None:
    """A model's name is no markup."""
    assert "OpenAI [bold]x" in printed(providers_of(make_settings(llm_model="[bold]x", openai_api_key="k")), 120)[1]
