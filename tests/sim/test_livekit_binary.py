from __future__ import annotations

import asyncio
import hashlib
import io
import os
import platform
import sys
import tarfile
from typing import TYPE_CHECKING

import filelock
import pytest
import pytest_asyncio
from aiohttp import web

from sim.livekit_binary import (
    VERSION,
    LiveKitServerMissing,
    archive_name,
    default_cache_dir,
    expected_sha256,
    find_livekit_server,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOWHERE = "http://127.0.0.1:9/release"  # the discard port: nothing listens there
CACHED_NAME = f"livekit-server-v{VERSION}"
BUILD = 'printf "#!/bin/sh\\n" > "$GOBIN/server"; /bin/chmod +x "$GOBIN/server"'
LINUX_ONLY = pytest.mark.skipif(
    archive_name(sys.platform, platform.machine()) is None, reason="the release has no archive for this platform"
)


class Machine:
    """A PATH with only what the test puts there, and a cache of its own."""

    def __init__(self, root: Path) -> None:
        self.path = root / "path"
        self.cache = root / "cache"
        self.path.mkdir()
        self.log: list[str] = []

    @property
    def cached(self) -> Path:
        return self.cache / "bin" / CACHED_NAME

    def program(self, name: str, script: str) -> Path:
        return write_program(self.path / name, script)

    async def find(self, release_url: str = NOWHERE) -> Path:
        return await find_livekit_server(self.cache, log=self.log.append, release_url=release_url)


def write_program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(machine.path))
    return machine


class Release:
    """A release on a local HTTP server: its archive, and the checksums that it claims."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.url = ""

    def publish(self, *, member: str = "livekit-server", checksum: str | None = None) -> None:
        name = archive_name(sys.platform, platform.machine())
        assert name is not None
        body = archive_of(member, b"#!/bin/sh\necho from the release\n")
        digest = checksum or hashlib.sha256(body).hexdigest()
        self.files = {name: body, "checksums.txt": f"{'0' * 64}  other.tar.gz\n{digest}  {name}\n".encode()}

    async def answer(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.asked.append(name)
        if name not in self.files:
            raise web.HTTPNotFound
        return web.Response(body=self.files[name])


def archive_of(member: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as files:
        info = tarfile.TarInfo(member)
        info.size = len(content)
        files.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest_asyncio.fixture
async def release() -> AsyncIterator[Release]:
    release = Release()
    app = web.Application()
    app.router.add_get("/{name}", release.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    release.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield release
    await runner.cleanup()


async def test_program_on_path_comes_first(machine: Machine) -> None:
    """`livekit-server` on PATH wins over a cached one, and nothing is built."""
    write_program(machine.cached, "echo cached")
    machine.program("go", "exit 9")
    expected = machine.program("livekit-server", "echo path")
    assert await machine.find() == expected


async def test_cached_program_is_not_built_again(machine: Machine) -> None:
    """A cached binary is used without a word, although Go is there."""
    machine.program("go", "exit 9")
    write_program(machine.cached, "echo cached")
    assert await machine.find() == machine.cached
    assert machine.log == []


async def test_go_builds_into_the_cache(machine: Machine, release: Release) -> None:
    """With Go the pinned version is installed; its output is the progress; only the program is left in the cache."""
    machine.program("go", f'echo "go $*"; {BUILD}')
    assert await machine.find(release.url) == machine.cached
    assert os.access(machine.cached, os.X_OK)
    assert f"go install -v github.com/livekit/livekit-server/cmd/server@v{VERSION}" in machine.log
    assert {file.name for file in machine.cached.parent.iterdir()} - {f"{CACHED_NAME}.lock"} == {CACHED_NAME}
    assert release.asked == []


@LINUX_ONLY
async def test_failed_build_falls_back_to_the_release(machine: Machine, release: Release) -> None:
    """When `go install` fails the release archive is downloaded."""
    machine.program("go", "echo cannot >&2; exit 1")
    release.publish()
    assert await machine.find(release.url) == machine.cached
    assert "from the release" in machine.cached.read_text()
    assert "cannot" in machine.log


@LINUX_ONLY
async def test_release_is_verified_and_cached(machine: Machine, release: Release) -> None:
    """Without Go the archive is taken when its sha256 is the one of checksums.txt; the second time it is cached."""
    release.publish()
    assert await machine.find(release.url) == machine.cached
    assert os.access(machine.cached, os.X_OK)
    asked = list(release.asked)
    assert await machine.find(release.url) == machine.cached
    assert release.asked == asked


@LINUX_ONLY
async def test_wrong_checksum_is_refused(machine: Machine, release: Release) -> None:
    """An archive with another sha256 is never put into the cache, and the error gives both sums."""
    release.publish(checksum="ab" * 32)
    with pytest.raises(LiveKitServerMissing, match=r"has sha256 [0-9a-f]{64}, its checksums.txt says (ab){32}"):
        await machine.find(release.url)
    assert not machine.cached.exists()


@LINUX_ONLY
async def test_checksums_without_the_archive_are_refused(machine: Machine, release: Release) -> None:
    """An archive that checksums.txt does not name is not used."""
    release.publish()
    release.files["checksums.txt"] = b"00  other.tar.gz\n"
    with pytest.raises(LiveKitServerMissing, match=r"checksums\.txt does not name livekit_"):
        await machine.find(release.url)


@LINUX_ONLY
async def test_archive_without_the_program_is_refused(machine: Machine, release: Release) -> None:
    """A verified archive that holds something else says so."""
    release.publish(member="README")
    with pytest.raises(LiveKitServerMissing, match="cannot be unpacked"):
        await machine.find(release.url)
    assert not machine.cached.exists()


async def test_error_names_the_three_ways(machine: Machine) -> None:
    """With nothing at hand the error says what was tried and the three things one can do."""
    with pytest.raises(LiveKitServerMissing) as failure:
        await machine.find()
    message = str(failure.value)
    assert str(machine.cache / "bin") in message
    for way in ("put `livekit-server` on PATH", "install Go", "access to github.com", "LIVEKIT_URL"):
        assert way in message


async def test_two_builders_build_once(machine: Machine) -> None:
    """Two at the same moment: one builds, the other waits for it and says so."""
    machine.program("go", f'echo x >> "{machine.path}/builds"; /bin/sleep 0.5; {BUILD}')
    found = await asyncio.gather(machine.find(), machine.find())
    assert found == [machine.cached, machine.cached]
    assert (machine.path / "builds").read_text() == "x\n"
    assert any("waiting for it" in line for line in machine.log)


async def test_lock_is_free_after_a_failure(machine: Machine) -> None:
    """A failed attempt does not lock out the next one."""
    with pytest.raises(LiveKitServerMissing):
        await machine.find()
    with filelock.FileLock(f"{machine.cached}.lock", timeout=0):
        pass


@pytest.mark.parametrize(
    ("system", "machine_name", "suffix"),
    [
        ("linux", "x86_64", "linux_amd64"),
        ("linux", "aarch64", "linux_arm64"),
        ("linux", "armv7l", "linux_armv7"),
        ("darwin", "arm64", None),
        ("win32", "AMD64", None),
    ],
)
def test_archive_names(system: str, machine_name: str, suffix: str | None) -> None:
    """The names are those of the official release; None where it has no archive."""
    expected = f"livekit_{VERSION}_{suffix}.tar.gz" if suffix else None
    assert archive_name(system, machine_name) == expected


def test_checksum_line_is_found_by_the_whole_name() -> None:
    """A name is matched as a whole, in both forms that sha256sum writes; unknown names give None."""
    text = "AA  a.tar.gz\nbb *b.tar.gz\ncc  aa.tar.gz\n"
    assert expected_sha256(text, "a.tar.gz") == "aa"
    assert expected_sha256(text, "b.tar.gz") == "bb"
    assert expected_sha256(text, "c.tar.gz") is None


def test_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """XDG_CACHE_HOME if set and not empty, else ~/.cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_dir() == tmp_path / "firstword"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache_dir() == tmp_path / ".cache" / "firstword"
