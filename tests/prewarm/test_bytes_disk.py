"""A folder of bytes: nothing else goes in, and nothing else comes out."""

from __future__ import annotations

import pickle
from contextlib import closing
from pathlib import Path
from typing import Any

import diskcache
import pytest

from prewarm.bytes_disk import BytesDisk, open_folder

MB = 1 << 20


class Trap:
    """Whoever unpickles it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_bytes_come_back_as_they_were(tmp_path: Path) -> None:
    """Short ones, long ones and none at all; also after the folder was closed and opened again."""
    written = {"a": b"", "b": b"short", "c": bytes(range(256)) * 2000}
    with closing(open_folder(tmp_path / "new" / "folder", size_limit_bytes=MB)) as cache:
        for name, value in written.items():
            cache.set(name, value)
    with closing(open_folder(tmp_path / "new" / "folder", size_limit_bytes=MB)) as cache:
        assert {name: cache.get(name) for name in written} == written
        assert cache.get("d") is None


@pytest.mark.parametrize("value", ["text", 1, 1.5, None, [b"list"], bytearray(b"x")], ids=str)
def test_only_bytes_are_taken(tmp_path: Path, value: object) -> None:
    """Anything else is an error that names the kind and what is allowed."""
    with closing(open_folder(tmp_path, size_limit_bytes=MB)) as cache:
        with pytest.raises(TypeError, match=f"got a {type(value).__name__}, allowed: bytes"):
            cache.set("a", value)
        with pytest.raises(TypeError, match="allowed: str"):
            cache.set(("a", 1), b"x")
        assert len(cache) == 0


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    """A pickle that somebody put into the folder, as a value or as a key, is an error, and its code does not run."""
    mark, folder = tmp_path / "mark", tmp_path / "folder"
    with closing(diskcache.Cache(str(folder))) as hostile:
        hostile.set("value", Trap(mark))
        hostile.set("large", [Trap(mark), "x" * MB])
        hostile.set(Trap(mark), b"key")
        hostile.set("text", "a text")
        hostile.get("value")
        assert mark.exists(), "the trap does not work"
        mark.unlink()
    with closing(open_folder(folder, size_limit_bytes=10 * MB)) as cache:
        for name in ("value", "large", "text"):
            with pytest.raises(ValueError, match="allowed: bytes"):
                cache.get(name)
        with pytest.raises(ValueError, match="allowed: text"):
            list(cache)
    assert not mark.exists()


def test_a_pickled_key_is_refused_by_itself(tmp_path: Path) -> None:
    """The disk says so without a cache around it."""
    with pytest.raises(ValueError, match="got something pickled"):
        BytesDisk(str(tmp_path)).get(pickle.dumps("key"), raw=False)


def test_the_folder_stays_bounded_and_keeps_what_is_used(tmp_path: Path) -> None:
    """Thirty times the limit goes in: the files stay near it, and what was asked for in between is still there."""
    limit, value = 300_000, bytes(50_000)
    with closing(open_folder(tmp_path, size_limit_bytes=limit)) as cache:
        cache.set("used", value)
        for number in range(180):
            cache.set(f"greeting {number}", value)
            assert cache.get("used") == value
        assert cache.get("greeting 179") == value
        assert cache.get("greeting 0") is None
        assert cache.volume() < limit + 2 * len(value)
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) < limit + 2 * len(value)
