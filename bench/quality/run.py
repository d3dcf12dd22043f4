"""One run of `bench quality`: a call, a network in between, and the monitor as it ships."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

from livekit import api

from bench.aside import progress, tell
from bench.machine import this_machine
from bench.quality.plan import NETWORKS, Options
from bench.quality.results import WITHIN, Cost, QualityReport, Round
from bench.storm.pulse import Pulse
from bench.workers import BenchError
from rooms.performance.sections import QualityMonitoring
from rooms.quality.call_link import CallLink
from rooms.quality.link_word import ATTRIBUTE
from rooms.quality.monitor import QualityMonitor
from sim.caller import Caller, CallerError, mint_caller_token
from sim.livekit_binary import default_cache_dir, find_livekit_server
from sim.livekit_server import LocalLiveKit
from sim.lossy_link import RELAY_HOST, Conditions, LossyLink, LossyLinkError
from sim.publisher import tone

if TYPE_CHECKING:
    from livekit import rtc

    from rooms.quality.call_link import RoomQuality

RATE_HZ = 16_000
ROOM = "quality"
SETTLE_LOOKS = 6
"""Until both sides are measured and the network counts as good, before a round."""
EASE_LOOKS = 20
"""An end takes some good looks, more after a relapse, and the server's own verdict is slow."""
WORD_LIMIT_S = 2.0
TICK_S = 0.02
COST_LOOKS = 50


class Ears:
    """The caller's side: the last word that came, and when."""

    def __init__(self, room: rtc.Room) -> None:
        self.state = "usual"
        self.delay_ms: int | None = None
        self.at = 0.0
        self._news = asyncio.Event()
        room.on("participant_attributes_changed", self._changed)

    def _changed(self, changed: dict[str, str], _: rtc.Participant) -> None:
        if ATTRIBUTE in changed:
            word = json.loads(changed[ATTRIBUTE])
            if word["state"] != self.state:
                self.at = time.perf_counter()
            self.state, self.delay_ms = word["state"], word["playout_delay_ms"]
            self._news.set()

    async def told(self, state: str, since: float) -> float | None:
        """Seconds from `since` until the word of `state` came; None if there is another one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WORD_LIMIT_S):
                while self.state != state:
                    self._news.clear()
                    await self._news.wait()
        return self.at - since if self.state == state and self.at >= since else None


class Looks:
    """The monitor's looks at the one call, as they come."""

    def __init__(self, monitor: QualityMonitor, interval_s: float) -> None:
        self._monitor = monitor
        self._limit_s = 3 * interval_s + WORD_LIMIT_S
        self._last: RoomQuality | None = None

    async def next(self) -> RoomQuality:
        async with asyncio.timeout(self._limit_s):
            while True:
                await asyncio.sleep(TICK_S)
                newest = self._monitor.rooms[0]
                if newest is not self._last:
                    self._last = newest
                    return newest


async def run_quality(options: Options) -> QualityReport:
    """Raises sim.livekit_server.LiveKitStartError, or `BenchError` where there is no such network or no call."""
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    report = QualityReport(options, this_machine(binary))
    random = Random(options.seed)
    names = [name for _ in range(options.rounds) for name in random.sample(options.networks, len(options.networks))]
    try:
        with progress() as shown:
            task = shown.add_task("networks", total=len(names))
            async with (
                LocalLiveKit(binary=binary, media_host=RELAY_HOST) as livekit,
                LossyLink(livekit.ports.rtc, seed=options.seed) as link,
            ):
                for name in names:
                    await _round(options, livekit, link, name, random, report)
                    shown.advance(task)
                report.cost = await _cost(livekit)
    except (LossyLinkError, CallerError) as error:
        raise BenchError(str(error)) from error
    return report


async def _round(
    options: Options, livekit: LocalLiveKit, link: LossyLink, name: str, random: Random, report: QualityReport
) -> None:
    """A call of its own, so that no round remembers the one before."""
    monitor = QualityMonitor(QualityMonitoring(interval_s=options.interval_s))
    good = monitor.settings.good
    async with Pulse() as pulse, _caller(livekit) as caller, _agent(livekit) as agent:
        begun = time.perf_counter()
        monitor.watch(agent.room)
        looks, ears = Looks(monitor, options.interval_s), Ears(caller.room)
        before = await _settled(looks, good)
        if before is None or ears.state != "usual":
            report.unsure.append(f"{name}: the network was not good before it was made bad")
            await monitor.aclose()
            return
        # At any moment between two looks.
        await asyncio.sleep(random.uniform(0, 0.9) * options.interval_s)
        during, fell, told_s, delay_ms = await _bad(looks, ears, link, name, good)
        link.conditions = Conditions()
        after, recovered, eased_s = await _good_again(looks, ears, good)
        await monitor.aclose()
        late_ms = pulse.worst_ms(begun)
    report.rounds.append(Round(name, before, during, after, fell, recovered, told_s, eased_s, delay_ms, late_ms))


async def _settled(looks: Looks, good: float) -> float | None:
    for _ in range(SETTLE_LOOKS):
        quality = await looks.next()
        measured = [each for each in quality.participants if each.score is not None]
        if len(measured) == 2 and quality.score is not None and quality.score >= good:
            return quality.score
    return None


async def _bad(
    looks: Looks, ears: Ears, link: LossyLink, name: str, good: float
) -> tuple[float, int | None, float | None, int | None]:
    since = time.perf_counter()
    link.conditions = NETWORKS[name]
    worst, fell = 1.0, None
    for number in range(1, WITHIN + 2):
        score = (await looks.next()).score
        if score is not None:
            worst = min(worst, score)
            fell = number if fell is None and score < good else fell
    told_s = await ears.told("strained", since)
    return worst, fell, told_s, ears.delay_ms


async def _good_again(looks: Looks, ears: Ears, good: float) -> tuple[float, int | None, float | None]:
    since = time.perf_counter()
    best, recovered = 0.0, None
    for number in range(1, EASE_LOOKS + 1):
        score = (await looks.next()).score
        if score is not None:
            best = max(best, score)
            recovered = number if recovered is None and score >= good else recovered
        if recovered is not None and ears.state == "usual":
            break
    return best, recovered, await ears.told("usual", since)


async def _cost(livekit: LocalLiveKit) -> Cost:
    """On a good network; nothing else runs in this process but the two sides of the call."""
    took_ms: list[float] = []
    busy_ms: list[float] = []
    async with _caller(livekit), _agent(livekit) as agent:
        await agent.listening(10.0)
        link, settings = CallLink(agent.room), QualityMonitoring()
        for _ in range(COST_LOOKS):
            # What the two microphones take in the same time is taken off.
            idle_ms = await _busy_ms(0.05)
            begun, busy = time.perf_counter(), time.thread_time()
            await link.look(settings)
            took = time.perf_counter() - begun
            busy_ms.append(max((time.thread_time() - busy) * 1000 - idle_ms * took / 0.05, 0.0))
            took_ms.append(took * 1000)
    return Cost(tuple(took_ms), tuple(busy_ms))


async def _busy_ms(seconds: float) -> float:
    busy = time.thread_time()
    await asyncio.sleep(seconds)
    return (time.thread_time() - busy) * 1000


def _caller(livekit: LocalLiveKit) -> Caller:
    token = mint_caller_token(livekit.api_key, livekit.api_secret, ROOM, "caller")
    return Caller(livekit.url, token, name="caller", background=tone(1000, RATE_HZ))


def _agent(livekit: LocalLiveKit) -> Caller:
    """It speaks without a pause, and may set its attributes, as agents may."""
    grants = api.VideoGrants(room_join=True, room=ROOM, can_update_own_metadata=True)
    token = api.AccessToken(livekit.api_key, livekit.api_secret).with_identity("agent").with_kind("agent")
    return Caller(livekit.url, token.with_grants(grants).to_jwt(), name="agent", background=tone(1000, RATE_HZ))
