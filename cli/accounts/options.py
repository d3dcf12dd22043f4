"""The fields of a record as options of a command, and what was given of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORD = "Record"
NONE = "none"


def _text(value: str | None) -> str | None:
    """The text itself, or what the file behind an @ has."""
    if value is None or not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise typer.BadParameter(f"got {value}, {why}; allowed: a text, or @ and a file of UTF-8 text") from None


def _pairs(value: str | None) -> str | None:
    for pair in _parts(value or ""):
        experiment, _, variant = pair.partition("=")
        if not (experiment.strip() and variant.strip()):
            raise typer.BadParameter(f"got {pair!r}; allowed: EXPERIMENT=VARIANT, with commas between")
    return value


Name = Annotated[str | None, typer.Option(help="What people call it.", metavar="TEXT", rich_help_panel=RECORD)]
Greeting = Annotated[
    str | None,
    typer.Option(help="Its first words.", metavar="TEXT|@FILE", callback=_text, rich_help_panel=RECORD),
]
Instructions = Annotated[
    str | None,
    typer.Option(
        help="What the agent is told about its part.", metavar="TEXT|@FILE", callback=_text, rich_help_panel=RECORD
    ),
]
Voice = Annotated[str | None, typer.Option(help="ElevenLabs voice id.", metavar="ID", rich_help_panel=RECORD)]
LanguageHints = Annotated[
    str | None, typer.Option(help="Its callers' languages: ar,en.", metavar="LIST", rich_help_panel=RECORD)
]
LlmModel = Annotated[str | None, typer.Option(help="Chat model.", metavar="NAME", rich_help_panel=RECORD)]
SttModel = Annotated[str | None, typer.Option(help="Soniox model.", metavar="NAME", rich_help_panel=RECORD)]
TtsModel = Annotated[str | None, typer.Option(help="ElevenLabs model.", metavar="NAME", rich_help_panel=RECORD)]
Profile = Annotated[
    Literal["fast", "steady", "production"] | None,
    typer.Option(help="Turn-taking: fast, steady, production.", metavar="NAME", rich_help_panel=RECORD),
]
MaxTokens = Annotated[
    int | None, typer.Option(help="Longest reply in LLM tokens.", metavar="NUMBER", rich_help_panel=RECORD)
]
MaxCalls = Annotated[
    int | None, typer.Option(help="Calls at once, in one worker.", metavar="NUMBER", rich_help_panel=RECORD)
]
MaxCallS = Annotated[
    float | None, typer.Option(help="Seconds after which a call ends.", metavar="NUMBER", rich_help_panel=RECORD)
]
Tools = Annotated[
    str | None,
    typer.Option(help=f"That it may call; {NONE}: not one.", metavar="LIST", rich_help_panel=RECORD),
]
PhoneNumbers = Annotated[
    str | None, typer.Option(help="That are called: +493012345678.", metavar="LIST", rich_help_panel=RECORD)
]
Hosts = Annotated[str | None, typer.Option(help="Of pages that call.", metavar="LIST", rich_help_panel=RECORD)]
Variants = Annotated[
    str | None,
    typer.Option(help="Decided experiments: openers=off.", metavar="LIST", callback=_pairs, rich_help_panel=RECORD),
]
Enabled = Annotated[bool | None, typer.Option("--enabled/--disabled", help="Off: as if it were not there.")]

TEXTS = ("name", "greeting", "instructions", "voice", "llm_model", "stt_model", "tts_model")
AS_GIVEN = (*TEXTS, "profile", "max_tokens", "max_calls", "max_call_s", "enabled")
MAY_BE_CLEARED = (
    *("voice", "language_hints", "llm_model", "stt_model", "tts_model", "profile", "max_tokens", "max_calls"),
    *("max_call_s", "tools", "phone_numbers", "hosts", "variants"),
)
LISTS = ("language_hints", "tools", "phone_numbers", "hosts")


def given(parameters: Mapping[str, object]) -> dict[str, object]:
    """The fields that a command line names, as a record has them. `parameters`: those of the command."""
    values = {name: parameters[name] for name in AS_GIVEN if parameters[name] is not None}
    for name in LISTS:
        if isinstance(text := parameters[name], str):
            values[name] = [] if name == "tools" and text.strip() == NONE else _parts(text)
    if isinstance(text := parameters["variants"], str):
        pairs = (pair.partition("=") for pair in _parts(text))
        values["variants"] = {name.strip(): variant.strip() for name, _, variant in pairs}
    return values


def cleared(text: str | None) -> list[str]:
    """The fields that --clear names, as a record spells them. Raises `typer.BadParameter`."""
    names = [part.lower().replace("-", "_") for part in _parts(text or "")]
    for name in names:
        if name not in MAY_BE_CLEARED:
            allowed = ", ".join(MAY_BE_CLEARED)
            raise typer.BadParameter(f"got {name!r}; allowed: {allowed}", param_hint="--clear")
    return names


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
