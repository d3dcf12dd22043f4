"""This machine: versions, settings, the health port, programs, noise cancellation."""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import platform
import re
import shutil
import socket
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import config
from cli.checks.result import CheckResult, fail, ok, skipped, warn
from config import ENV_FILE, PERFORMANCE_FILE

if TYPE_CHECKING:
    from config import Settings

PROJECT_FILE = Path(config.__file__).with_name("pyproject.toml")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")


async def check_versions(settings: Settings, limit_s: float, *, project_file: Path = PROJECT_FILE) -> list[CheckResult]:
    """Every dependency is there, and a pinned one in its version."""
    name = "versions"
    wrong: list[str] = []
    for package, pinned in _requirements(project_file):
        try:
            found = version(package)
        except PackageNotFoundError:
            wrong.append(f"{package} is missing")
            continue
        if pinned and found != pinned:
            wrong.append(f"{package} is {found}, not {pinned}")
    if wrong:
        return [fail(name, "; ".join(wrong), "uv sync")]
    return [ok(name, f"Python {platform.python_version()}, livekit-agents {version('livekit-agents')}")]


async def check_settings(settings: Settings, limit_s: float) -> list[CheckResult]:
    """Where settings come from, and what `start` lacks."""
    found = f"readable, from {' and '.join(['the environment', *_files()])}; PROFILE={settings.profile}"
    missing = settings.missing_for_start()
    if missing:
        return [warn("settings", found, f"For `start` set {', '.join(missing)}; `dev` works without")]
    return [ok("settings", found)]


async def check_health_port(settings: Settings, limit_s: float) -> list[CheckResult]:
    """`start` can listen on its health port."""
    name, host, port = "health port", settings.health_host, settings.health_port
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(1)
    except (OSError, UnicodeError) as error:
        return [_port_problem(name, host, port, error)]
    return [ok(name, f"{host}: `start` picks a free one" if port == 0 else f"{host}:{port} is free")]


async def check_programs(settings: Settings, limit_s: float) -> list[CheckResult]:
    """Programs that only some commands need."""
    return [_livekit_server(settings), _voice(settings), _browser()]


async def check_noise_cancellation(settings: Settings, limit_s: float) -> list[CheckResult]:
    """Krisp runs on LiveKit Cloud only."""
    name = "noise cancellation"
    if not settings.noise_cancellation:
        return [skipped(name, "off")]
    if importlib.util.find_spec("livekit.plugins.noise_cancellation") is None:
        return [fail(name, "livekit-plugins-noise-cancellation is missing", "uv sync")]
    from livekit.agents.utils.misc import is_cloud

    if not settings.livekit_url or not is_cloud(settings.livekit_url):
        where = "LIVEKIT_URL is no LiveKit Cloud" if settings.livekit_url else "LIVEKIT_URL is not set"
        return [fail(name, f"on, but {where}", "Set NOISE_CANCELLATION=false, or use a project of LiveKit Cloud")]
    return [ok(name, "on, with LiveKit Cloud")]


def _files() -> list[str]:
    return [file for file in (ENV_FILE, PERFORMANCE_FILE) if Path(file).is_file()]


def _requirements(project_file: Path) -> list[tuple[str, str]]:
    """Names of the project's dependencies, and the version that each is pinned to, "" if it is not."""
    project = tomllib.loads(project_file.read_text(encoding="utf-8"))["project"]
    found: list[tuple[str, str]] = []
    for text in project["dependencies"]:
        name, pinned = re.match(r"[\w.-]+", text), re.search(r"==([\w.]+)", text)
        found.append((name[0] if name else text, pinned[1] if pinned else ""))
    return found


def _port_problem(name: str, host: str, port: int, error: OSError | UnicodeError) -> CheckResult:
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, socket.gaierror | UnicodeError) or number == errno.EADDRNOTAVAIL:
        return fail(name, f"{host} is no address of this machine", "Set HEALTH_HOST to 127.0.0.1 or 0.0.0.0")
    if number == errno.EADDRINUSE:
        return fail(
            name,
            f"{host}:{port} is taken",
            "Stop what listens there (a worker that still drains?), or set HEALTH_PORT=0 for a free one",
        )
    if number in (errno.EACCES, errno.EPERM):
        return fail(name, f"{host}:{port} needs more rights", "Set HEALTH_PORT to one of 1024 to 65535")
    return fail(name, f"{host}:{port}: {errno.errorcode.get(number or 0, 'unknown error')}", "Set HEALTH_PORT=0")


def _livekit_server(settings: Settings) -> CheckResult:
    name = "livekit-server"
    if settings.livekit_url:
        return skipped(name, "not needed, LIVEKIT_URL is set")
    if local := ready_livekit_server():
        return ok(name, str(local))
    if shutil.which("go"):
        return ok(name, "not there yet; the first `dev` builds it with Go, which takes some minutes")
    return warn(
        name,
        "not there yet; the first `dev` downloads it",
        "If that fails: put livekit-server on PATH, or install Go, or set LIVEKIT_URL",
    )


def ready_livekit_server() -> Path | None:
    """A livekit-server that `dev` would start without building or downloading it."""
    if on_path := shutil.which("livekit-server"):
        return Path(on_path)
    try:
        from sim.livekit_binary import VERSION, default_cache_dir
    except ImportError:
        return None
    cached = default_cache_dir() / "bin" / f"livekit-server-v{VERSION}"
    return cached if cached.is_file() else None


def _voice(settings: Settings) -> CheckResult:
    name = "espeak-ng"
    if settings.eleven_api_key:
        return skipped(name, "not needed, ELEVEN_API_KEY is set")
    if importlib.util.find_spec("espeakng_loader"):
        return ok(name, "from the package espeakng-loader")
    if program := shutil.which("espeak-ng"):
        return ok(name, program)
    return warn(name, "not there: the simulated TTS has no voice", "uv sync --group local, or apt install espeak-ng")


def _browser() -> CheckResult:
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program:
        return ok("chromium", program)
    return skipped("chromium", "not there; only the page's tests need it", "uv run playwright install chromium")
