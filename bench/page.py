"""A report as one page that needs nothing else: the style and the parts that all pages share."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).parent
NEEDS = ("jinja2", "matplotlib")


def check_tools() -> None:
    """Ask before a long run. Raises ValueError when what draws the page is not installed."""
    if missing := [name for name in NEEDS if find_spec(name) is None]:
        raise ValueError(f"a page needs {' and '.join(missing)}, which `uv sync` installs")


def render(template: Path, **values: object) -> str:
    """One document: nothing in it is fetched from anywhere. `template` may use the parts beside this file."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader([template.parent, FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template(template.name).render(**values)
