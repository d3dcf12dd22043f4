"""`account check`: every record read, and what a valid record can still have wrong."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from utils.greeting_text import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from accounts.record import Account
    from cli.accounts.place import Everything
    from service import Service

NOT_CHECKED = (
    "Not checked: whether the provider has the voices and models. `account show ID --preview FILE.wav` speaks."
)

_MARKUP = frozenset("*_#\\[]")  # punctuation that a voice leaves out, or spells
_SIGNS = frozenset("+=%")  # symbols that a voice has a word for
_JOINERS = frozenset("\u200c\u200d\u200e\u200f")  # inside words of Arabic and Persian


@dataclass(frozen=True)
class Findings:
    """What is wrong, and what may be; a line each."""

    problems: list[str]
    warnings: list[str]


def check_accounts(found: Everything, only: Collection[str], tools: Sequence[str] | None) -> Findings:
    """Of the accounts in `only`, or of all if it is empty. `tools` of the agent; None: not known, so not checked."""
    from accounts.record import claims_of

    claims: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for account in found.accounts.values():
        for claim in claims_of(account):
            claims[claim].append(account.id)
    problems = [line for line in found.problems() if not only or line.partition(":")[0] in only]
    warnings: list[str] = []
    for account in found.accounts.values():
        if only and account.id not in only:
            continue
        for name, value in claims_of(account):
            others = [each for each in claims[name, value] if each != account.id]
            problems += [
                f"{account.id}: {name}: got {value!r}, which {other} has too; allowed: once" for other in others
            ]
        warnings += [f"{account.id}: warning: {warning}" for warning in _warnings(account, tools)]
    return Findings(problems, warnings)


def tools_of(service: Service) -> list[str]:
    """The names of the tools that the service's agent has."""
    return sorted(tool.id for tool in service.agent().tools)


def unspoken(text: str) -> list[str]:
    """What of a greeting no voice can say: emoji, markup, addresses, control characters; each once, in order."""
    words = text.replace(PLACEHOLDER, "")
    addresses = [word for word in words.split() if "://" in word or word.startswith("www.")]
    rest = words
    for address in addresses:
        rest = rest.replace(address, "")
    return list(dict.fromkeys([*addresses, *(char for char in rest if not _is_spoken(char))]))


def _warnings(account: Account, tools: Sequence[str] | None) -> list[str]:
    warnings: list[str] = []
    if odd := unspoken(account.greeting):
        told = ", ".join(repr(each) for each in odd)
        warnings.append(f"greeting: no voice can say {told}; allowed: words and punctuation")
    if tools is not None:
        allowed = ", ".join(tools) or "none"
        unknown = [each for each in account.tools or () if each not in tools]
        warnings += [f"tools: got {each!r}, allowed: the agent's ({allowed})" for each in unknown]
    return warnings


def _is_spoken(char: str) -> bool:
    kind = unicodedata.category(char)
    if char in _MARKUP:
        return False
    return kind[0] in "LMNPZ" or kind == "Sc" or char in _SIGNS or char in _JOINERS or char.isspace()
