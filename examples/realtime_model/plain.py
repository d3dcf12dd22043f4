"""The naive way, for the benchmark: a speech-to-speech agent as the framework's examples write it.

The model connects in the call, and the caller hears what it says for a greeting. What is made easy for it, as for the
peer of the template's own benchmark: two processes idle and warm, and a load that is always told as none.
"""

from __future__ import annotations

import asyncio
import functools
import math
import sys

from livekit.agents import Agent, AgentServer, AgentSession, JobContext
from livekit.plugins.openai.realtime import RealtimeModel
from openai.types.realtime.realtime_audio_input_turn_detection import ServerVad

from config import load_settings
from examples.realtime_model.agent import INSTRUCTIONS
from examples.realtime_model.call_model import MODEL, SILENCE_MS, VOICE
from runtime.worker import run_worker
from utils.logging_config import configure_logging

READY_LINE = "plain.ready"
IDLE_PROCESSES = 2


async def entrypoint(context: JobContext) -> None:
    settings = load_settings()
    key = settings.openai_api_key
    model = RealtimeModel(
        model=MODEL,
        voice=VOICE,
        base_url=settings.openai_base_url,
        api_key=key.get_secret_value() if key else "",
        turn_detection=ServerVad(type="server_vad", silence_duration_ms=SILENCE_MS),
    )
    session = AgentSession[None](llm=model)
    await session.start(agent=Agent(instructions=INSTRUCTIONS), room=context.room)
    await context.connect()
    session.generate_reply(instructions="Greet the caller, and ask how you can help.")


def no_load(_: AgentServer) -> float:
    return 0.0


def main() -> int:
    settings = load_settings()
    configure_logging(settings.log_level, json=False)
    server = AgentServer(
        num_idle_processes=IDLE_PROCESSES, load_fnc=no_load, load_threshold=math.inf, host="127.0.0.1", port=0
    )
    server.rtc_session(entrypoint, agent_name=settings.agent_name)
    ready = functools.partial(print, READY_LINE, flush=True)
    asyncio.run(run_worker(server, drain_timeout_s=0.0, on_ready=ready))
    return 0


if __name__ == "__main__":
    sys.exit(main())
