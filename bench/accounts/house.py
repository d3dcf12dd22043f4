"""The accounts of the benchmark: as many as wanted, alike in size, each with words of its own. Pure."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from accounts.record import parse_account
from accounts.store import Key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from accounts.record import Account

DEFAULT_GREETING = "Hello, you have reached the switchboard. What can I do?"
DEFAULT_INSTRUCTIONS = "You are the switchboard. Be brief."
OPENING_HOURS, TAKE_MESSAGE, BOOK_TABLE = "opening_hours", "take_message", "book_table"
TOOLS = (OPENING_HOURS, TAKE_MESSAGE, BOOK_TABLE)
"""All that the agent can do; an account allows some of them."""

VOICES = 40
ARABIC_EVERY = 10
INSTRUCTIONS_CHARS = 1500

_FIRST = (
    *("Amber", "Azure", "Brave", "Brisk", "Coral", "Crisp", "Dandy", "Eager", "Early", "Fancy"),
    *("Fresh", "Giant", "Grand", "Green", "Happy", "Hardy", "Ivory", "Jolly", "Juicy", "Kingly"),
    *("Lemon", "Light", "Lucky", "Magic", "Maple", "Merry", "Misty", "Noble", "North", "Ocean"),
    *("Olive", "Pearl", "Polar", "Proud", "Quiet", "Rapid", "River", "Royal", "Sandy", "Sunny"),
)
_SECOND = (
    *("Bakery", "Barber", "Bistro", "Bridge", "Castle", "Cellar", "Clinic", "Corner", "Dental", "Dinner"),
    *("Flower", "Garage", "Garden", "Grocer", "Harbor", "Hostel", "Kettle", "Market", "Museum", "Pantry"),
    *("Sailor", "School", "Studio", "Tailor", "Temple"),
)
_FIRST_AR = ("السعيد", "الجديد", "الكبير", "الأخضر", "الأزرق", "القديم", "الجميل", "الهادئ", "الذهبي", "الملكي")
_SECOND_AR = ("مطعم", "مخبز", "متجر", "فندق", "مقهى", "مكتب", "متحف", "معهد", "مركز", "مسرح")
_DUTIES = (
    "Answer in one or two short sentences, as people speak, and never in a list.",
    "If somebody asks for {name}, say that {name} is in the old town, beside the church.",
    "Take a message for {name} whenever you do not know the answer.",
    "Never speak of another business than {name}, and promise nothing that {name} has not promised.",
    "Ask one question at a time, and repeat names and numbers before you end the call.",
)
_TOOLS_OF: tuple[tuple[str, ...] | None, ...] = (None, (), (OPENING_HOURS,), (OPENING_HOURS, TAKE_MESSAGE))

MOST_ACCOUNTS = len(_FIRST) * len(_SECOND)


def house(count: int) -> tuple[Account, ...]:
    """The first `count` accounts. Raises ValueError for more than there are names."""
    if not 1 <= count <= MOST_ACCOUNTS:
        raise ValueError(f"got {count}, allowed: 1 to {MOST_ACCOUNTS}")
    return tuple(_account(number) for number in range(count))


def account_id(number: int) -> str:
    """The id of the account with this number, from 0 on."""
    return f"shop-{number:04d}"


def key_of(account: Account) -> Key:
    return Key("id", account.id)


def changed(account: Account) -> Account:
    """The same business with a new greeting, other instructions and another voice."""
    number = int(account.id.rpartition("-")[2])
    return account.model_copy(
        update={
            "greeting": f"Good day, {account.name} has moved. Where shall I send you?",
            "instructions": instructions(f"{account.name} in its new house"),
            "voice": voice(number + 1),
        }
    )


def instructions(name: str) -> str:
    """INSTRUCTIONS_CHARS of them."""
    parts = itertools.chain([f"You answer the phone of {name}."], (each.format(name=name) for each in _endless()))
    text = ""
    while len(text) < INSTRUCTIONS_CHARS:
        text += f"{next(parts)} "
    return f"{text[: INSTRUCTIONS_CHARS - 1]}."


def voice(number: int) -> str:
    return f"voice{number % VOICES:02d}"


def tools_of(account: Account) -> tuple[str, ...]:
    """What its agent may call, in the order of their names."""
    return tuple(sorted(TOOLS if account.tools is None else account.tools))


def by_instructions(accounts: Sequence[Account]) -> Mapping[str, Account]:
    """Who it is that an LLM is told to be."""
    return {account.instructions: account for account in accounts}


def _endless() -> itertools.cycle[str]:
    return itertools.cycle(_DUTIES)


def _account(number: int) -> Account:
    name = f"{_FIRST[number % len(_FIRST)]} {_SECOND[number // len(_FIRST) % len(_SECOND)]}"
    return parse_account(
        {
            "id": account_id(number),
            "name": name,
            "instructions": instructions(name),
            "greeting": _greeting(number, name),
            "voice": voice(number),
            "tools": _TOOLS_OF[number % len(_TOOLS_OF)],
            "phone_numbers": (f"+4930{number:07d}",),
            "hosts": (f"{account_id(number)}.example.com",),
        }
    )


def _greeting(number: int, name: str) -> str:
    if number % ARABIC_EVERY != ARABIC_EVERY - 1:
        return f"Welcome to {name}. How can we help you today?"
    place = number // ARABIC_EVERY
    first = _FIRST_AR[place % len(_FIRST_AR)]
    second = _SECOND_AR[place // len(_FIRST_AR) % len(_SECOND_AR)]
    return f"أهلا بكم في {second} {first}. كيف يمكننا مساعدتكم اليوم؟"
