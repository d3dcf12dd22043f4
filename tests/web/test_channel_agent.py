"""A text request from the page through a real livekit-server to a real agent, whose language model answers it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web
from livekit.agents.llm import ChatMessage

from rooms.channel.agent_end import with_requests
from rooms.channel.endpoint import PATH, add_channel_routes
from rooms.tokens import ApiKey
from service import Service
from sim.dialogue import Reply, content_text
from sim.providers import SimulatedProviders
from tests.harness import KEY, Recorder, quick_profile, run_worker, settings_for
from tests.web.browser import chromium
from tests.web.channel_page import open_page, token
from tests.web.page_server import PAGE_STATIC, serve
from turns.voice_agent import VoiceAgent
from web.guards import guard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from livekit.agents import AgentSession, JobContext

    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings


GREETING = "Hello, this is the desk. How can I help?"
SPOKEN = "We open at five."
WRITTEN = "Harbour Street 4, next to the station."
SPOKEN_QUESTION = "When do you open?"
QUESTION = "Where are you, in writing please?"


class TwoWays:
    """Written questions get one answer, spoken ones another; keeps what it was asked, and with which tools."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def reply(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Reply:
        texts = [content_text(message) for message in messages]
        self.asked.append(texts)
        return Reply(WRITTEN if texts[-1] == QUESTION and not tools else SPOKEN)


ASK = """
async ([url, token, question]) => {
  window.connect(url, token);
  const parts = [];
  const answer = await window.ai.ask(question, { onPart: (part) => parts.push(part) });
  return { answer, parts, figures: window.ai.figures };
}
"""


async def test_the_agent_answers_in_writing_and_the_voice_knows_of_it(
    livekit: LocalLiveKit, make_settings: MakeSettings
) -> None:
    """The answer comes in parts and is not spoken; the next spoken turn's conversation has both; nothing stays."""
    recorder = Recorder()

    contexts: list[JobContext] = []

    def observers(context: JobContext) -> list[Recorder]:
        contexts.append(context)
        return [recorder]

    dialogue = TwoWays()
    service = with_requests(
        Service(lambda: VoiceAgent(instructions="Answer in one sentence."), GREETING, observers=observers)
    )
    async with SimulatedProviders(profile=quick_profile(), dialogue=dialogue, api_key=KEY) as sim:
        settings = settings_for(make_settings, livekit, sim)
        app = web.Application(middlewares=[guard(livekit.url)])
        key = ApiKey(livekit.api_key, livekit.api_secret)
        add_channel_routes(app, livekit.url, key)
        app.add_routes([web.get("/", _blank), web.static("/static", PAGE_STATIC)])
        async with run_worker(service, settings, livekit) as worker, serve(app) as server, chromium() as browser:
            room = await worker.open_room()
            page = await browser.new_page()
            await open_page(page, server.url)
            async with worker.caller(room) as caller:
                await caller.first_word(timeout_s=20)
                await recorder.until("started")
                await caller.quiet(400)  # what is being said belongs to the conversation when it has been said
                told = await page.evaluate(ASK, [PATH, token(room=room, key=key), QUESTION])
                session = contexts[0].primary_session
                while WRITTEN not in _conversation(session):
                    await asyncio.sleep(0.02)
                await session.generate_reply(user_input=SPOKEN_QUESTION)
            await recorder.until("ended")
            await worker.idle()
            late = await page.evaluate("() => window.ai.ask('Are you there?').catch((error) => error.kind)")
            await page.evaluate("() => window.channel.close()")

    assert told["answer"] == WRITTEN
    assert "".join(told["parts"]) == WRITTEN
    assert told["figures"]["answered"] == 1
    written, spoken = dialogue.asked[0], dialogue.asked[-1]
    assert GREETING in written
    assert written[-1] == QUESTION
    assert spoken[spoken.index(QUESTION) + 1] == WRITTEN
    assert spoken[-1] == SPOKEN_QUESTION
    assert len(dialogue.asked) == 2
    assert recorder.call is not None
    assert recorder.call.errors == []
    assert late == "failed"


def _conversation(session: AgentSession[Any]) -> list[str | None]:
    items = session.current_agent.chat_ctx.items
    return [item.text_content for item in items if isinstance(item, ChatMessage)]


async def _blank(_: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><title>channel</title>", content_type="text/html")
