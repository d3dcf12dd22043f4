"""Who may report, and what becomes of a report: kept for this machine's page, one line in the log, and told on."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import jwt
from livekit import api

from rooms.replies import Refusal
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rooms.tokens import ApiKey
    from web.reports.shape import Report

log = get_logger("reports")

KEPT = 100
LONGEST_CALL_S = 12 * 3600.0
"""A token is used once, at connect, and lives two minutes; the report is signed with it at the call's end."""


@dataclass(frozen=True, slots=True)
class Received:
    """One call as its caller heard it. `room` and `identity` are the token's word, not the page's."""

    room: str
    identity: str
    report: Report
    received_at: datetime

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {
            "received_at": self.received_at.isoformat(timespec="milliseconds"),
            "room": self.room,
            "identity": self.identity,
            "report": self.report.model_dump(),
        }


class ReportDesk:
    """The newest `kept` reports of callers who have a token of `key`; `told`, if given, is awaited with each."""

    def __init__(
        self, key: ApiKey, *, kept: int = KEPT, told: Callable[[Received], Awaitable[None]] | None = None
    ) -> None:
        self._verifier = api.TokenVerifier(key.key, key.secret, leeway=timedelta(seconds=LONGEST_CALL_S))
        self._newest: deque[Received] = deque(maxlen=kept)
        self._told = told

    def newest(self) -> list[Received]:
        """Newest first."""
        return list(reversed(self._newest))

    def caller_of(self, token: object) -> tuple[str, str]:
        """Room and identity of a token, which may have expired. Raises Refusal: 400 none, 401 a wrong one."""
        allowed = "the caller's token of this call"
        if not isinstance(token, str) or not token:
            raise Refusal(400, f"token: must be {allowed}", field="token", value=None, allowed=allowed)
        try:
            claims = self._verifier.verify(token)
        except (jwt.PyJWTError, ValueError, TypeError):
            claims = None
        room = claims.video.room if claims is not None and claims.video is not None else ""
        if claims is None or not room or not claims.identity:
            # The token itself is not repeated: it may be somebody's.
            raise Refusal(401, f"token: must be {allowed}", field="token", value="***", allowed=allowed)
        return room, claims.identity

    async def take(self, room: str, identity: str, report: Report) -> None:
        """Keep, log and tell on. Raises Refusal 400 for the report of another call."""
        for field, told, signed in (("room", report.call.room, room), ("identity", report.call.identity, identity)):
            if told != signed:
                name = f"report.call.{field}"
                raise Refusal(400, f"{name}: must be the token's", field=name, value=told, allowed=signed)
        received = Received(room, identity, report, datetime.now(UTC))
        self._newest.append(received)
        log.info("call as the caller heard it", room=room, **heard(report))
        if self._told is not None:
            try:
                await self._told(received)
            except Exception:
                log.exception("a report was not told on", room=room)


def heard(report: Report) -> dict[str, object]:
    """The line's fields: the caller's figures beside the agent's own, which the agent's log has by the same room."""
    call = report.call
    agent_ms = None if report.start is None else report.start.mark_ms("first_audible_sample")
    first_ms = call.timings.first_word_ms
    known: dict[str, object] = {
        "transport": call.transport,
        "outcome": call.outcome,
        "failure": call.failure,
        "seconds": round(call.length_s, 1),
        # From the click; the agent counts from its dispatch, so the difference is the way there and back.
        "first_word_ms": _whole(first_ms),
        "agent_first_word_ms": _whole(agent_ms),
        "way_ms": None if first_ms is None or agent_ms is None else round(first_ms - agent_ms),
        "gap_p50_ms": round(statistics.median(call.gaps_ms)) if call.gaps_ms else None,
        "audio": None if call.audio is None else call.audio.grade,
        "fault": None if call.audio is None else call.audio.fault,
    }
    return {name: value for name, value in known.items() if value is not None}


def _whole(ms: float | None) -> int | None:
    return None if ms is None else round(ms)
