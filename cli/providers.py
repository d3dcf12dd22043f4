"""Which provider is real and which is simulated."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config import Settings

STYLES = {"real": "green"}


@dataclass(frozen=True)
class Provider:
    """`mode` is `real`, `simulated` or `local`; `hint` says how to change one that is not real."""

    role: str
    name: str
    mode: str
    hint: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def providers_of(settings: Settings) -> list[Provider]:
    """A provider whose key is set is real, one without is simulated."""
    rows = (
        ("Speech to text", "Soniox", settings.stt_model, "SONIOX_API_KEY", settings.soniox_api_key),
        ("Language model", "OpenAI", settings.llm_model, "OPENAI_API_KEY", settings.openai_api_key),
        ("Text to speech", "ElevenLabs", settings.tts_model, "ELEVEN_API_KEY", settings.eleven_api_key),
    )
    return [
        Provider(role, f"{name} {model}", "real", "")
        if key
        else Provider(role, name, "simulated", f"{variable} makes it real")
        for role, name, model, variable, key in rows
    ]


def providers_table(providers: Sequence[Provider]) -> Table:
    """One row each; with the names of this file 80 columns are enough."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    for each in providers:
        mode = Text(each.mode, STYLES.get(each.mode, "yellow"))
        table.add_row(each.role, Text(each.name), mode, Text(each.hint, "dim"))
    return table
