"""Chromium for tests: the system's or Playwright's own, with a microphone that hears a tone."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import Error, async_playwright

from bench.browser.chromium import FLAGS, NAMES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser

# The same engine without the windows of a desktop: a start takes a sixth of the processor's time.
LEAN_FIRST = ("chromium-headless-shell", *NAMES)


@asynccontextmanager
async def chromium(*, microphone: bool = True, lean: bool = True) -> AsyncGenerator[Browser]:
    """A browser that grants the microphone, or (microphone=False) has none. Skips the test if there is no Chromium.

    `lean`: rather the one without a desktop, which forgets devices and has no candidates on loopback.
    """
    flags = [flag for flag in FLAGS if microphone or "media-stream" not in flag]
    options: dict[str, Any] = {"args": flags, "headless": True}
    async with async_playwright() as playwright:
        found = next((path for name in (LEAN_FIRST if lean else NAMES) if (path := shutil.which(name))), None)
        if found is None and not _installed(playwright.chromium.executable_path):
            pytest.skip("no Chromium: install it, or run `uv run playwright install chromium`")
        if found is not None:
            options["executable_path"] = found
        try:
            browser = await playwright.chromium.launch(**options)
        except Error as error:
            pytest.fail(f"Chromium did not start: {error.message.splitlines()[0]}")
        try:
            yield browser
        finally:
            await browser.close()


def _installed(path: str) -> bool:
    return Path(path).is_file()
