"""Keys become entries, and tones get to the other side: over a real livekit-server."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from livekit import rtc

from examples.telephony.dtmf import Entry, EntryRules, Keypad, TonesProblem, send_tones, tones_of
from sim.caller import mint_caller_token

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sim.livekit_server import LocalLiveKit

SHORT = EntryRules(first_key_s=0.3, between_keys_s=0.3)


@asynccontextmanager
async def rooms(livekit: LocalLiveKit, *identities: str) -> AsyncGenerator[list[rtc.Room]]:
    """All in one room, each seeing the others."""
    name, joined = f"room-{uuid4().hex[:8]}", list[rtc.Room]()
    async with AsyncExitStack() as stack:
        for identity in identities:
            room = rtc.Room()
            await room.connect(livekit.url, mint_caller_token(livekit.api_key, livekit.api_secret, name, identity))
            stack.push_async_callback(room.disconnect)
            joined.append(room)
        while any(len(room.remote_participants) < len(joined) - 1 for room in joined):
            await asyncio.sleep(0.02)
        yield joined


async def press(room: rtc.Room, keys: str) -> None:
    await send_tones(room, keys, pause_s=0.02)


async def test_an_entry_ends_with_its_terminator_its_length_or_a_pause(livekit: LocalLiveKit) -> None:
    """One after the other from the same keys; what was pressed before it was asked for counts."""
    async with rooms(livekit, "agent", "caller") as (agent, caller):
        told: list[str] = []
        keypad = Keypad(agent, "caller", on_key=told.append)
        await press(caller, "427#12345678")
        assert await keypad.entry() == Entry("427", "terminator", complete=True)
        assert await keypad.entry(EntryRules(most_keys=5)) == Entry("12345", "length", complete=True)
        assert await keypad.entry(SHORT) == Entry("678", "timeout", complete=True)
        assert await keypad.entry(SHORT) == Entry("", "nothing", complete=False)
        assert "".join(told) == "427#12345678"
        keypad.close()


async def test_an_entry_may_be_too_short(livekit: LocalLiveKit) -> None:
    """It says so, and has what there is; without a terminator # is a key like any other."""
    async with rooms(livekit, "agent", "caller") as (agent, caller):
        keypad = Keypad(agent, "caller")
        await press(caller, "42#*#")
        assert await keypad.entry(EntryRules(least_keys=4)) == Entry("42", "terminator", complete=False)
        assert await keypad.entry(EntryRules(most_keys=2, terminator="")) == Entry("*#", "length", complete=True)
        keypad.close()


async def test_only_the_callers_keys_count(livekit: LocalLiveKit) -> None:
    """What somebody else in the room presses is not the caller's, and keys from before are left out if it is asked."""
    async with rooms(livekit, "agent", "caller", "stranger") as (agent, caller, stranger):
        keypad = Keypad(agent, "caller")
        await press(stranger, "999")
        await press(caller, "1")
        assert await keypad.entry(SHORT) == Entry("1", "timeout", complete=True)
        await press(caller, "55")
        while len(keypad.waiting) < 2:
            await asyncio.sleep(0.02)
        assert await keypad.entry(SHORT, fresh=True) == Entry("", "nothing", complete=False)
        keypad.close()


async def test_one_reader_at_a_time(livekit: LocalLiveKit) -> None:
    """Two would share the keys between them."""
    async with rooms(livekit, "agent") as (agent,):
        keypad = Keypad(agent, "caller")
        first = asyncio.create_task(keypad.entry(SHORT))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="one reader"):
            await keypad.entry(SHORT)
        assert (await first).ended_by == "nothing"
        keypad.close()


async def test_tones_have_their_codes(livekit: LocalLiveKit) -> None:
    """Each key of a telephone arrives with digit and code of RFC 4733, in order."""
    async with rooms(livekit, "agent", "phone") as (agent, phone):
        heard: list[tuple[int, str]] = []

        def note(tone: rtc.SipDTMF) -> None:
            heard.append((tone.code, tone.digit))

        phone.on("sip_dtmf_received", note)
        await send_tones(agent, "1-9 0*#AD", pause_s=0.0)
        while len(heard) < 7:
            await asyncio.sleep(0.02)
        assert heard == [(1, "1"), (9, "9"), (0, "0"), (10, "*"), (11, "#"), (12, "A"), (15, "D")]


@pytest.mark.parametrize("text", ["", "12a", "+49", "1" * 65])
def test_what_cannot_be_pressed_is_named(text: str) -> None:
    """The error has the value and what is allowed."""
    with pytest.raises(TonesProblem, match=r"tones: got .*, allowed: 1 to 64"):
        tones_of(text)


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({"most_keys": 0}, "least_keys, most_keys: got 1 and 0"),
        ({"least_keys": 9, "most_keys": 4}, "least_keys, most_keys: got 9 and 4"),
        ({"terminator": "##"}, "terminator: got '##'"),
        ({"between_keys_s": 0}, "between_keys_s: got 0"),
    ],
)
def test_rules_that_no_entry_can_meet(rules: dict[str, float], named: str) -> None:
    """They are refused with the field, what it was given and what is allowed."""
    with pytest.raises(ValueError, match=named):
        EntryRules(**rules)  # pyright: ignore[reportArgumentType]  # the wrong values are the point
