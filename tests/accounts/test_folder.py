"""A folder of YAML files as a store: what all stores promise, and what people do to files."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from typing import TYPE_CHECKING

import pytest

from accounts.folder import LOCK, FolderStore
from accounts.record import Account, AccountError, parse_account, to_values
from accounts.store import Key, StoreError
from tests.accounts.store_promises import StorePromises, account, everything
from utils.yaml_text import load

if TYPE_CHECKING:
    from pathlib import Path

GOOD = b"name: Harbour\ninstructions: Speak.\ngreeting: Hello.\n"


class Folder:
    """A place for the promises."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> FolderStore:
        return FolderStore(self.path)

    async def break_account(self, account_id: str) -> None:
        file = self.path / f"{account_id}.yaml"
        content = file.read_text(encoding="utf-8")
        assert "greeting: Hello there.\n" in content
        file.write_text(content.replace("greeting: Hello there.\n", 'greeting: ""\n'), encoding="utf-8")


@pytest.fixture
def place(tmp_path: Path) -> Folder:
    path = tmp_path / "accounts"
    path.mkdir()
    return Folder(path)


class TestFolderStore(StorePromises):
    """A folder passes all promises of a store but one: it does not count calls."""

    remembers_use = False

    # ---- what people do to files --------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("file", "content", "problem"),
        [
            ("harbour.yaml", b"greeting: [\n", "harbour.yaml:2: not readable as YAML: did not find expected node"),
            ("harbour.yaml", b"name: a\nname: b\n", "harbour.yaml:2: name: stands twice, in line 1 too"),
            ("harbour.yaml", b"\xff\xfe\x00", "harbour.yaml: not readable (UnicodeDecodeError); allowed: UTF-8 text"),
            ("harbour.yaml", b"", "harbour.yaml: has 0 records, allowed: one a file"),
            ("harbour.yaml", b"a: 1\n---\na: 1\n", "harbour.yaml: has 2 records, allowed: one a file"),
            ("harbour.yaml", b"Hello\n", "harbour.yaml:1: got str, allowed: one `field: value` for each field"),
            ("harbour.yaml", b"#\n" + GOOD + b"voice: a b\n", "harbour.yaml:5: voice: got 'a b', allowed: a voice id"),
            ("harbour.yaml", b"#\n" + GOOD + b"voise: x\n", "harbour.yaml:5: 'voise': unknown; allowed: id, name,"),
            ("harbour.yaml", b"id: other\n" + GOOD, "harbour.yaml:1: id: got 'other', allowed: harbour, as which"),
            (
                "harbour.yaml",
                b"#\n\nname: A\ngreeting: Hi.",
                "harbour.yaml:3: instructions: missing; it has to be there",
            ),
            ("harbour.yaml", b"#" * 200_000, "harbour.yaml: 200000 bytes; allowed: at most 131072"),
            ("harbour.yaml", b"a: " + b"[" * 60_000, "harbour.yaml:1: not readable as YAML: nested deeper than"),
            ("harbour.yml", GOOD, "harbour.yml: got this name, allowed: an account's id and then .yaml"),
            ("Harbour.YAML", GOOD, "Harbour.YAML: got this name, allowed: an account's id and then .yaml"),
        ],
        ids=range(14),
    )
    async def test_a_file_that_is_no_record_is_told(
        self, place: Folder, store: FolderStore, file: str, content: bytes, problem: str
    ) -> None:
        """File, line, field, in one line; no other account is hidden by it."""
        (place.path / "airport.yaml").write_bytes(GOOD)
        (place.path / file).write_bytes(content)
        told = await everything(store)
        broken = [each for each in told if isinstance(each, AccountError)]
        assert len(broken) == 1
        assert len(broken[0].problems) == 1
        assert broken[0].problems[0].startswith(problem)
        assert [each.id for each in told if isinstance(each, Account)] == ["airport"]
        assert await store.find(Key("id", "airport")) is not None

    async def test_an_edited_file_is_read_again(self, place: Folder, store: FolderStore) -> None:
        """By each question: edited in place to the same length, replaced, moved, removed, put there."""
        file = place.path / "harbour.yaml"
        for n in range(10):
            file.write_bytes(GOOD.replace(b"Harbour", b"Harbor%d" % n))
            found = await store.find(Key("id", "harbour"))
            assert found is not None
            assert found.name == f"Harbor{n}"
        before = await store.version()
        (place.path / "new.tmp").write_bytes(GOOD.replace(b"Harbour", b"Harbor7"))
        (place.path / "new.tmp").replace(file)
        assert (await store.find(Key("id", "harbour"))) == parse_account(
            {"name": "Harbor7", "instructions": "Speak.", "greeting": "Hello."}, kept_as="harbour"
        )
        file.rename(place.path / "station.yaml")
        assert await store.find(Key("id", "harbour")) is None
        assert await store.find(Key("id", "station")) is not None
        assert [each.account_id for each in await store.changes(before)] == ["harbour", "station"]
        (place.path / "station.yaml").unlink()
        assert await everything(store) == []

    async def test_a_file_written_twice_in_one_tick_is_read_again(self, place: Folder, store: FolderStore) -> None:
        """Some clocks of files tick each 2 s: what is that new is not trusted to be what it was."""
        file = place.path / "harbour.yaml"
        file.write_bytes(GOOD)
        assert await store.find(Key("id", "harbour")) is not None
        written = file.stat()
        file.write_bytes(GOOD.replace(b"Harbour", b"Station"))
        os.utime(file, ns=(written.st_atime_ns, written.st_mtime_ns))
        found = await store.find(Key("id", "harbour"))
        assert found is not None
        assert found.name == "Station"

    async def test_a_settled_file_is_read_once(self, place: Folder, store: FolderStore) -> None:
        """What has the same time, length and place as before is what it was: a look at it costs no reading."""
        file = place.path / "harbour.yaml"
        file.write_bytes(GOOD)
        os.utime(file, (1_000_000, 1_000_000))
        first = await store.find(Key("id", "harbour"))
        with file.open("r+b") as opened:
            opened.write(b"#")  # in place, and its time set back: nobody could tell
        os.utime(file, (1_000_000, 1_000_000))
        assert await store.find(Key("id", "harbour")) is first
        os.utime(file, (1_000_001, 1_000_001))
        with pytest.raises(AccountError, match=r"harbour\.yaml:"):
            await store.find(Key("id", "harbour"))

    async def test_a_touched_file_is_no_change(self, place: Folder, store: FolderStore) -> None:
        """Nor is a comment: what counts is the account."""
        file = place.path / "harbour.yaml"
        file.write_bytes(GOOD)
        before = await store.version()
        file.touch()
        assert await store.version() == before
        file.write_bytes(b"# mine\n" + GOOD)
        assert await store.version() == before
        assert await store.changes(before) == []

    async def test_of_two_files_with_the_same_number_the_first_by_id_has_it(
        self, place: Folder, store: FolderStore
    ) -> None:
        """The other is told, with file, field and owner; it is well again when the first lets go."""
        claim = b'phone_numbers: ["+493012345678"]\n'
        (place.path / "station.yaml").write_bytes(GOOD + claim)
        assert await store.find(Key("phone", "+493012345678")) is not None
        before = await store.version()
        (place.path / "harbour.yaml").write_bytes(GOOD + claim)
        first = await store.find(Key("phone", "+493012345678"))
        assert first is not None
        assert first.id == "harbour"
        with pytest.raises(AccountError) as later:
            await store.find(Key("id", "station"))
        assert later.value.problems == [
            "station.yaml: phone_numbers: got '+493012345678', allowed: what no other account has; it is harbour's"
        ]
        # The station's file is as it was, but the station is not.
        assert [each.account_id for each in await store.changes(before)] == ["harbour", "station"]
        with pytest.raises(AccountError, match="it is harbour's"):
            await store.put([account("airport", phone_numbers=["+493012345678"])])
        assert await store.delete("harbour")
        again = await store.find(Key("phone", "+493012345678"))
        assert again is not None
        assert again.id == "station"

    async def test_nothing_outside_of_the_folder_is_read_or_written(
        self, place: Folder, store: FolderStore, tmp_path: Path
    ) -> None:
        """Neither by a link nor by an id; a link that stays inside is how Kubernetes mounts a folder."""
        outside = tmp_path / "outside.yaml"
        outside.write_bytes(GOOD)
        (place.path / "harbour.yaml").symlink_to(outside)
        (place.path / "station.yaml").symlink_to("../outside.yaml")
        (place.path / "loop.yaml").symlink_to("loop.yaml")
        (place.path / "folder.yaml").mkdir()
        os.mkfifo(place.path / "pipe.yaml")
        (place.path / "..data").mkdir()
        (place.path / "..data" / "inside.yaml").write_bytes(GOOD)
        (place.path / "inside.yaml").symlink_to("..data/inside.yaml")
        told = {each.account if isinstance(each, AccountError) else each.id: each for each in await everything(store)}
        assert isinstance(told.pop("inside"), Account)
        assert {name: str(each).partition(": ")[2] for name, each in told.items()} == {
            "harbour": "harbour.yaml: a link that leads out of the folder; allowed: a file in it",
            "station": "station.yaml: a link that leads out of the folder; allowed: a file in it",
            "loop": "loop.yaml: not readable (OSError); allowed: UTF-8 text",
            "folder": "folder.yaml: not a file; allowed: a file",
            "pipe": "pipe.yaml: not a file; allowed: a file",
        }
        for name in ("../outside", "..", "x/../../outside", str(outside.with_suffix(""))):
            assert await store.find(Key("id", name)) is None
            assert await store.delete(name) is False
            with pytest.raises(AccountError, match="not an id"):
                await store.put([account().model_copy(update={"id": name})])
        # To write the account puts a file in the place of its link.
        await store.put([account()])
        assert outside.read_bytes() == GOOD
        assert await store.find(Key("id", "harbour")) == account()
        assert await store.delete("station") is True
        assert outside.exists()

    async def test_what_is_not_changed_keeps_its_file(self, place: Folder, store: FolderStore) -> None:
        """With the comments that people wrote into it, and its rights."""
        file = place.path / "harbour.yaml"
        file.write_bytes(b"# mine\n" + GOOD)
        file.chmod(0o640)
        same = await store.find(Key("id", "harbour"))
        assert same is not None
        await store.put([same, account("station")])
        assert file.read_bytes() == b"# mine\n" + GOOD
        await store.put([account(name="New")])
        assert load(file.read_text(encoding="utf-8"))[0].value == to_values(account(name="New"))
        assert stat.S_IMODE(file.stat().st_mode) == 0o640

    async def test_a_write_that_fails_leaves_all_as_it_was(self, place: Folder, store: FolderStore) -> None:
        """A batch whose last account cannot be a file, because a folder is in its place; nothing is left over."""
        await store.put([account()])
        (place.path / "station.yaml").mkdir()
        with pytest.raises(AccountError, match="not an id"):
            await store.put([account(name="New"), account("airport"), account("x").model_copy(update={"id": "x/y"})])
        with pytest.raises(StoreError, match="not written"):
            await store.put([account("station")])
        assert await store.find(Key("id", "harbour")) == account()
        assert sorted(each.name for each in place.path.iterdir()) == [
            ".accounts.lock",
            "harbour.yaml",
            "station.yaml",
        ]

    async def test_what_a_dead_writer_left_is_cleared(self, place: Folder, store: FolderStore) -> None:
        """It was never seen as an account."""
        left = place.path / ".harbour-1234abcd.tmp"
        left.write_bytes(GOOD)
        assert await everything(store) == []
        await store.put([account("station")])
        assert not left.exists()

    async def test_a_folder_that_is_not_there_does_not_look_empty(self, tmp_path: Path) -> None:
        """A drive that is gone is a failing store, not one without accounts; `put` makes the folder."""
        path = tmp_path / "later" / "accounts"
        store = FolderStore(path)
        with pytest.raises(StoreError, match="later/accounts: not readable"):
            await store.find(Key("id", "harbour"))
        assert await store.delete("harbour") is False
        await store.put([account()])
        assert await store.find(Key("id", "harbour")) == account()
        path.rename(tmp_path / "gone")
        with pytest.raises(StoreError):
            await store.changes(0)
        (tmp_path / "gone").rename(path)
        assert await store.find(Key("id", "harbour")) == account()
        await store.aclose()

    async def test_a_writer_waits_for_another_process_and_not_for_ever(
        self, place: Folder, store: FolderStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who holds the folder's lock too long makes it a `StoreError`; readers do not notice."""
        await store.put([account()])
        holder = sqlite3.connect(place.path / LOCK, isolation_level=None)
        try:
            holder.execute("BEGIN EXCLUSIVE")
            monkeypatch.setattr("accounts.folder.LOCK_LIMIT_S", 0.1)
            with pytest.raises(StoreError, match="not written"):
                await store.put([account("station")])
            assert await store.find(Key("id", "harbour")) == account()
        finally:
            holder.close()
        await store.put([account("station")])
        assert len(await everything(store)) == 2

    async def test_a_reader_never_sees_half_a_file(self, store: FolderStore, other: FolderStore) -> None:
        """While an account is written again and again, each answer is one of its states."""
        states = [account(instructions=f"{n} " * 2000, name=f"State {n}") for n in range(20)]
        await store.put([states[0]])
        writing = asyncio.create_task(_write_all(store, states))
        seen: set[str] = set()
        while not writing.done():
            found = await other.find(Key("id", "harbour"))
            assert found in states
            seen.add(found.name)
        await writing
        assert await other.find(Key("id", "harbour")) == states[-1]
        assert seen


async def _write_all(store: FolderStore, states: list[Account]) -> None:
    for each in states:
        await store.put([each])
