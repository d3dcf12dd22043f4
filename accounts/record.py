"""One account: everything that a business says about its calls, checked once when it comes in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from utils.greeting_text import GreetingTextError, split_greeting
from utils.settings_problems import readable

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_CHARS_INSTRUCTIONS = 8000
MOST_CHARS_GREETING = 500

_ID = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_PHONE = re.compile(r"\+[1-9][0-9]{4,14}")
_HOST = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_TOOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class AccountError(ValueError):
    """A record that cannot be used; `problems` has one readable line a field."""

    def __init__(self, account: str, problems: list[str]) -> None:
        super().__init__("\n".join(f"account {account}: {problem}" for problem in problems))
        self.account = account
        self.problems = problems


def _matching(pattern: re.Pattern[str], allowed: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f"allowed: {allowed}")
        return value

    return AfterValidator(check)


def _greeting(value: str) -> str:
    try:
        split_greeting(value)
    except GreetingTextError as error:
        raise ValueError(f"allowed: {error.allowed}") from None
    return value


AccountId = Annotated[str, _matching(_ID, "1 to 64 of a-z, 0-9, - and _, the first and last a letter or digit")]
PhoneNumber = Annotated[str, _matching(_PHONE, "E.164, such as +493012345678")]
HostName = Annotated[str, _matching(_HOST, "a host name in lower case, such as harbour.example.com")]
Language = Annotated[str, _matching(_LANGUAGE, "ISO 639-1 codes in lower case, such as ar or en")]
ToolName = Annotated[str, _matching(_TOOL, "the name of a function tool of the agent")]


class Account(BaseModel):
    """What is left out (None) is the service's own setting. Immutable; equal if every field is."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True)

    id: AccountId
    name: str = Field(min_length=1, max_length=120)
    instructions: str = Field(min_length=1, max_length=MOST_CHARS_INSTRUCTIONS)
    greeting: Annotated[str, Field(min_length=1, max_length=MOST_CHARS_GREETING), AfterValidator(_greeting)]
    voice: str | None = Field(None, min_length=1, max_length=64)
    language_hints: tuple[Language, ...] | None = Field(None, min_length=1)
    llm_model: str | None = Field(None, min_length=1, max_length=64)
    stt_model: str | None = Field(None, min_length=1, max_length=64)
    tts_model: str | None = Field(None, min_length=1, max_length=64)
    profile: Literal["fast", "steady", "production"] | None = None
    max_tokens: int | None = Field(None, ge=16, le=4096)
    max_calls: int | None = Field(None, ge=1, le=1000)
    """At once, in one worker."""
    max_call_s: float | None = Field(None, ge=10.0, le=86_400.0)
    tools: tuple[ToolName, ...] = ()
    """Of those that the service has: nothing else may be called."""
    phone_numbers: tuple[PhoneNumber, ...] = ()
    hosts: tuple[HostName, ...] = ()
    variants: dict[str, str] = Field(default_factory=dict[str, str])
    """Experiments that are decided for this account, by name."""
    enabled: bool = True


def parse_account(values: Mapping[str, Any]) -> Account:
    """A checked account. Raises `AccountError` with a line for each field: what was found, what is allowed."""
    try:
        return Account.model_validate(dict(values))
    except ValidationError as error:
        name = str(values.get("id") or "without an id")[:64]
        raise AccountError(name, [_line(each) for each in error.errors()]) from None


def _line(problem: Any) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else ""
    if name not in Account.model_fields:
        return f"{name}: unknown; allowed: {', '.join(Account.model_fields)}"
    if problem["type"] == "missing":
        return f"{name}: missing; it has to be there"
    return readable(problem, Account.model_fields, secret=(), allowed={}, spelled=str)
