"""A thousand malformed requests over real sockets, of all kinds at once."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import random
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from rooms.door.app import door_app
from rooms.door.passes import SignedPasses
from rooms.door.rate import Rate
from rooms.performance.endpoint import PATH as PERFORMANCE
from rooms.performance.endpoint import performance_app
from rooms.performance.live import LivePerformance
from rooms.webhooks.receiver import PATH as WEBHOOK
from rooms.webhooks.receiver import Webhooks
from tests.rooms.door.malformed import Malformed, Malformer
from tests.rooms.door.serving import serving
from tests.rooms.webhooks.signing import KEY, event, send
from utils.logging_config import THIRD_PARTY, configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUESTS = 1000
AT_ONCE = 20
SEED = int(os.environ.get("FUZZ_SEED", "20"))
ADMIN = "admin-token-of-the-settings"
PASSES = SignedPasses("pass-secret-" + "p" * 32)


async def status_of(port: int, request: Malformed) -> tuple[int | None, bytes]:
    """What came back, until the connection ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request.sent)
        if None in request.statuses:
            writer.write_eof()
        async with asyncio.timeout(30):
            answer = await reader.read()
    except ConnectionError:
        return None, b""
    finally:
        writer.close()
    return (int(answer.split()[1]) if answer else None), answer


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the project's own logging writes, at its most talkative."""
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in THIRD_PARTY}
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging("DEBUG", json=True)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, value in levels.items():
        logging.getLogger(name).setLevel(value)


async def test_a_thousand_malformed_requests(
    written: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each gets the status that it deserves; nothing crashes, nothing changes, and no secret is told or logged."""
    monkeypatch.chdir(tmp_path)
    print(f"FUZZ_SEED={SEED}")
    good = PASSES.issue("ada", ["one"], ttl_s=3600)
    malformer = Malformer(random.Random(SEED), given=good, admin=ADMIN)
    requests = [malformer.one() for _ in range(REQUESTS)]
    told: list[str] = []

    async def note(each: object) -> None:
        told.append(str(each))

    async with LivePerformance() as live, Webhooks(KEY) as hooks:
        before = live.current
        hooks.subscribe(note)
        app = web.Application()
        app.add_subapp(
            "/door",
            door_app("wss://x", KEY, authenticate=PASSES, per_address=Rate("9999/hour"), per_caller=Rate("9999/hour")),
        )
        app.add_subapp(PERFORMANCE, performance_app(live, token=ADMIN))
        app.router.add_post(WEBHOOK, hooks.handle)
        async with serving(app) as root:
            port = int(root.rpartition(":")[2])
            slots = asyncio.Semaphore(AT_ONCE)

            async def ask(request: Malformed) -> tuple[int | None, bytes]:
                async with slots:
                    return await status_of(port, request)

            answers = await asyncio.gather(*(ask(request) for request in requests))
            wrong = [
                f"{request.kind}: {status}, not {request.statuses}: {request.sent[:300]!r}"
                for request, (status, _) in zip(requests, answers, strict=True)
                if status not in request.statuses
            ]
            assert wrong == [], f"FUZZ_SEED={SEED}"
            assert (await send(f"{root}{WEBHOOK}", event()))[0] == 200
        assert live.current == before
    assert len(told) == 1
    assert min(Counter(request.kind for request in requests).values()) > REQUESTS / 100
    lines = written.getvalue()
    assert [line for line in lines.splitlines() if json.loads(line)["level"] in ("error", "critical")] == []
    assert '"event": "a webhook ' in lines
    for secret in (KEY.secret, "pass-secret-", ADMIN, good, good.rpartition(".")[2]):
        assert secret not in lines
    for secret in (KEY.secret, "pass-secret-", ADMIN):
        assert not any(secret.encode() in answer for _, answer in answers)
