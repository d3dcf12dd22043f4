"""How a call names its account: what its job, its room and its caller by telephone say, the most trusted first.

1. The job's metadata. Only who holds the API secret can dispatch a job, or sign a token that does.
2. The room's metadata, which takes the same secret, or a token for that one room's administrator.
3. The caller's attributes, unless their token allows them to write those: anybody could then have another's account
   answer. Of a caller by telephone LiveKit's SIP service writes them: the number that was called, and what the dispatch
   rule says. Of any other caller whoever has signed the token.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from livekit import rtc

from accounts.store import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from livekit.agents import JobContext

    from accounts.store import KeyKind

CALLED_NUMBER = "sip.trunkPhoneNumber"
"""An attribute of a caller by telephone: the business's own number, whoever called whom."""
VARIANTS = "variants"

MOST_CHARS_METADATA = 16_384
MOST_CHARS_KEY = 256  # a host name has 253 at most
MOST_OVERRIDES = 50
MOST_CHARS_OVERRIDE = 64

_KINDS: dict[str, KeyKind] = {"account": "id", "number": "phone", "host": "host"}


def keys(context: JobContext) -> list[Key]:
    """What the metadata of job and room name, to be tried in this order; known before the room is joined."""
    job = context.job
    return list(dict.fromkeys([*keys_in(job.metadata), *keys_in(job.room.metadata)]))


def caller_keys(participant: rtc.Participant) -> list[Key]:
    """What a caller's attributes name, if somebody else has written them: see above."""
    attributes = participant.attributes
    if participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_SIP:
        called = {"number": attributes.get(CALLED_NUMBER)}
        return list(dict.fromkeys([*_keys(attributes), *_keys(called)]))
    return [] if participant.permissions.can_update_metadata else _keys(attributes)


def keys_in(metadata: str) -> list[Key]:
    """From a JSON object with any of "account" (an id), "number" (E.164) and "host"; anything else names nobody."""
    return _keys(_content(metadata))


def overrides_of(context: JobContext) -> dict[str, str]:
    """The variants that a call is to have, by experiment: the job's metadata before the room's."""
    job = context.job
    return {**overrides(job.room.metadata), **overrides(job.metadata)}


def overrides(metadata: str) -> dict[str, str]:
    """From a JSON object with {"variants": {experiment: variant}}: what is no text is left out, and all of too many."""
    chosen = _content(metadata).get(VARIANTS)
    if not isinstance(chosen, dict) or len(cast("dict[str, object]", chosen)) > MOST_OVERRIDES:
        return {}
    items = cast("dict[str, object]", chosen).items()
    return {name: value for name, value in items if isinstance(value, str) and _is_word(name) and _is_word(value)}


def _content(metadata: str) -> Mapping[str, object]:
    if not metadata or len(metadata) > MOST_CHARS_METADATA:
        return {}
    try:
        content: object = json.loads(metadata)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", content) if isinstance(content, dict) else {}


def _keys(content: Mapping[str, object]) -> list[Key]:
    found: list[Key] = []
    for name, kind in _KINDS.items():
        value = content.get(name)
        # A number without quotes is what a person writes into JSON for an id or a telephone.
        text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
        plain = _plain(kind, text) if len(text) <= MOST_CHARS_KEY and text.isprintable() else ""
        if plain:
            found.append(Key(kind, plain))
    return found


def _plain(kind: KeyKind, text: str) -> str:
    if kind == "host":
        return _host(text)
    return _e164(text) if kind == "phone" else text


def _host(text: str) -> str:
    """As a record has it: of "https://Harbour.example.com.:8080/call" the host name, in lower case."""
    authority = text.partition("://")[2] or text
    return authority.partition("/")[0].partition(":")[0].rstrip(".").lower()


def _e164(text: str) -> str:
    """As a record has it, however it was written: "+49 (30) 1234567", "0049301234567", "sip:+49301234567@trunk"."""
    user = text.partition("@")[0].partition(";")[0]
    digits = "".join(char for char in user if char in "0123456789")
    return f"+{digits.removeprefix('00')}" if digits else ""


def _is_word(text: str) -> bool:
    return 0 < len(text) <= MOST_CHARS_OVERRIDE and text.isprintable()
