"""One account: everything that a business says about its calls, checked once when it comes in."""

from __future__ import annotations

import re
from collections.abc import Mapping  # pydantic reads it from the annotation
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from utils.greeting_text import GreetingTextError, split_greeting
from utils.settings_problems import readable

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

MOST_CHARS_INSTRUCTIONS = 8000
MOST_CHARS_GREETING = 500
MOST_KEYS = 200  # numbers, and hosts: what belongs to one business, and small beside its texts

_ID = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_PHONE = re.compile(r"\+[1-9][0-9]{4,14}")
_HOST = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_TOOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_VOICE = re.compile(r"[A-Za-z0-9_-]{1,64}")  # it becomes a part of a URL's path
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,119}")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and newline
_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_MODEL_ALLOWED = "allowed: a model's name, of letters, digits and . _ : / @ -"
_ALLOWED = {
    "id": "allowed: 1 to 64 of a-z, 0-9, - and _, the first and last a letter or digit",
    "name": "allowed: a text of 1 to 120 characters in one line",
    "voice": "allowed: a voice id, 1 to 64 letters, digits, - and _",
    "language_hints": "allowed: a list of ISO 639-1 codes in lower case, such as ar or en",
    "llm_model": _MODEL_ALLOWED,
    "stt_model": _MODEL_ALLOWED,
    "tts_model": _MODEL_ALLOWED,
    "profile": "allowed: fast, steady or production",
    "tools": "allowed: a list of names of the agent's function tools; an empty one for none",
    "phone_numbers": f"allowed: a list of up to {MOST_KEYS} numbers in E.164 without spaces, such as +493012345678",
    "hosts": f"allowed: a list of up to {MOST_KEYS} host names in lower case, such as harbour.example.com",
    "variants": "allowed: names of experiments, each with the name of a variant",
}
"""What a field takes, where pydantic's own words would not do."""


SERVICE_SETTINGS = {
    "voice": "tts_voice",
    "language_hints": "language_hints",
    "llm_model": "llm_model",
    "stt_model": "stt_model",
    "tts_model": "tts_model",
    "profile": "profile",
    "max_tokens": "max_tokens",
}
"""Fields of a record that stand for a setting of the service, and that setting."""


class AccountError(ValueError):
    """A record that cannot be used; `problems` has one readable line a field."""

    def __init__(self, account: str, problems: list[str]) -> None:
        super().__init__("\n".join(f"account {account}: {problem}" for problem in problems))
        self.account = account
        self.problems = problems


def _matching(pattern: re.Pattern[str]) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError("its text is not of this form")  # told in the words of _ALLOWED
        return value

    return AfterValidator(check)


def _each_once(values: tuple[T, ...]) -> tuple[T, ...]:
    for place, value in enumerate(values):
        if value in values[:place]:
            raise ValueError(f"allowed: each once, and {value} is there twice")
    return values


def _one_line(value: str) -> str:
    if _NOT_IN_A_LINE.search(value):
        raise ValueError("more than a line")
    return value


def _text(value: str) -> str:
    plain = value.replace("\r\n", "\n")
    # No voice says them, no prompt needs them, and PostgreSQL refuses the first of them.
    if strange := _CONTROL.search(plain):
        raise ValueError(f"allowed: text without control characters, and U+{ord(strange[0]):04X} is in it")
    return plain


def _greeting(value: str) -> str:
    try:
        split_greeting(value)
    except GreetingTextError as error:
        raise ValueError(f"allowed: {error.allowed}") from None
    return value


_AS_LIST = Field(strict=False)  # YAML and JSON have no tuples
_ONCE = AfterValidator(_each_once)

AccountId = Annotated[str, _matching(_ID)]
PhoneNumber = Annotated[str, _matching(_PHONE)]
HostName = Annotated[str, _matching(_HOST)]
Language = Annotated[str, _matching(_LANGUAGE)]
ToolName = Annotated[str, _matching(_TOOL)]
Voice = Annotated[str, _matching(_VOICE)]
Model = Annotated[str, _matching(_MODEL)]
Label = Annotated[str, _matching(_LABEL)]


class Account(BaseModel):
    """What is left out (None) is the service's own setting. Immutable; equal if every field is. It holds no secret."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True
    )

    id: AccountId = Field(description="Its name in the store, in metadata and in reports.")
    name: Annotated[str, AfterValidator(_one_line)] = Field(
        min_length=1, max_length=120, description="What people call it."
    )
    instructions: Annotated[str, AfterValidator(_text)] = Field(
        min_length=1, max_length=MOST_CHARS_INSTRUCTIONS, description="What the agent is told about its part."
    )
    greeting: Annotated[str, AfterValidator(_text), AfterValidator(_greeting)] = Field(
        min_length=1,
        max_length=MOST_CHARS_GREETING,
        description="The first words; {name} in a later sentence: the caller's.",
    )
    voice: Voice | None = Field(None, description="ElevenLabs voice id.")
    language_hints: Annotated[tuple[Language, ...], _AS_LIST, Field(min_length=1, max_length=16), _ONCE] | None = Field(
        None, description="Languages that its callers speak, ISO 639-1 codes."
    )
    llm_model: Model | None = Field(None, description="Chat model.")
    stt_model: Model | None = Field(None, description="Soniox real-time model.")
    tts_model: Model | None = Field(None, description="ElevenLabs model.")
    profile: Literal["fast", "steady", "production"] | None = Field(None, description="Its turn-taking.")
    max_tokens: int | None = Field(None, ge=16, le=4096, description="Longest reply in LLM tokens.")
    max_calls: int | None = Field(None, ge=1, le=1000, description="Calls at once, in one worker.")
    max_call_s: float | None = Field(None, ge=10.0, le=86_400.0, description="Seconds after which a call ends.")
    tools: Annotated[tuple[ToolName, ...], _AS_LIST, Field(max_length=64), _ONCE] | None = Field(
        None, description="Of the agent's tools, those that may be called; empty: none, left out: all."
    )
    phone_numbers: Annotated[tuple[PhoneNumber, ...], _AS_LIST, _ONCE] = Field(
        (), max_length=MOST_KEYS, description="Numbers that are called, E.164; no other account's."
    )
    hosts: Annotated[tuple[HostName, ...], _AS_LIST, _ONCE] = Field(
        (), max_length=MOST_KEYS, description="Host names of pages that call from the browser; no other account's."
    )
    variants: Mapping[Label, Label] = Field(
        default_factory=dict[str, str], max_length=64, description="Experiments that are decided for it, by name."
    )
    enabled: bool = Field(True, description="Off: its calls are answered as if it were not there.")


def is_id(text: str) -> bool:
    """Whether an account can have this id. Such a text is a safe file name."""
    return _ID.fullmatch(text) is not None


def parse_account(values: object, *, kept_as: str | None = None) -> Account:
    """A checked account of what YAML, JSON or a command line gave.

    `kept_as`: the id under which a store has it: `values` may leave it out, and may name no other. Raises
    `AccountError` with a line for each field: what was found, what is allowed.
    """
    if not isinstance(values, Mapping):
        found = "nothing" if values is None else type(values).__name__
        raise AccountError(kept_as or "without an id", [f"got {found}, allowed: one `field: value` for each field"])
    fields = dict(cast("Mapping[str, Any]", values))
    if kept_as is not None and fields.setdefault("id", kept_as) != kept_as:
        raise AccountError(kept_as, [f"id: got {str(fields['id'])[:64]!r}, allowed: {kept_as}, as which it is kept"])
    try:
        return Account.model_validate(fields)
    except ValidationError as error:
        name = kept_as or str(fields.get("id") or "without an id")[:64]
        problems = error.errors()
        inside = {each["loc"][0] for each in problems if len(each["loc"]) > 1}
        # a list whose item is wrong is told by its item
        told = [_line(each) for each in problems if len(each["loc"]) != 1 or each["loc"][0] not in inside]
        raise AccountError(name, list(dict.fromkeys(told))) from None


def to_values(account: Account) -> dict[str, Any]:
    """The record as YAML and JSON write it: what is not said is left out. `parse_account` gives an equal one back."""
    return account.model_dump(mode="json", exclude_defaults=True)


def refuse_doubles(accounts: Sequence[Account]) -> None:
    """Raises `AccountError` if two of what is to be written together have the same id, number or host."""
    owners: dict[tuple[str, str], str] = {}
    for account in accounts:
        if ("id", account.id) in owners:
            raise AccountError(account.id, [f"id: got {account.id!r} twice, allowed: once in what is written together"])
        for field, value in [("id", account.id), *claims_of(account)]:
            owner = owners.setdefault((field, value), account.id)
            if owner != account.id:
                raise claimed(account.id, field, value, owner)


def claims_of(account: Account) -> list[tuple[str, str]]:
    """What no other account can have: ("phone_numbers", number) and ("hosts", host)."""
    return [("phone_numbers", each) for each in account.phone_numbers] + [("hosts", each) for each in account.hosts]


def claimed(account_id: str, field: str, value: str, owner: str) -> AccountError:
    """The error of an account that wants what `owner` has."""
    return AccountError(account_id, [f"{field}: got {value!r}, allowed: what no other account has; it is {owner}'s"])


def _line(problem: Any) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else ""
    if name not in Account.model_fields:
        return f"{name[:64]!r}: unknown; allowed: {', '.join(Account.model_fields)}"
    if problem["type"] == "missing":
        return f"{name}: missing; it has to be there"
    allowed = {} if "is there twice" in problem["msg"] else _ALLOWED
    if name in ("phone_numbers", "hosts"):
        # a business's own number is no secret here, and who cannot read it cannot mend it
        return f"{name}: got {repr(problem['input'])[:80]}, {allowed.get(name) or _own_words(problem)}"
    return readable(problem, Account.model_fields, secret=(), allowed=allowed, spelled=str)


def _own_words(problem: Any) -> str:
    return str(problem["msg"]).removeprefix("Value error, ")
