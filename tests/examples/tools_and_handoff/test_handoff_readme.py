"""The README's one command, as it stands: it talks without keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.examples.readme_command import page_of_example

if TYPE_CHECKING:
    from pathlib import Path


async def test_the_command_of_the_readme_gives_a_page(tmp_path: Path) -> None:
    """It says where to talk to the agent, and ends when it is asked to."""
    async with page_of_example("tools_and_handoff", tmp_path) as address:
        assert address.startswith("http://127.0.0.1:")
