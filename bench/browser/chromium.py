"""Chromium for the benchmark: the system's or Playwright's own, with a microphone that plays a file or beeps."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.workers import BenchError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser

FLAGS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = "install Chromium, or run `uv run playwright install chromium`"


@asynccontextmanager
async def chromium(*, speech: Path | None = None) -> AsyncGenerator[Browser]:
    """A browser that grants the microphone; what it hears is `speech`, a WAV file, once, or a beep each second.

    Raises `BenchError` where there is no Chromium.
    """
    try:
        from playwright.async_api import Error, async_playwright
    except ImportError:
        raise BenchError("a browser needs playwright, which `uv sync` installs") from None
    flags = [*FLAGS]
    if speech is not None:
        flags.append(f"--use-file-for-fake-audio-capture={speech}%noloop")
    options: dict[str, Any] = {"args": flags, "headless": True}
    async with async_playwright() as playwright:
        found = next((path for name in NAMES if (path := shutil.which(name))), None)
        if found is not None:
            options["executable_path"] = found
        elif not Path(playwright.chromium.executable_path).is_file():  # noqa: ASYNC240  # one look, before the run
            raise BenchError(f"no Chromium: {HOW}")
        try:
            browser = await playwright.chromium.launch(**options)
        except Error as error:
            raise BenchError(f"Chromium did not start: {error.message.splitlines()[0]}; {HOW}") from None
        try:
            yield browser
        finally:
            await browser.close()
