"""What SIP's answers mean: a failed call or transfer in words, with its status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import aiohttp
from livekit import api

Kind = Literal["busy", "declined", "no answer", "unreachable", "number", "trunk", "livekit"]

WORDS: dict[Kind, str] = {
    "busy": "the line is busy",
    "declined": "the call was declined",
    "no answer": "nobody answered",
    "unreachable": "the telephone cannot be reached just now",
    "number": "the number does not exist, or is not complete",
    "trunk": "the provider of the trunk did not take the call",
    "livekit": "LiveKit did not place the call",
}
KINDS: dict[int, Kind] = {
    **dict.fromkeys((486, 600), "busy"),
    **dict.fromkeys((603, 607, 608), "declined"),
    **dict.fromkeys((408, 487), "no answer"),
    **dict.fromkeys((480,), "unreachable"),
    **dict.fromkeys((404, 410, 484, 485, 604), "number"),
}
REASONS: dict[str, Kind] = {
    "STR_RINGING_TIMEOUT": "no answer",
    "STR_REJECTED": "declined",
    "STR_CALL_ENDED": "unreachable",
}
NO_REDIS = "this LiveKit has no SIP: livekit-server needs Redis (its `redis:` section) and the service livekit/sip"
NO_SERVICE = "no livekit/sip answered: is the service running, with the Redis of livekit-server?"


@dataclass(frozen=True)
class Failure:
    """Why a call or a transfer failed. `status`: SIP's, None where it did not come so far."""

    kind: Kind
    words: str
    status: int | None = None
    reason: str = ""

    def __str__(self) -> str:
        """ "the line is busy (SIP 486 Busy Here)"."""
        said = " ".join(part for part in (str(self.status or ""), self.reason) if part)
        return f"{self.words} (SIP {said})" if self.status else f"{self.words} ({said})" if said else self.words


def failure_of(error: Exception) -> Failure:
    """What an exception of `livekit.api`'s SIP service says. Anything else is raised again."""
    if isinstance(error, api.SipCallError):
        return _by_sip(error)
    if isinstance(error, api.ServerError):
        return _by_server(error)
    if isinstance(error, TimeoutError):
        return Failure("no answer", f"{WORDS['no answer']}, and LiveKit did not say why")
    if isinstance(error, aiohttp.ClientError):
        return Failure("livekit", "LiveKit does not answer; is LIVEKIT_URL right, and the server up?")
    raise error


def _by_sip(error: api.SipCallError) -> Failure:
    status, reason = error.sip_status_code, error.sip_status or ""
    if status is None:
        kind = REASONS.get(error.sip_transfer_reason or "", "trunk")
        return Failure(kind, WORDS[kind], None, error.sip_transfer_reason or "")
    kind = KINDS.get(status, "trunk")
    words = WORDS[kind]
    if status in (401, 407):
        words = "the provider refuses the trunk's user name or password"
    elif status == 403:
        words = "the provider forbids this call: its number, its country, or the caller ID"
    return Failure(kind, words, status, reason)


def _by_server(error: api.ServerError) -> Failure:
    if "redis required" in error.message:
        return Failure("livekit", NO_REDIS)
    codes = api.ServerErrorCode
    if error.code == codes.UNAVAILABLE:
        return Failure("livekit", NO_SERVICE)
    if error.code in (codes.CANCELED, codes.DEADLINE_EXCEEDED):
        # livekit/sip has no SIP status for its own ringing timeout.
        return Failure("no answer", WORDS["no answer"])
    if error.code in (codes.UNAUTHENTICATED, codes.PERMISSION_DENIED):
        return Failure("livekit", "LiveKit refuses the key: LIVEKIT_API_KEY and LIVEKIT_API_SECRET need SIP")
    if error.code == codes.NOT_FOUND:
        return Failure("livekit", f"LiveKit does not know it: {error.message}")
    return Failure("livekit", f"LiveKit refuses it: {error.message or error.code}")
