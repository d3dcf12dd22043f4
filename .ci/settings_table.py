"""The README's table of settings, made from the class: writes it, or with --check says whether it is current."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, get_args

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from pydantic import SecretStr

from config import Settings

README = ROOT / "README.md"
BEGIN, END = "<!-- settings:begin -->", "<!-- settings:end -->"

OF_THE_PROFILE = {"min_endpointing_delay", "max_endpointing_delay", "interruption_threshold"}
OF_THE_PROFILE |= {"stt_max_endpoint_delay_ms", "stt_endpoint_sensitivity", "stt_endpoint_latency_level"}


def table() -> str:
    lines = ["| name | default | allowed | what |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "the profile's" if name in OF_THE_PROFILE else _default(field.default)
        cells = (f"`{name.upper()}`", default, _allowed(field), field.description or "")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _default(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()  # a default is no secret
    if value is None or value in ("", ()):
        return "-"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{','.join(value)}`" if isinstance(value, tuple) else f"`{value}`"


def _allowed(field: Any) -> str:
    limits = {type(rule).__name__: rule for rule in field.metadata}
    if "Ge" in limits and "Le" in limits:
        return f"{limits['Ge'].ge} to {limits['Le'].le}"
    if field.annotation is bool:
        return "`true`, `false`"
    choices = [choice for choice in get_args(field.annotation) if isinstance(choice, str)]
    return ", ".join(f"`{choice}`" for choice in choices)


def main() -> int:
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    current = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    if "--check" in sys.argv:
        if current != text:
            print("README.md: the table of settings is old; run `uv run python .ci/settings_table.py`", file=sys.stderr)
            return 1
        return 0
    README.write_text(current, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
