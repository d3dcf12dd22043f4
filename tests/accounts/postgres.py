"""A real PostgreSQL of the tests' own: on loopback, on a free port, in a folder that goes with it."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

import asyncpg

from sim.livekit_server import free_port
from utils.child_process import ChildProcess

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST = "127.0.0.1"
USER = "tester"
START_LIMIT_S = 30.0
STOP_GRACE_S = 10.0
LOOK_AGAIN_S = 0.02
LANGUAGES_SINCE = 15
"""From this version on, a database may sort as a language does on any machine: the store must not rely on it."""


class PostgresMissing(RuntimeError):
    """The message says what would have to be installed, or who would have to run it."""


class RealPostgres:
    """`async with RealPostgres() as server: url = await server.database()`. Raises `PostgresMissing`."""

    def __init__(self) -> None:
        self._programs = _programs()
        self._as_user = _as_user()
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._port = free_port(socket.SOCK_STREAM)
        self._names = count(1)
        self._process: ChildProcess | None = None
        # every sign that a URL could stumble over
        self.password = secrets.token_hex(4) + "/ü%:@?#' &=" + secrets.token_hex(4)

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(self._make)
            await self.start()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        shutil.rmtree(self._folder)

    async def start(self) -> None:
        """On the same port as before."""
        settings = {"listen_addresses": HOST, "unix_socket_directories": "", "fsync": "off", "max_connections": 60}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*self._as_user, self._programs / "postgres", "-D", self._data, "-p", str(self._port), *options]
        # SIGINT: end now, in order
        self._process = ChildProcess(
            command, name="postgres", cwd=self._folder, env={"LC_ALL": "C"}, stop_signals=[signal.SIGINT]
        )
        await self._process.start()
        async with asyncio.timeout(START_LIMIT_S):
            while not self._is_ready():
                assert self._process.returncode is None, "\n".join(self._process.last_lines)
                await asyncio.sleep(LOOK_AGAIN_S)

    async def stop(self) -> None:
        """What it has been told stays for the next start."""
        if self._process is not None:
            await self._process.stop(grace_s=STOP_GRACE_S)
            self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def url(self, database: str = "postgres", *, user: str = USER, password: str | None = None) -> str:
        """As a user would write it."""
        spelled = quote(self.password if password is None else password, safe="")
        return f"postgresql://{user}:{spelled}@{HOST}:{self._port}/{database}"

    async def database(self) -> str:
        """The URL of a new one."""
        name = f"accounts_{next(self._names)}"
        await self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    async def execute(self, *statements: str, url: str | None = None) -> None:
        """As its owner, each by itself."""
        connection = await asyncpg.connect(url or self.url())
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _make(self) -> None:
        word = self._folder / "password"
        word.write_text(self.password, encoding="utf-8")
        if self._as_user:
            user = _user()
            for each in (self._folder, word):
                os.chown(each, user.pw_uid, user.pw_gid)
        told = self._run(["postgres", "--version"])
        version = re.search(r" (\d+)", told)
        options = ["-U", USER, "-A", "scram-sha-256", f"--pwfile={word}", "-N", "--locale=C", "--encoding=UTF8"]
        if version and int(version[1]) >= LANGUAGES_SINCE:
            options += ["--locale-provider=icu", "--icu-locale=en"]
        self._run(["initdb", "-D", str(self._data), *options])
        word.unlink()

    def _run(self, command: Sequence[str]) -> str:
        done = subprocess.run(
            [*self._as_user, self._programs / command[0], *command[1:]],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _is_ready(self) -> bool:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
        except (OSError, IndexError):
            return False


def _programs() -> Path:
    """The newest; Debian keeps them out of the PATH."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(debian, key=lambda each: float(each.parent.parent.name), default=None)
    found = newest or shutil.which("postgres")
    if not found:
        raise PostgresMissing("no PostgreSQL on this machine (Debian: apt-get install postgresql)")
    return Path(found).parent


def _user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresMissing("PostgreSQL refuses to run as root, and there is no user postgres or nobody")


def _as_user() -> list[str]:
    """In front of a command: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        raise PostgresMissing("PostgreSQL refuses to run as root, and there is no setpriv to become somebody else")
    user = _user()
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
