"""The caller's network is gone for a while: does the call go on, and if not, what is the caller told?"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
from playwright.async_api import Error

from bench.browser.chromium import chromium
from bench.browser.echo_agent import EchoAgent
from bench.browser.leaks import callers_left
from bench.browser.results import Cut
from bench.browser.visit import Wanted, check_way, hang_up, open_page, talk, window, words
from bench.first_word.doors import Page
from bench.measure import CallFailed
from bench.workers import BenchError, Surroundings, tree
from sim.held_relay import HeldRelay
from sim.livekit_server import LocalLiveKit
from sim.lossy_link import RELAY_HOST, Conditions, LossyLink, LossyLinkError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.async_api import Browser
    from playwright.async_api import Page as Tab

    from bench.browser.plan import Options, Transport

CUTS_S = (2.0, 8.0, 40.0)
RECOVERY_LIMIT_MS = 60_000.0
EMPTY_LIMIT_S = 40.0
"""A caller whose connection is lost is dropped by the server after 16 s and more."""
LOOK_AGAIN_S = 0.2
NO_NETWORK = Conditions(loss=1.0)
# Sound that came after the cut, or an end. Of a call that was repaired by new connections the old ones count, too.
# A promise is no answer to `wait_for_function`, which takes it for a yes.
BACK = """async ({ least, limitMs }) => {
  const [begun, before] = [performance.now(), await bench.energy()];
  while (window.firstword.state === "live" && (await bench.energy()) < before + least) {
    if (performance.now() - begun > limitMs) return false;
    await new Promise((over) => setTimeout(over, 50));
  }
  return true;
}"""
LEAST_ENERGY = 0.02
"""A beep of the microphone has about 0.2; what a jitter buffer makes up for lost packets has less."""
SETTLED = """() => firstword.state !== "live" || !document.getElementById("notice")?.innerText.trim()"""
SETTLE_LIMIT_MS = 30_000.0


class CallersNetwork:
    """What is between browser and server, so that it can be cut: page and signalling by TCP, sound by UDP.

    `async with CallersNetwork(latency_seed, static, way)`; the agent's own packets are let through.
    """

    def __init__(self, seed: int, static: Path, way: Transport, binary: Path | None = None) -> None:
        self._seed = seed
        self._static = static
        self._way: Transport = way
        self._livekit = LocalLiveKit(binary=binary, media_host=RELAY_HOST)
        self._stack = AsyncExitStack()
        self._relays: list[HeldRelay] = []
        self.url = ""
        """Of the page, through the network."""

    async def __aenter__(self) -> CallersNetwork:
        async with AsyncExitStack() as stack:
            self.place = place = await stack.enter_async_context(Surroundings("fixed", self._seed, self._livekit))
            try:
                self._link = await stack.enter_async_context(LossyLink(self._livekit.ports.rtc, seed=self._seed))
            except LossyLinkError as error:
                raise BenchError(str(error)) from error
            self.agent = EchoAgent(place)
            await stack.enter_async_context(self.agent)
            signalling = HeldRelay(self._livekit.ports.http)
            self._relays.append(await stack.enter_async_context(signalling))
            # By WHIP the page's server, which is not the caller, reaches LiveKit: its own wire stays.
            address = None if self._way == "whip" else f"ws://{signalling.address}"
            site = Page(place, self.agent.agent_name, static=self._static, livekit_url=address)
            await stack.enter_async_context(site)
            door = HeldRelay(urlsplit(site.url).port or 0)
            self._relays.append(await stack.enter_async_context(door))
            self.url = f"http://{door.address}"
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.mend()
        await self._stack.aclose()

    def cut(self) -> None:
        agents = _udp_ports(self.agent.process.pid)
        for flow in self._link.flows:
            flow.conditions = Conditions() if flow.client[1] in agents else None
        self._link.conditions = NO_NETWORK
        for relay in self._relays:
            relay.pull()

    def mend(self) -> None:
        self._link.conditions = Conditions()
        for relay in self._relays:
            relay.plug_in()


async def measure_cuts(options: Options, told: Callable[[int], None], cuts_s: tuple[float, ...] = CUTS_S) -> list[Cut]:
    """A call for each cut and way; failures are in it. Raises `BenchError` if a process does not start."""
    found: list[Cut] = []
    for way in options.transports:
        async with CallersNetwork(options.seed, options.static, way) as network, chromium() as browser:
            for cut_s in cuts_s:
                found.append(await _cut(network, browser, way, cut_s))
                told(1)
    return found


async def _cut(network: CallersNetwork, browser: Browser, way: Transport, cut_s: float) -> Cut:
    try:
        async with window(browser, Wanted(peers=True)) as tab:
            await open_page(tab, network.url, way)
            await talk(tab)
            await check_way(tab, way)
            await _back(tab)
            network.cut()
            try:
                await asyncio.sleep(cut_s)
                meanwhile = await words(tab)
            finally:
                network.mend()
            after_s = await _back(tab)
            # Sound may be back before the page knows of it.
            with suppress(Error):
                await tab.wait_for_function(SETTLED, timeout=SETTLE_LIMIT_MS)
            at_the_end, state = await words(tab), str(await tab.evaluate("window.firstword.state"))
            if state == "live":
                await hang_up(tab)
            back_s = after_s if state == "live" else None
            return Cut(way, cut_s, back_s, state, meanwhile, at_the_end, await _left(network.place))
    except CallFailed as error:
        return Cut(way, cut_s, failed=str(error))


async def _back(tab: Tab) -> float:
    """Seconds until the agent is heard, or the call is over."""
    begun = time.perf_counter()
    if not await tab.evaluate(BACK, {"least": LEAST_ENERGY, "limitMs": RECOVERY_LIMIT_MS}):
        raise CallFailed(f"neither sound nor an end within {RECOVERY_LIMIT_MS / 1000:g} s")
    return time.perf_counter() - begun


async def _left(place: Surroundings) -> int:
    """Callers whom the server still has when it should have noticed."""
    deadline_s = time.monotonic() + EMPTY_LIMIT_S
    while (left := await callers_left(place)) and time.monotonic() < deadline_s:  # noqa: ASYNC110  # nobody tells
        await asyncio.sleep(LOOK_AGAIN_S)
    return left


def _udp_ports(pid: int) -> set[int]:
    """Of a process and all below it."""
    ports: set[int] = set()
    for process in tree(pid):
        try:
            ports.update(each.laddr.port for each in process.net_connections(kind="udp4") if each.laddr)
        except psutil.Error:
            continue
    return ports
