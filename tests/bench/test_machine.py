"""A report names its machine."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

from bench.machine import this_machine

if TYPE_CHECKING:
    from pathlib import Path


def test_the_machine_is_described(tmp_path: Path) -> None:
    """Cores, versions and the server's own word for its version stand in one line."""
    server = tmp_path / "server"
    server.write_text("#!/bin/sh\necho livekit-server version 9.8.7\n", encoding="utf-8")
    server.chmod(0o755)
    machine = this_machine(server)
    assert machine.cores >= 1
    for part in (platform.python_version(), version("livekit-agents"), "livekit-server 9.8.7"):
        assert part in machine.one_line()


def test_a_server_that_does_not_tell_its_version_is_unknown(tmp_path: Path) -> None:
    """A benchmark does not fail for the lack of a version."""
    assert this_machine(tmp_path / "absent").livekit_server == "unknown"
