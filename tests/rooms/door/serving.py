"""An application on a free loopback port, and all that was logged meanwhile."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import pytest


@asynccontextmanager
async def serving(app: web.Application, host: str = "127.0.0.1") -> AsyncGenerator[str]:
    """Its URL, without a path; asked for under "127.0.0.1" whatever it listens on."""
    # After an early answer aiohttp waits for the rest of the body, ten seconds if nobody sends it any more.
    runner = web.AppRunner(app, lingering_time=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Lines with their tracebacks, and each field of each record."""
    return caplog.text + "\n".join(repr(vars(record)) for record in caplog.records)
