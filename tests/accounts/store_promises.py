"""What every store of accounts promises. A store's test file inherits `StorePromises` and gives it a `place`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import pytest_asyncio

from accounts.record import Account, AccountError
from accounts.store import AccountStore, Change, Key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ARABIC = "مرحباً بكم في الميناء. أهلاً {name}!"
TRAPS = (
    'yes: no\n\n---\n# not a comment\n\t"tab" \\n {name} %s \'; DROP TABLE accounts; --\n- مرفأ ⚓ 👩‍🚀 é e\u0301\n...'
)


class Place(Protocol):
    """Somewhere that accounts are kept, empty at first. It is made by the fixture `place` and cleared by it."""

    def open(self) -> AccountStore:
        """Another instance on the same place, as another process would have it. Who opens it closes it."""
        ...

    async def break_account(self, account_id: str) -> None:
        """Spoil what is kept of an account, as a hand would: an empty greeting, everything else as it was."""
        ...


def account(account_id: str = "harbour", **fields: Any) -> Account:
    """An account with the least that it needs, and with `fields`."""
    needed = {"name": account_id.title(), "instructions": f"You speak for {account_id}.", "greeting": "Hello there."}
    return Account.model_validate({"id": account_id, **needed, **fields})


def phone(number: int) -> str:
    return f"+49301{number:06d}"


async def everything(store: AccountStore) -> list[Account | AccountError]:
    return [each async for each in store.all()]


class StorePromises:
    """Each test is one promise. `remembers_use`: whether `used` decides what `common` gives first."""

    remembers_use = True

    @pytest_asyncio.fixture
    async def store(self, place: Place) -> AsyncIterator[AccountStore]:
        opened = place.open()
        yield opened
        await opened.aclose()

    @pytest_asyncio.fixture
    async def other(self, place: Place) -> AsyncIterator[AccountStore]:
        """A second instance on the same place."""
        opened = place.open()
        yield opened
        await opened.aclose()

    # ---- written and found --------------------------------------------------------------------------------

    async def test_a_store_that_was_never_written_is_empty(self, store: AccountStore) -> None:
        """It answers all questions, and its version is 0."""
        assert await store.version() == 0
        assert await store.changes(0) == []
        assert await store.find(Key("id", "harbour")) is None
        assert await store.find(Key("phone", phone(1))) is None
        assert await store.find(Key("host", "harbour.example.com")) is None
        assert await store.common(10) == []
        assert await everything(store) == []
        assert await store.delete("harbour") is False
        assert await store.version() == 0

    async def test_an_account_is_found_by_each_of_its_keys(self, store: AccountStore, other: AccountStore) -> None:
        """By id, by any of its numbers and by any of its hosts; in another instance too."""
        written = account(phone_numbers=[phone(1), phone(2)], hosts=["harbour.example.com", "xn--caf-dma.example"])
        await store.put([written, account("station", phone_numbers=[phone(3)])])
        keys = [Key("id", "harbour"), Key("phone", phone(1)), Key("phone", phone(2))]
        keys += [Key("host", "harbour.example.com"), Key("host", "xn--caf-dma.example")]
        for key in keys:
            assert await store.find(key) == written
            assert await other.find(key) == written

    async def test_a_key_is_of_one_kind(self, store: AccountStore) -> None:
        """An id that looks like a host is no host, and the other way round."""
        await store.put([account("localhost"), account("station", hosts=["harbour"])])
        assert await store.find(Key("host", "localhost")) is None
        assert await store.find(Key("id", "harbour")) is None
        assert await store.find(Key("phone", "localhost")) is None

    @pytest.mark.parametrize(
        "value",
        ["", " ", ".", "..", "../harbour", "/etc/passwd", "harbour.yaml", "Harbour", "%", "_" * 300, "' OR 1=1"],
    )
    async def test_a_key_that_no_account_can_have_finds_nobody(self, store: AccountStore, value: str) -> None:
        """Whatever a call's metadata says, it is a value to look for and nothing else."""
        await store.put([account()])
        for kind in ("id", "phone", "host"):
            assert await store.find(Key(kind, value)) is None

    async def test_every_field_comes_back_as_it_was_written(self, place: Place, store: AccountStore) -> None:
        """Each field that an account has, and texts in which a file format or a database could stumble."""
        full = account(
            name="مرفأ & Söhne: #1",
            instructions=TRAPS,
            greeting=ARABIC,
            voice="hpp4J3VqNfWAUOO0d1Us",
            language_hints=["no", "ar", "en"],
            llm_model="gpt-4o-mini",
            stt_model="stt-rt-v5",
            tts_model="eleven_flash_v2_5",
            profile="fast",
            max_tokens=120,
            max_calls=3,
            max_call_s=600.5,
            tools=["yes", "book_a_table"],
            phone_numbers=[phone(7)],
            hosts=["no", "1.2.3.4", "harbour.example.com"],
            variants={"openers": "off", "1e3": "on"},
            enabled=False,
        )
        assert {name for name in Account.model_fields if getattr(full, name) is None} == set()
        await store.put([full, account("1e3", name="null", greeting="0x10 ships. Yes?")])
        again = place.open()
        try:
            assert await again.find(Key("id", "harbour")) == full
            assert await again.find(Key("id", "1e3")) == account("1e3", name="null", greeting="0x10 ships. Yes?")
        finally:
            await again.aclose()

    async def test_writing_an_account_again_replaces_it(self, store: AccountStore) -> None:
        """Whole: what it no longer claims finds nobody, and may be another's."""
        await store.put([account(phone_numbers=[phone(1)], hosts=["old.example.com"], voice="nora")])
        await store.put([account(phone_numbers=[phone(2)], hosts=["new.example.com"])])
        assert await store.find(Key("id", "harbour")) == account(phone_numbers=[phone(2)], hosts=["new.example.com"])
        assert await store.find(Key("phone", phone(1))) is None
        assert await store.find(Key("host", "old.example.com")) is None
        await store.put([account("station", phone_numbers=[phone(1)], hosts=["old.example.com"])])
        assert await store.find(Key("phone", phone(1))) == await store.find(Key("id", "station"))

    async def test_a_deleted_account_is_gone(self, store: AccountStore, other: AccountStore) -> None:
        """With its keys; `delete` tells whether it was there."""
        await store.put([account(phone_numbers=[phone(1)]), account("station")])
        assert await store.delete("harbour") is True
        assert await store.delete("harbour") is False
        for each in (store, other):
            assert await each.find(Key("id", "harbour")) is None
            assert await each.find(Key("phone", phone(1))) is None
            assert await everything(each) == [account("station")]
        await store.put([account("station", phone_numbers=[phone(1)])])
        assert await store.find(Key("phone", phone(1))) == account("station", phone_numbers=[phone(1)])

    async def test_a_disabled_account_is_found(self, store: AccountStore) -> None:
        """Who asks decides what that means; it is never a common one."""
        await store.put([account(enabled=False, phone_numbers=[phone(1)])])
        assert await store.find(Key("phone", phone(1))) == account(enabled=False, phone_numbers=[phone(1)])
        assert await everything(store) == [account(enabled=False, phone_numbers=[phone(1)])]
        assert await store.common(10) == []

    async def test_all_are_given_in_the_order_of_their_ids(self, store: AccountStore) -> None:
        """By their characters' codes, whatever the machine's language."""
        ids = ["b", "a_b", "a-b", "ab", "a0", "a", "9", "a1b"]
        await store.put([account(each) for each in ids])
        assert await everything(store) == [account(each) for each in sorted(ids)]

    async def test_to_write_nothing_is_allowed(self, store: AccountStore) -> None:
        """It is no change."""
        await store.put([])
        assert await store.version() == 0

    async def test_accounts_may_come_from_a_generator(self, store: AccountStore) -> None:
        """They are read once."""
        await store.put(account(each) for each in ("harbour", "station"))
        assert len(await everything(store)) == 2

    async def test_a_thousand_accounts(self, store: AccountStore, other: AccountStore) -> None:
        """Written in one go, found one by one, and changed one by one."""
        many = [
            account(f"a{n:04d}", instructions=f"{n} " * 300, phone_numbers=[phone(n)], hosts=[f"h{n}.example.com"])
            for n in range(1000)
        ]
        await store.put(many)
        assert await everything(other) == many
        for n in range(0, 1000, 97):
            assert await store.find(Key("phone", phone(n))) == many[n]
            assert await other.find(Key("host", f"h{n}.example.com")) == many[n]
        assert len(await store.common(100)) == 100
        before = await other.version()
        await store.put([many[500].model_copy(update={"name": "New"})])
        assert [each.account_id for each in await other.changes(before)] == ["a0500"]

    async def test_many_ask_at_once(self, store: AccountStore) -> None:
        """Each gets what it asked for."""
        await store.put([account(f"a{n}", phone_numbers=[phone(n)]) for n in range(20)])
        found = await asyncio.gather(*(store.find(Key("phone", phone(n % 25))) for n in range(100)))
        assert [each.id if each else None for each in found] == [
            f"a{n % 25}" if n % 25 < 20 else None for n in range(100)
        ]

    async def test_a_question_that_is_given_up_harms_no_other(self, store: AccountStore) -> None:
        """A caller hangs up while the store is asked: the next questions are answered."""
        await store.put([account()])
        for turns in range(6):
            asked = [asyncio.create_task(store.find(Key("id", "harbour"))) for _ in range(4)]
            for _ in range(turns):
                await asyncio.sleep(0)
            for each in asked[:2]:
                each.cancel()
            done = await asyncio.gather(*asked, return_exceptions=True)
            assert done[2:] == [account()] * 2
            assert await store.find(Key("id", "harbour")) == account()

    async def test_closing_twice_is_allowed(self, place: Place) -> None:
        """Used or not."""
        for used in (False, True):
            opened = place.open()
            if used:
                await opened.version()
            await opened.aclose()
            await opened.aclose()

    # ---- changes ------------------------------------------------------------------------------------------

    async def test_each_change_is_told_once_with_a_growing_version(self, store: AccountStore) -> None:
        """Oldest first, an account that was written twice only with its newest version."""
        await store.put([account("harbour")])
        first = await store.version()
        await store.put([account("station")])
        await store.put([account("airport")])
        await store.put([account("station", name="Central")])
        told = await store.changes(first)
        assert [each.account_id for each in told] == ["airport", "station"]
        versions = [each.version for each in told]
        assert versions == sorted(set(versions))
        assert first < versions[0]
        assert versions[-1] == await store.version()
        assert await store.changes(versions[0]) == told[1:]
        assert await store.changes(versions[-1]) == []
        assert {each.account_id for each in await store.changes(0)} == {"harbour", "station", "airport"}

    async def test_a_deletion_is_a_change(self, store: AccountStore) -> None:
        """And so is its coming back."""
        await store.put([account("harbour"), account("station")])
        before = await store.version()
        await store.delete("harbour")
        gone = await store.version()
        assert await store.changes(before) == [Change("harbour", gone)]
        assert before < gone
        await store.put([account("harbour")])
        assert await store.changes(gone) == [Change("harbour", await store.version())]

    async def test_what_changes_nothing_is_no_change(self, store: AccountStore) -> None:
        """To delete what is not there, and to count calls."""
        await store.put([account()])
        before = await store.version()
        await store.delete("nobody")
        await store.used({"harbour": 3})
        assert await store.version() == before
        assert await store.changes(before) == []

    async def test_what_another_instance_writes_is_told(self, store: AccountStore, other: AccountStore) -> None:
        """A poll sees what another process wrote; versions are counted from the instance's own."""
        await store.put([account("harbour"), account("station"), account("airport")])
        before = await other.version()
        await store.put([account("station", name="Central")])
        await store.delete("airport")
        assert {each.account_id for each in await other.changes(before)} == {"station", "airport"}
        assert await other.find(Key("id", "station")) == account("station", name="Central")
        before = await store.version()
        await other.put([account("harbour", name="Port")])
        assert [each.account_id for each in await store.changes(before)] == ["harbour"]
        assert await store.find(Key("id", "harbour")) == account("harbour", name="Port")

    # ---- what two accounts cannot both have ---------------------------------------------------------------

    @pytest.mark.parametrize(
        ("field", "value"), [("phone_numbers", phone(1)), ("hosts", "harbour.example.com")], ids=["phone", "host"]
    )
    async def test_what_another_account_has_is_refused(self, store: AccountStore, field: str, value: str) -> None:
        """The error names account, field, value and owner; nothing of the whole batch is written."""
        await store.put([account("harbour", **{field: [value]}), account("station")])
        before = await store.version()
        batch = [account("airport"), account("station", name="New", **{field: [value]}), account("zoo")]
        with pytest.raises(AccountError) as refused:
            await store.put(batch)
        assert refused.value.account == "station"
        assert len(refused.value.problems) == 1
        for word in (field, value, "harbour"):
            assert word in refused.value.problems[0]
        assert await everything(store) == [account("harbour", **{field: [value]}), account("station")]
        assert await store.version() == before
        assert await store.changes(before) == []
        await store.put([account("airport")])

    async def test_two_of_one_batch_cannot_have_the_same(self, store: AccountStore) -> None:
        """A number, a host or an id."""
        for batch in (
            [account("harbour", phone_numbers=[phone(1)]), account("station", phone_numbers=[phone(1)])],
            [account("harbour", hosts=["a.example.com"]), account("station", hosts=["a.example.com"])],
            [account("harbour"), account("station"), account("harbour", name="Again")],
        ):
            with pytest.raises(AccountError):
                await store.put(batch)
            assert await everything(store) == []
        assert await store.version() == 0

    async def test_numbers_may_change_hands_in_one_batch(self, store: AccountStore) -> None:
        """In whatever order the accounts are given."""
        for order in (1, -1):
            await store.put(
                [account("harbour", phone_numbers=[phone(1)]), account("station", phone_numbers=[phone(2)])]
            )
            swapped = [account("harbour", phone_numbers=[phone(2)]), account("station", phone_numbers=[phone(1)])]
            await store.put(swapped[::order])
            assert await everything(store) == swapped
            assert await store.find(Key("phone", phone(1))) == swapped[1]
            await store.put([account("harbour"), account("station", phone_numbers=[phone(1), phone(2)])][::order])
            await store.put([account("harbour", phone_numbers=[phone(2)]), account("station")][::order])
            assert await store.find(Key("phone", phone(2))) == account("harbour", phone_numbers=[phone(2)])
            assert await store.find(Key("phone", phone(1))) is None

    async def test_two_instances_write_at_once(self, store: AccountStore, other: AccountStore) -> None:
        """What does not collide is all there afterwards."""
        writes = [
            each.put([account(f"{name}{n}", phone_numbers=[phone(base + n)])])
            for name, base, each in (("a", 0, store), ("b", 50, other))
            for n in range(10)
        ]
        await asyncio.gather(*writes)
        ids = sorted([f"a{n}" for n in range(10)] + [f"b{n}" for n in range(10)])
        for each in (store, other):
            assert [one.id for one in await everything(each) if isinstance(one, Account)] == ids

    async def test_of_two_who_want_the_same_number_one_gets_it(self, store: AccountStore, other: AccountStore) -> None:
        """At the same moment, in two instances: the other is refused, and both see the same owner."""
        for n in range(8):
            done = await asyncio.gather(
                store.put([account(f"a{n}", phone_numbers=[phone(n)])]),
                other.put([account(f"b{n}", phone_numbers=[phone(n)])]),
                return_exceptions=True,
            )
            assert sorted(type(each).__name__ for each in done) == ["AccountError", "NoneType"]
            owner = account(f"{'a' if done[0] is None else 'b'}{n}", phone_numbers=[phone(n)])
            assert await store.find(Key("phone", phone(n))) == owner
            assert await other.find(Key("phone", phone(n))) == owner
        assert len(await everything(store)) == 8

    async def test_of_two_who_write_the_same_account_one_is_last(
        self, store: AccountStore, other: AccountStore
    ) -> None:
        """Never a mixture of both; what the other claimed is free."""
        for n in range(8):
            mine = account(name="Mine", phone_numbers=[phone(2 * n)])
            theirs = account(name="Theirs", phone_numbers=[phone(2 * n + 1)])
            await asyncio.gather(store.put([mine]), other.put([theirs]))
            last = await store.find(Key("id", "harbour"))
            assert last in (mine, theirs)
            assert await other.find(Key("id", "harbour")) == last
            assert [
                await store.find(Key("phone", phone(2 * n))),
                await store.find(Key("phone", phone(2 * n + 1))),
            ] == [mine if last == mine else None, theirs if last == theirs else None]

    # ---- what is broken -----------------------------------------------------------------------------------

    async def test_a_broken_account_hides_no_other(self, place: Place, store: AccountStore) -> None:
        """Who asks for it is told so, by its number too; all others are as they were."""
        three = [account(each, phone_numbers=[phone(n)]) for n, each in enumerate(("airport", "harbour", "station"))]
        await store.put(three)
        before = await store.version()
        await place.break_account("harbour")
        for key in (Key("id", "harbour"), Key("phone", phone(1))):
            with pytest.raises(AccountError) as broken:
                await store.find(key)
            assert broken.value.account == "harbour"
            assert len(broken.value.problems) == 1
            assert "greeting" in broken.value.problems[0]
        assert await store.find(Key("phone", phone(0))) == three[0]
        told = await everything(store)
        assert [told[0], told[2]] == [three[0], three[2]]
        assert isinstance(told[1], AccountError)
        assert told[1].account == "harbour"
        assert await store.common(10) == [three[0], three[2]]
        assert before <= await store.version()

    async def test_a_broken_account_can_be_written_anew(self, place: Place, store: AccountStore) -> None:
        """Its keys are its own until then, and free when it is deleted."""
        await store.put([account(phone_numbers=[phone(1)])])
        await place.break_account("harbour")
        await store.put([account(name="Healed", phone_numbers=[phone(1)])])
        assert await store.find(Key("phone", phone(1))) == account(name="Healed", phone_numbers=[phone(1)])
        await place.break_account("harbour")
        await store.put([account("station")])
        assert await store.delete("harbour") is True
        assert await everything(store) == [account("station")]
        await store.put([account("station", phone_numbers=[phone(1)])])

    # ---- the common ones ----------------------------------------------------------------------------------

    async def test_the_common_accounts_are_as_many_as_asked_for(self, store: AccountStore) -> None:
        """At most; enabled ones only."""
        await store.put([account(f"a{n}", enabled=n != 1) for n in range(5)])
        assert {each.id for each in await store.common(10)} == {"a0", "a2", "a3", "a4"}
        assert len(await store.common(2)) == 2
        assert await store.common(0) == []

    async def test_what_is_used_most_comes_first(self, store: AccountStore, other: AccountStore) -> None:
        """Counts add up, over instances and writes; an id that is not there is passed over."""
        await store.put([account(f"a{n}") for n in range(5)])
        await store.used({"a3": 2, "nobody": 9})
        await other.used({"a3": 2, "a1": 3})
        await store.used({"a4": 1})
        await store.used({})
        await store.put([account("a3", name="New")])
        first = [each.id for each in await other.common(3)]
        assert len(first) == 3
        if self.remembers_use:
            assert first == ["a3", "a1", "a4"]
