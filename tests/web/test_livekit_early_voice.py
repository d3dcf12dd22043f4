"""The agent's voice by livekit-client: played when it is there, and told once."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from aiohttp import web
from livekit import api

from sim.caller import mint_caller_token
from tests.web.whip_client_site import Agent, page_of, site

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from sim.livekit_server import LocalLiveKit

CALLS = 8
CALL = """async () => {
  const output = new AudioContext().createMediaStreamDestination();
  const voices = [];
  const heard = (track) => voices.push([transport.room.room.state, track.id]);
  const events = new Proxy({}, { get: (_, name) => (name === "agentTrack" ? heard : () => {}) });
  const transport = new lib.LiveKitTransport(events);
  await transport.open(Promise.resolve(output.stream.getAudioTracks()[0]), new AbortController().signal);
  while (transport.room.voice === null) await new Promise((go) => setTimeout(go, 10));
  const known = transport.room.voice.mediaStreamTrack.id;
  transport.close(false);
  return { voices, known };
}"""


async def test_the_voice_of_an_agent_who_waits(browser: Browser, livekit: LocalLiveKit) -> None:
    """It comes before livekit-client has noticed that it is connected, at least once in some calls; never twice."""
    room = f"early-{uuid4().hex[:8]}"
    states: list[str] = []
    grants = api.VideoGrants(room=room, room_join=True)
    token = api.AccessToken(livekit.api_key, livekit.api_secret).with_identity("agent").with_kind("agent")
    agent = Agent()
    await agent.enter(livekit.url, token.with_grants(grants).to_jwt())

    async def ticket(_: web.Request) -> web.Response:
        name = f"caller-{uuid4().hex[:8]}"
        jwt = mint_caller_token(livekit.api_key, livekit.api_secret, room, name)
        return web.json_response({"url": livekit.url, "token": jwt, "room": room, "identity": name})

    try:
        async with page_of(browser, site(web.post("/api/token", ticket))) as page:
            for _ in range(CALLS):
                told = await page.evaluate(CALL)
                ((state, track),) = told["voices"]
                assert track == told["known"]
                states.append(state)
    finally:
        await agent.leave()
    assert "connecting" in states
