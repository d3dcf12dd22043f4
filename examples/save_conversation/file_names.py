"""The name of a conversation's files: safe, whatever the room is called."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from examples.save_conversation.entries import Began

LIVE = ".live.jsonl"
"""While the call goes on; after a kill -9 until the next start."""
DONE = ".jsonl"
MARKDOWN = ".md"

_UNSAFE = re.compile(r"[^A-Za-z0-9]+")
_ROOM_CHARS = 40
_DIGEST_CHARS = 12


def name_of(began: Began) -> str:
    """Sorted by time, with what of the room is plain letters, and a digest of the call's id that keeps two apart."""
    at = datetime.fromtimestamp(began.at_s, UTC).strftime("%Y%m%d-%H%M%S")
    room = _UNSAFE.sub("-", began.room).strip("-")[:_ROOM_CHARS].strip("-") or "room"
    digest = hashlib.sha256(began.call.encode("utf-8", "backslashreplace")).hexdigest()[:_DIGEST_CHARS]
    return f"{at}-{room}-{digest}"
