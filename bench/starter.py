"""The peer: a voice agent as the framework's examples write it, served in the framework's own way.

It greets with the words of `agent.py` and talks to the same providers. Everything else is the default of
livekit-agents and of its plugins. What is made easy for it: two processes idle and warm, and a load that is always
told as none (livekit-server gives no call to a worker that tells 100 % CPU, which a busy small machine reaches).
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import math
import sys
from typing import Literal, get_args

from livekit.agents import AgentServer, AgentSession, JobContext, JobProcess, TurnHandlingOptions
from livekit.agents.inference import TurnDetector
from livekit.plugins import elevenlabs, openai, silero, soniox

from agent import service
from config import load_settings
from runtime.worker import run_worker
from utils.logging_config import configure_logging

TurnDetection = Literal["vad", "stt", "v1-mini"]
"""v1-mini: the turn detector that is bundled, which the framework takes when nothing is said."""

READY_LINE = "starter.ready"
IDLE_PROCESSES = 2
HOST = "127.0.0.1"


def prewarm(process: JobProcess, *, turn_detection: str) -> None:
    process.userdata["vad"] = silero.VAD.load()
    process.userdata["turn_detection"] = turn_detection


async def entrypoint(context: JobContext) -> None:
    settings = load_settings()
    brief = service.brief(settings)
    turn_handling: TurnHandlingOptions = {"turn_detection": _detection(context.proc.userdata["turn_detection"])}
    session = AgentSession[None](
        vad=context.proc.userdata["vad"],
        stt=soniox.STT(base_url=settings.soniox_base_url, params=soniox.STTOptions(model=settings.stt_model)),
        llm=openai.LLM(model=settings.llm_model, base_url=settings.openai_base_url),
        tts=elevenlabs.TTS(
            voice_id=settings.tts_voice,
            model=settings.tts_model,
            base_url=settings.elevenlabs_base_url,
        ),
        turn_handling=turn_handling,
    )
    await session.start(agent=brief.agent, room=context.room)
    await context.connect()
    session.say(brief.greeting)


def _detection(name: TurnDetection) -> Literal["vad", "stt"] | TurnDetector:
    return TurnDetector(version="v1-mini") if name == "v1-mini" else name


def no_load(_: AgentServer) -> float:
    return 0.0


def build_starter(turn_detection: str) -> AgentServer:
    server = AgentServer(
        setup_fnc=functools.partial(prewarm, turn_detection=turn_detection),
        num_idle_processes=IDLE_PROCESSES,
        load_fnc=no_load,
        load_threshold=math.inf,
        host=HOST,
        port=0,
    )
    server.rtc_session(entrypoint, agent_name=load_settings().agent_name)
    return server


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.starter", description="The peer of the benchmark.")
    parser.add_argument("--turn-detection", choices=get_args(TurnDetection), default="vad")
    options = parser.parse_args(argv)
    configure_logging(load_settings().log_level, json=False)
    server = build_starter(options.turn_detection)
    ready = functools.partial(print, READY_LINE, flush=True)
    asyncio.run(run_worker(server, drain_timeout_s=0.0, on_ready=ready))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
