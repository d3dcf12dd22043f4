"""On what it was measured: a figure without its machine is worth little."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CPU_FILE = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Machine:
    """`load_1min`: the system's load average when the run began, None where there is no such figure."""

    cores: int
    cpu: str
    system: str
    python: str
    livekit_agents: str
    livekit_server: str
    load_1min: float | None

    def one_line(self) -> str:
        load = "" if self.load_1min is None else f", load {self.load_1min:.1f} at the start"
        return (
            f"{self.cores} cores {self.cpu}{load}; {self.system}; Python {self.python}; "
            f"livekit-agents {self.livekit_agents}; livekit-server {self.livekit_server}"
        )


def this_machine(livekit_server: Path) -> Machine:
    return Machine(
        cores=os.cpu_count() or 1,
        cpu=_cpu_model(CPU_FILE.read_text(encoding="utf-8").splitlines() if CPU_FILE.is_file() else ()),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        livekit_agents=version("livekit-agents"),
        livekit_server=_server_version(livekit_server),
        load_1min=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    )


def _cpu_model(lines: Iterable[str]) -> str:
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()


def _server_version(binary: Path) -> str:
    """The last word of "livekit-server version 1.13.5"."""
    try:
        told = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    words = told.stdout.split()
    return words[-1] if words else "unknown"
