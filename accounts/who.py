"""How a call names its account: what its job, its room and its participants say, the most trusted first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ACCOUNT, HOST, NUMBER = "account", "host", "number"
CALLED_NUMBER = "sip.trunkPhoneNumber"
"""livekit-sip's attribute of a caller by telephone: the number that was called."""


def keys_in(metadata: str) -> Iterator[Key]:
    """From the metadata of a job or a room: a JSON object with "account", "number" or "host"; anything else names nobody."""
    try:
        content: object = json.loads(metadata) if metadata else None
    except ValueError:
        return
    if isinstance(content, dict):
        yield from _keys(cast("Mapping[str, object]", content))


def keys_of(attributes: Mapping[str, str]) -> Iterator[Key]:
    """From a participant's attributes. Who may write their own could name any account: give no such token."""
    yield from _keys(attributes)
    if number := attributes.get(CALLED_NUMBER):
        yield Key(NUMBER, _e164(number))


def _keys(content: Mapping[str, Any]) -> Iterator[Key]:
    for kind in (ACCOUNT, NUMBER, HOST):
        value = content.get(kind)
        if isinstance(value, str) and value.strip():
            yield Key(kind, _plain(kind, value.strip()))


def _plain(kind: str, value: str) -> str:
    if kind == HOST:
        return value.lower().partition(":")[0].rstrip(".")
    return _e164(value) if kind == NUMBER else value


def _e164(number: str) -> str:
    digits = "".join(char for char in number if char.isdigit())
    return f"+{digits}"
