"""What an account manager is asked for: a job as LiveKit describes it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from livekit.protocol import agent, models

from observe.observer import CallRecord
from observe.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from livekit import rtc
    from livekit.agents import AutoSubscribe, JobContext


@dataclass(eq=False)
class JobStandIn:
    """A `JobContext` as far as accounts use it. With a `url` and a `token` it joins the room, and else it cannot."""

    job: agent.Job
    url: str = ""
    token: str = ""
    room: rtc.Room = field(default_factory=lambda: cast("rtc.Room", None))

    async def connect(self, *, auto_subscribe: AutoSubscribe) -> None:
        assert auto_subscribe.value == "audio_only"
        await self.room.connect(self.url, self.token)


def job(metadata: Mapping[str, Any] | None = None, *, room: Mapping[str, Any] | None = None) -> JobContext:
    """A call whose job and room have such metadata."""
    about = agent.Job(
        id=f"AJ_{uuid4().hex[:12]}",
        metadata="" if metadata is None else json.dumps(metadata),
        room=models.Room(name="room", metadata="" if room is None else json.dumps(room)),
    )
    return cast("JobContext", JobStandIn(about))


def ended(context: JobContext, labels: Mapping[str, str] | None = None) -> CallRecord:
    """The call of that job, over after a minute with its caller there from the first second."""
    call = CallRecord(context.job.id, "room", Timeline(1_700_000_000.0), duration_s=60.0, labels=dict(labels or {}))
    call.start.mark("caller_joined", 1_700_000_001.0)
    return call
