"""The 100 ms question: microphone sample, page, server, agent, page; the agent echoes and thinks nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.browser.chromium import chromium
from bench.browser.echo_agent import EchoAgent
from bench.browser.recording import recorded, round_trips_ms
from bench.browser.results import Round
from bench.browser.visit import Wanted, check_way, hang_up, open_page, talk, window
from bench.first_word.doors import Page
from bench.measure import CallFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import Browser
    from playwright.async_api import Page as Tab

    from bench.browser.plan import Options, Transport
    from bench.workers import Surroundings

RATE_HZ = 48_000
SETTLING_CHIRPS = 5
"""Until the jitter buffers have their size."""
SHORT_MS = 10
QUEUE_MS = 100


@dataclass(frozen=True)
class Variant:
    """What is changed, to see what shortens the way. `agent_queue_ms`: of the source of the agent."""

    name: str
    hurried: bool = False
    ptime: int = 0
    agent_queue_ms: int = 0


AS_IT_COMES = Variant("as it comes")
VARIANTS = (
    AS_IT_COMES,
    Variant("jitter buffer asked to be 0", hurried=True),
    Variant("packets of 10 ms", ptime=SHORT_MS),
    Variant("both", hurried=True, ptime=SHORT_MS),
)
QUEUED = Variant(f"agent's source with a queue of {QUEUE_MS} ms", agent_queue_ms=QUEUE_MS)
ALONE = (Variant("this browser alone, no server"), Variant("this browser alone, packets of 10 ms", ptime=SHORT_MS))


async def measure_echoes(place: Surroundings, options: Options, told: Callable[[int], None]) -> list[Round]:
    """Failures are in the rounds. Raises `BenchError` if a process does not start."""
    rounds: list[Round] = []
    async with chromium() as browser:
        for queue_ms, variants in ((0, VARIANTS), (QUEUE_MS, (QUEUED,))):
            agent = EchoAgent(place, queue_ms=queue_ms)
            async with agent, Page(place, agent.agent_name, standby_rooms=1, static=options.static) as site:
                for variant in ALONE if queue_ms == 0 else ():
                    rounds.append(await _round(browser, site, None, variant, options.chirps))
                    told(1)
                for variant in variants:
                    for way in options.transports:
                        await site.filled()
                        await agent.quiet()
                        rounds.append(await _round(browser, site, way, variant, options.chirps))
                        told(1)
    return rounds


def count_rounds(options: Options) -> int:
    return len(ALONE) + (len(VARIANTS) + 1) * len(options.transports)


async def _round(browser: Browser, site: Page, way: Transport | None, variant: Variant, chirps: int) -> Round:
    name = variant.name if way is None else f"{way}, {variant.name}"
    try:
        async with window(browser, Wanted(RATE_HZ, chirps=True, ptime=variant.ptime)) as tab:
            await open_page(tab, site.url, way or "livekit")
            if way is None:
                await tab.evaluate("bench.alone()")
            else:
                await talk(tab)
                await check_way(tab, way)
            if variant.hurried:
                await tab.evaluate("bench.hurry()")
            found = await _chirp(tab, name, chirps)
            if way is not None:
                await hang_up(tab)
            return found
    except CallFailed as error:
        return Round(name, failed=str(error))


async def _chirp(tab: Tab, name: str, chirps: int) -> Round:
    await tab.evaluate(f"bench.chirp({SETTLING_CHIRPS})")
    await tab.evaluate("bench.forget()")
    before: dict[str, Any] = await tab.evaluate("bench.stats()")
    await tab.evaluate(f"bench.chirp({chirps})")
    after: dict[str, Any] = await tab.evaluate("bench.stats()")
    delays_ms, lost = round_trips_ms(await recorded(tab))
    emitted = after["emitted"] - before["emitted"]
    jitter_ms = (after["jitter_ms_total"] - before["jitter_ms_total"]) / emitted if emitted else None
    if not delays_ms:
        raise CallFailed(f"none of {chirps} chirps came back")
    return Round(name, tuple(delays_ms), lost, jitter_ms, after["rtt_ms"], after["sent"] - before["sent"])
