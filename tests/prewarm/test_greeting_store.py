"""Greetings on disk: found again, checked, shared by processes; and whatever is wrong with the disk, no call fails."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
import sys
import tempfile
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from prewarm.bytes_disk import open_folder
from prewarm.greeting_store import HEADER, GreetingStore, pack, unpack

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from utils.audio import Pcm

ROOT = Path(__file__).parent.parent.parent
NOBODY = 65534
RATE_HZ = 24_000
OFF = "greetings are kept in memory only: the folder cannot be used"
DAMAGED = "a greeting on disk was damaged and is made anew"


def noise(seed: int, samples: int = 48_000) -> Pcm:
    """A greeting of 2 s in which no two stretches are alike."""
    return np.random.default_rng(seed).integers(-20_000, 20_000, samples, dtype=np.int16)


PCM = noise(1)


@asynccontextmanager
async def store_in(folder: Path, *, limit_s: float = 30.0) -> AsyncGenerator[GreetingStore]:
    store = GreetingStore(folder, sample_rate_hz=RATE_HZ, limit_s=limit_s)
    try:
        yield store
    finally:
        await store.aclose()


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "prewarm"]


def same(found: Pcm | None, pcm: Pcm = PCM) -> bool:
    return found is not None and found.dtype == np.int16 and np.array_equal(found, pcm)


async def test_what_was_written_is_found_by_the_next_worker(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """To the sample, in a folder that was not there before; another name has nothing; no warning."""
    folder = tmp_path / "cache" / "greetings"
    async with store_in(folder) as store:
        assert await store.read("a") is None
        await store.write("a", PCM)
        assert same(await store.read("a"))
    async with store_in(folder) as store:
        assert same(await store.read("a"))
        assert await store.read("b") is None
    assert folder.stat().st_mode & 0o077 == 0, "it is the user's own"
    assert told(caplog) == []


@pytest.mark.parametrize("place", [0, 4, 8, 39, HEADER.size, HEADER.size + 50_000, -1])
def test_a_changed_bit_is_noticed(place: int) -> None:
    """In the mark, the rate, the checksum or the samples."""
    kept = bytearray(pack("a", PCM, RATE_HZ))
    assert same(unpack("a", bytes(kept), RATE_HZ))
    kept[place] ^= 1
    with pytest.raises(ValueError, match="wrong mark, rate or checksum"):
        unpack("a", bytes(kept), RATE_HZ)


@pytest.mark.parametrize("length", [0, 3, HEADER.size, HEADER.size + 1, 1000, -1, -2])
def test_a_cut_file_is_noticed(length: int) -> None:
    """However little is missing; and another greeting's bytes, or those of another rate, are as wrong."""
    with pytest.raises(ValueError, match="a greeting on disk: got"):
        unpack("a", pack("a", PCM, RATE_HZ)[:length], RATE_HZ)
    with pytest.raises(ValueError, match="checksum"):
        unpack("a", pack("b", PCM, RATE_HZ), RATE_HZ)
    with pytest.raises(ValueError, match="rate"):
        unpack("a", pack("a", PCM, 16_000), RATE_HZ)


async def test_a_damaged_greeting_is_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A bit that flipped on the disk: one warning, nothing is played of it, and the new one is kept again."""
    async with store_in(tmp_path) as store:
        await store.write("a", PCM)
        await store.write("b", PCM)
    database = tmp_path / "cache.db"
    content = bytearray(database.read_bytes())
    place = content.find(PCM[20_000:20_020].tobytes())
    content[place] ^= 1
    database.write_bytes(content)
    async with store_in(tmp_path) as store:
        found = [await store.read(name) for name in ("a", "b", "a", "b")]
        assert sorted(map(same, found)) == [False, False, True, True]
        assert store.on
        await store.write("a", PCM)
        await store.write("b", PCM)
        assert same(await store.read("a"))
        assert same(await store.read("b"))
    assert told(caplog) == [DAMAGED]


async def test_what_is_no_greeting_is_not_played(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Bytes that another program put there under our names: one warning, then as if they were not there."""
    cache = open_folder(tmp_path, size_limit_bytes=1 << 20)
    cache.set("a", b"RIFF")
    cache.set("b", b"x" * 10_000)
    cache.close()
    async with store_in(tmp_path) as store:
        assert await store.read("a") is None
        assert await store.read("b") is None
    cache = open_folder(tmp_path, size_limit_bytes=1 << 20)
    assert list(cache) == []
    cache.close()
    assert told(caplog) == [DAMAGED]


def a_file_in_its_place(folder: Path) -> None:
    folder.write_text("not a folder")


def a_folder_in_place_of_the_database(folder: Path) -> None:
    (folder / "cache.db").mkdir(parents=True)


def garbage_for_a_database(folder: Path) -> None:
    folder.mkdir()
    (folder / "cache.db").write_bytes(noise(2).tobytes())


def another_programs_database(folder: Path) -> None:
    folder.mkdir()
    with sqlite3.connect(folder / "cache.db") as database:
        database.execute("CREATE TABLE Cache (content TEXT)")
    database.close()


@pytest.mark.parametrize(
    "spoil",
    [
        a_file_in_its_place,
        a_folder_in_place_of_the_database,
        garbage_for_a_database,
        another_programs_database,
    ],
)
async def test_a_folder_that_cannot_be_used_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Any
) -> None:
    """Reading gives nothing, writing does nothing, and neither raises; the folder is left as it was found."""
    folder = tmp_path / "greetings"
    spoil(folder)
    async with store_in(folder) as store:
        assert await store.read("a") is None
        await store.write("a", PCM)
        assert await store.read("a") is None
        assert repr(store) == f"<GreetingStore {folder}: off>"
    assert told(caplog) == [OFF]
    assert vars(caplog.records[0])["folder"] == str(folder)


async def test_a_database_that_breaks_later_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its middle is overwritten: what can be read is checked, what cannot turns the disk off; no call fails."""
    async with store_in(tmp_path) as store:
        for number in range(5):
            await store.write(str(number), noise(number))
    database = tmp_path / "cache.db"
    content = bytearray(database.read_bytes())
    content[4096 : len(content) // 2] = noise(9, (len(content) // 2 - 4096) // 2).tobytes()
    database.write_bytes(content)
    async with store_in(tmp_path) as store:
        found = [await store.read(str(number)) for number in range(5)]
        await store.write("5", PCM)
        assert not any(pcm is not None and not same(pcm, noise(number)) for number, pcm in enumerate(found))
    assert len(told(caplog)) == 1


@contextmanager
def without_rights() -> Generator[None]:
    """As a user who owns nothing, if the tests run as root, who may do anything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("rights", [0o555, 0o000], ids=["read-only", "unreadable"])
@pytest.mark.parametrize("filled", [True, False])
async def test_a_folder_without_rights_is_one_warning(
    caplog: pytest.LogCaptureFixture, rights: int, filled: bool
) -> None:
    """A container with a read-only file system, or another user's folder: as if it were not there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "greetings"
        folder.mkdir()
        Path(name).chmod(0o755)
        if filled:
            async with store_in(folder) as store:
                await store.write("a", PCM)
            (folder / "cache.db").chmod(0o444)
        folder.chmod(rights)
        try:
            with without_rights():
                async with store_in(folder) as store:
                    assert await store.read("a") is None
                    await store.write("a", PCM)
        finally:
            folder.chmod(0o755)
    assert told(caplog) == [OFF]


@contextmanager
def no_file_over(size_bytes: int) -> Generator[None]:
    """Writing beyond fails for this process, as on a full disk; Python ignores the signal that goes with it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_one_warning_and_loses_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What does not fit is not kept, what was there before is whole, and no half file stays behind."""
    async with store_in(tmp_path) as store:
        await store.write("a", PCM)
    async with store_in(tmp_path) as store:
        assert same(await store.read("a"))
        with no_file_over(150_000):
            await store.write("b", noise(2, 480_000))
        assert not store.on
    assert told(caplog) == [OFF]
    async with store_in(tmp_path) as store:
        assert same(await store.read("a"))
        assert await store.read("b") is None
    assert {file.name for file in tmp_path.iterdir()} <= {"cache.db", "cache.db-wal", "cache.db-shm"}


async def test_a_disk_that_does_not_answer_is_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody holds the database: the loop goes on, and after the limit the greeting is spoken instead."""
    async with store_in(tmp_path) as store:
        await store.write("a", PCM)
    holder = sqlite3.connect(tmp_path / "cache.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    turns = 0
    async with store_in(tmp_path, limit_s=0.3) as store:
        reading = asyncio.create_task(store.read("a"))
        while not reading.done():
            turns += 1
            await asyncio.sleep(0.01)
        assert await reading is None
        assert not store.on
        holder.close()
    assert turns > 3
    assert told(caplog) == [OFF]
    assert vars(caplog.records[0])["error"] == "TimeoutError"


async def test_closing_twice_and_asking_afterwards_does_no_harm(tmp_path: Path) -> None:
    """Nothing is read, nothing is written, nothing is raised; one that was never asked makes no folder."""
    async with store_in(tmp_path / "a") as store:
        await store.write("a", PCM)
        await store.aclose()
        assert await store.read("a") is None
        await store.write("b", PCM)
    async with store_in(tmp_path / "b"):
        pass
    assert [folder.name for folder in tmp_path.iterdir()] == ["a"]


SHARER = """
import asyncio, sys
from pathlib import Path
import numpy as np
from prewarm.greeting_store import GreetingStore

async def main(folder: Path, seed: int) -> None:
    store = GreetingStore(folder, sample_rate_hz=24_000, size_limit_bytes=200_000, limit_s=50.0)
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(40):
        name = str((turn + seed) % 8)
        found = await store.read(name)
        wanted = np.full(24_000, int(name), dtype=np.int16)
        assert found is None or np.array_equal(found, wanted), name
        await store.write(name, wanted)
        assert store.on
    await store.aclose()

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


async def test_two_workers_share_the_folder(tmp_path: Path) -> None:
    """Both read, write and make room at once, from the folder's making on: no error, no wrong sound."""
    pipe = asyncio.subprocess.PIPE
    children = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", SHARER, str(tmp_path), seed, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe
        )
        for seed in ("0", "3")
    ]
    try:
        for child in children:
            assert child.stdout is not None
            assert await child.stdout.readline() == b"ready\n"
        outputs = await asyncio.gather(*(child.communicate(b"go\n") for child in children))
        assert [(child.returncode, output) for child, output in zip(children, outputs, strict=True)] == [
            (0, (b"", b""))
        ] * 2
    finally:
        for child in children:
            if child.returncode is None:
                child.kill()
                await child.wait()
    with closing(open_folder(tmp_path, size_limit_bytes=200_000)) as cache:
        assert 0 < len(cache) <= 8
        assert cache.check() == []
