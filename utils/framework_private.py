"""Every private name of livekit-agents that this project uses, in one place.

Read from livekit-agents 1.8.9. `tests/utils/test_framework_private.py` compares what is relied on with the
installed version and names what to look at when it differs.
"""

# pyright: reportPrivateUsage=false
# This file exists so that the rest of the project can keep that check on.

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from livekit.agents.ipc import job_proc_lazy_main
from livekit.agents.ipc.proc_pool import ProcPool
from livekit.agents.ipc.proto import StartJobRequest
from livekit.agents.utils import http_context
from livekit.agents.voice.room_io import _output
from livekit.plugins.silero import vad as silero_vad

if TYPE_CHECKING:
    from livekit.agents import JobContext

JobRunner = job_proc_lazy_main._JobProc
ShutdownInfo = job_proc_lazy_main._ShutdownInfo
ParticipantAudioOutput = _output._ParticipantAudioOutput
SileroOptions = silero_vad._VADOptions
create_ssl_context = http_context._create_ssl_context

READ_FROM_VERSION = "1.8.9"


def job_received_at_s(context: JobContext) -> float | None:
    """When the worker was asked for this job, as a `time.time()`; None for a job that nobody dispatched."""
    return context._info.received_at or None


async def close_rest_of_session(context: JobContext, *, limit_s: float) -> None:
    """Close what `AgentSession.aclose` left open: it breaks off at a handler's TypeError, and has a time limit.

    Never raises. Nothing is left open by a close in order.
    """
    session = context._primary_agent_session
    parts = (session._activity, session._session_host, session._room_io) if session is not None else ()
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await asyncio.gather(*(part.aclose() for part in parts if part is not None), return_exceptions=True)


__all__ = [
    "READ_FROM_VERSION",
    "JobRunner",
    "ParticipantAudioOutput",
    "ProcPool",
    "ShutdownInfo",
    "SileroOptions",
    "StartJobRequest",
    "close_rest_of_session",
    "create_ssl_context",
    "job_received_at_s",
]
