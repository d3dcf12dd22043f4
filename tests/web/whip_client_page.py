"""A page with a WhipTransport, and what is waited for on both sides of its call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tests.web.whip_client_site import EAR_RATE_HZ

if TYPE_CHECKING:
    from livekit import rtc
    from playwright.async_api import Page

    from tests.web.whip_client_site import Agent

# `told` has what the transport tells; `sends(hz)` is a microphone that sounds when `gain` is 1.
PAGE = """() => {
  window.told = [];
  window.sounds = new AudioContext();
  const note = (name) => (...given) => { told.push([name, ...given]); };
  window.sends = (hz) => {
    const output = sounds.createMediaStreamDestination();
    const tone = new OscillatorNode(sounds, { frequency: hz });
    const gate = new GainNode(sounds, { gain: 0 });
    tone.connect(gate).connect(output);
    tone.start();
    const track = output.stream.getAudioTracks()[0];
    window.gate = gate.gain;
    return track;
  };
  window.audio = new Audio();
  audio.autoplay = true;
  window.events = {
    step: (step) => note("step")(step),
    agentTrack: (track) => {
      audio.srcObject = new MediaStream([track]);
      note("agentTrack")(track.kind);
    },
    agentLost: note("agentLost"), interrupted: note("interrupted"), restored: note("restored"),
    closed: note("closed"), words: note("words"), timeline: note("timeline"), sound: note("sound"),
  };
  window.begin = (options = {}) => {
    window.abort = new AbortController();
    window.transport = new lib.WhipTransport(events, options);
    return transport;
  };
  // Loudness of what comes in, since the last time that it was asked for.
  window.energy = async () => {
    let all = 0;
    const stats = await transport.stats();
    for (const one of stats?.values() ?? []) if (one.type === "inbound-rtp") all += one.totalAudioEnergy;
    const gained = all - (window.energyBefore ?? 0);
    window.energyBefore = all;
    return gained;
  };
}"""
OPEN = "async () => (window.joined = await begin().open(Promise.resolve(sends(600)), abort.signal))"
HEARS = "async () => (await energy()) > 0.002"


async def names(page: Page) -> list[str]:
    return [name for name, *_ in await page.evaluate("told") if name != "step"]


async def until_told(page: Page, name: str) -> list[Any]:
    await page.wait_for_function("(name) => told.some(([each]) => each === name)", arg=name)
    return await page.evaluate("(name) => told.find(([each]) => each === name)", name)


async def hears_tone(agent: Agent, hz: float) -> None:
    """Waits until the agent hears it, in the track that it was given last."""
    stream = await agent.heard.get()
    try:
        async for event in stream:
            if is_tone(event.frame, hz):
                return
    finally:
        await stream.aclose()


def is_tone(frame: rtc.AudioFrame, hz: float) -> bool:
    sound = np.frombuffer(frame.data, np.int16).astype(float)
    crossings = np.count_nonzero(np.diff(np.signbit(sound)))
    return loudness(frame) > 500 and bool(abs(crossings * EAR_RATE_HZ / len(sound) / 2 - hz) < 0.2 * hz)


def loudness(frame: rtc.AudioFrame) -> float:
    return float(np.abs(np.frombuffer(frame.data, np.int16).astype(float)).mean())
