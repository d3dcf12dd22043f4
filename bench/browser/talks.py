"""Three turns with the template's own agent: what the page shows of them, and the gaps as the page heard them."""

from __future__ import annotations

import tempfile
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.browser.chromium import chromium
from bench.browser.recording import gaps_ms, recorded
from bench.browser.results import Talk
from bench.browser.visit import Wanted, check_way, hang_up, open_page, talk, window
from bench.first_word.doors import Page
from bench.measure import CallFailed
from sim.speech.library import RATE_HZ, load_speech

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.browser.plan import Options, Transport
    from bench.workers import Surroundings, Worker

SAID = ("opening_hours", "book_table", "goodbye")
GREETING_S = 7.0
REPLY_S = 11.0
"""A gap, and two sentences of the simulated voice."""
LINES_LIMIT_MS = 90_000.0
SHOWN = (
    """who => window.firstword.transcript.filter((line) => line.who === who && line.final).map((line) => line.text)"""
)
TOLD_GAPS = """() => window.firstword.report?.()?.call?.gaps_ms ?? []"""


async def measure_talks(
    place: Surroundings, worker: Worker, options: Options, told: Callable[[int], None]
) -> list[Talk]:
    """One call each way; failures are in it. Raises `BenchError` if a process does not start."""
    talks: list[Talk] = []
    with tempfile.TemporaryDirectory(prefix="firstword-microphone-") as folder:
        speech = write_speech(Path(folder) / "speech.wav", SAID)
        async with Page(place, worker.agent_name, standby_rooms=1, static=options.static) as site:
            for way in options.transports:
                await site.filled()
                await worker.quiet()
                talks.append(await _talk(site, speech, way))
                told(1)
    return talks


def write_speech(file: Path, names: Sequence[str]) -> Path:
    """A microphone's file: silence for the greeting, then each recording with silence for its reply."""
    silent = np.zeros(round(REPLY_S * RATE_HZ), np.int16)
    parts = [np.zeros(round(GREETING_S * RATE_HZ), np.int16)]
    for name in names:
        parts += [load_speech()[name].pcm, silent]
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        out.writeframes(np.concatenate(parts).astype("<i2").tobytes())
    return file


async def _talk(site: Page, speech: Path, way: Transport) -> Talk:
    said = tuple(load_speech()[name].text for name in SAID)
    try:
        async with chromium(speech=speech) as browser, window(browser, Wanted(RATE_HZ)) as tab:
            await open_page(tab, site.url, way)
            await talk(tab)
            await check_way(tab, way)
            # Until the last reply is over: the file ends with the silence for it.
            await tab.wait_for_function(
                "ms => performance.now() - bench.click.stamp > ms || window.firstword.state !== 'live'",
                arg=_file_s() * 1000,
                timeout=LINES_LIMIT_MS,
            )
            if await tab.evaluate("window.firstword.state") != "live":
                raise CallFailed("the call ended before the last turn")
            shown, replies = [tuple(await tab.evaluate(SHOWN, who)) for who in ("caller", "agent")]
            told: list[Any] = await tab.evaluate(TOLD_GAPS)
            sound = await recorded(tab)
            await hang_up(tab)
    except CallFailed as error:
        return Talk(way, said, failed=str(error))
    try:
        heard_ms = tuple(gaps_ms(sound, len(SAID)))
    except ValueError as error:
        return Talk(way, said, shown, replies, failed=str(error))
    return Talk(way, said, shown, replies, heard_ms, tuple(map(float, told)))


def _file_s() -> float:
    return GREETING_S + sum(len(load_speech()[name].pcm) / RATE_HZ + REPLY_S for name in SAID)
