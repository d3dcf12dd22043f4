"""Where the local livekit-server comes from: PATH, the cache, Go, or the official release archive, in this order."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import filelock

from utils.child_process import ChildProcess, ChildStartError

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "1.13.5"  # the last release that `go install` takes: later ones have replace directives in go.mod
GO_PACKAGE = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
RELEASE_URL = f"https://github.com/livekit/livekit/releases/download/v{VERSION}"
ARCHIVE_PLATFORMS = {
    ("linux", "x86_64"): "linux_amd64",
    ("linux", "aarch64"): "linux_arm64",
    ("linux", "arm64"): "linux_arm64",
    ("linux", "armv7l"): "linux_armv7",
}
GO_LIMIT_S = 1800.0
DOWNLOAD_LIMIT_S = 600.0
LOCK_CHECK_S = 0.2


class LiveKitServerMissing(RuntimeError):
    """No livekit-server could be found, built or downloaded: the message says what was tried and what to do."""


def default_cache_dir() -> Path:
    """`firstword` in the user's cache folder (XDG_CACHE_HOME, else ~/.cache)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "firstword"


async def find_livekit_server(cache_dir: Path, *, log: Callable[[str], None], release_url: str = RELEASE_URL) -> Path:
    """The path of a livekit-server that can be run.

    `livekit-server` on PATH, of whatever version, wins over `cache_dir/bin/livekit-server-v<version>`. If neither
    is there it is built with Go, or else downloaded, into the cache; `log` gets each line of progress. Programs
    that do this at the same moment wait for the first one's result.

    Raises `LiveKitServerMissing`.
    """
    on_path = shutil.which("livekit-server")
    if on_path:
        return Path(on_path)
    target = cache_dir / "bin" / f"livekit-server-v{VERSION}"
    if _is_program(target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(f"{target}.lock", thread_local=False)
    await _acquire(lock, log)
    try:
        if not _is_program(target):
            await _make(target, log, release_url)
    finally:
        lock.release()
    return target


async def _acquire(lock: filelock.FileLock, log: Callable[[str], None]) -> None:
    said = False
    while True:
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            if not said:
                log("another program is fetching livekit-server: waiting for it")
                said = True
            await asyncio.sleep(LOCK_CHECK_S)
        else:
            return


async def _make(target: Path, log: Callable[[str], None], release_url: str) -> None:
    failures: list[str] = []
    for way in (_build_with_go, _download):
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".livekit-server-") as folder:
            try:
                program = await way(Path(folder), log, release_url)
            except _WayFailed as failure:
                failures.append(str(failure))
                continue
            program.chmod(0o755)
            program.replace(target)
            log(f"livekit-server {VERSION} is ready: {target}")
            return
    raise LiveKitServerMissing(
        f"no livekit-server: not on PATH, not in {target.parent}; "
        + "; ".join(failures)
        + ". Do one of: put `livekit-server` on PATH (macOS: `brew install livekit`); install Go "
        "(https://go.dev/dl) so that it can be built here; or allow access to github.com so that the release can "
        "be downloaded (Linux). With LIVEKIT_URL set no local server is needed."
    )


class _WayFailed(Exception):
    """One way did not work out; the message is a clause for the final error."""


async def _build_with_go(folder: Path, log: Callable[[str], None], _: str) -> Path:
    go = shutil.which("go")
    if go is None:
        raise _WayFailed("no `go` on PATH to build it with")
    log(f"building livekit-server {VERSION} with Go, once, for the cache: this takes some minutes")
    environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0", "GOFLAGS": "-trimpath"}
    environment.pop("GOOS", None)
    environment.pop("GOARCH", None)
    child = ChildProcess([go, "install", "-v", GO_PACKAGE], name="go install", env=environment, cwd=folder, on_line=log)
    try:
        async with child, asyncio.timeout(GO_LIMIT_S):
            code = await child.wait()
    except ChildStartError as error:
        raise _WayFailed(str(error)) from error
    except TimeoutError as error:
        raise _WayFailed(f"`go install` took longer than {GO_LIMIT_S:.0f} s") from error
    built = folder / "server"
    if code != 0 or not _is_program(built):
        raise _WayFailed(f"`go install {GO_PACKAGE}` failed ({code}): {' / '.join(child.last_lines[-3:])}")
    return built


async def _download(folder: Path, log: Callable[[str], None], release_url: str) -> Path:
    """The release archive, verified against the `checksums.txt` of the same release (sha256, over https).

    That catches a broken or truncated download and a mirror of the archive alone, not a replaced release.
    """
    name = archive_name(sys.platform, platform.machine())
    if name is None:
        raise _WayFailed(f"the release has no archive for {sys.platform} {platform.machine()}")
    log(f"downloading {release_url}/{name}")
    archive = folder / name
    try:
        timeout = aiohttp.ClientTimeout(total=DOWNLOAD_LIMIT_S, sock_connect=15, sock_read=30)
        async with aiohttp.ClientSession(timeout=timeout, raise_for_status=True, trust_env=True) as session:
            async with session.get(f"{release_url}/checksums.txt") as answer:
                expected = expected_sha256(await answer.text(), name)
            digest = hashlib.sha256()
            async with session.get(f"{release_url}/{name}") as answer:
                with archive.open("wb") as file:
                    async for part in answer.content.iter_chunked(1 << 18):
                        digest.update(part)
                        file.write(part)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _WayFailed(f"the download from {release_url} failed ({error or type(error).__name__})") from error
    if expected is None:
        raise _WayFailed(f"{release_url}/checksums.txt does not name {name}")
    if digest.hexdigest() != expected:
        raise _WayFailed(f"{name} has sha256 {digest.hexdigest()}, its checksums.txt says {expected}: not used")
    return await asyncio.to_thread(_unpack, archive, folder)


def archive_name(system: str, machine: str) -> str | None:
    """The file name of the release archive for `sys.platform` and `platform.machine()`; None if there is none."""
    suffix = ARCHIVE_PLATFORMS.get((system, machine.lower()))
    return f"livekit_{VERSION}_{suffix}.tar.gz" if suffix else None


def expected_sha256(checksums: str, name: str) -> str | None:
    """The hex digest that a `checksums.txt` gives for a file, in lower case."""
    for line in checksums.splitlines():
        fields = line.split()
        if len(fields) == 2 and fields[1].lstrip("*") == name:
            return fields[0].lower()
    return None


def _unpack(archive: Path, folder: Path) -> Path:
    program = folder / "livekit-server"
    try:
        with tarfile.open(archive) as files:
            member = files.extractfile("livekit-server")
            if member is None:
                raise _WayFailed(f"{archive.name} holds no livekit-server")
            with program.open("wb") as target:
                shutil.copyfileobj(member, target)
    except (tarfile.TarError, KeyError, OSError) as error:
        raise _WayFailed(f"{archive.name} cannot be unpacked ({error})") from error
    return program


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
