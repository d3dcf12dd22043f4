from __future__ import annotations

import os
import sys
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from aiohttp import web
from small_servers import answer, break_off, hang

from cli.checks.livekit_server import check_livekit, clock_skew

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from small_servers import MakeSettings, Serve

    from cli.checks.result import CheckResult
    from sim.caller import Caller
    from sim.livekit_server import LocalLiveKit

LIMIT_S = 5.0
UNREACHED = {"LiveKit key": "skipped", "clock": "skipped", "audio path": "skipped"}


@pytest_asyncio.fixture(scope="module")
async def livekit() -> AsyncIterator[LocalLiveKit]:
    simulated = pytest.importorskip("sim.livekit_server")
    async with simulated.LocalLiveKit() as server:
        yield server


def by_name(results: list[CheckResult]) -> dict[str, CheckResult]:
    return {result.name: result for result in results}


def statuses(results: list[CheckResult]) -> dict[str, str]:
    return {result.name: result.status for result in results}


async def checked(make_settings: MakeSettings, url: str, limit_s: float = LIMIT_S) -> list[CheckResult]:
    """The results for a server at `url` with any credentials."""
    settings = make_settings(livekit_url=url, livekit_api_key="key", livekit_api_secret="s" * 32)
    return await check_livekit(settings, limit_s)


async def test_a_good_server_is_ok_and_a_tone_is_heard(make_settings: MakeSettings, livekit: LocalLiveKit) -> None:
    """With a real server and its key everything is ok, down to a tone that one participant hears of another."""
    settings = make_settings(
        livekit_url=livekit.url, livekit_api_key=livekit.api_key, livekit_api_secret=livekit.api_secret
    )
    results = by_name(await check_livekit(settings, LIMIT_S))
    assert statuses(list(results.values())) == {
        "LiveKit server": "ok",
        "LiveKit key": "ok",
        "clock": "ok",
        "audio path": "ok",
    }
    assert "a tone is heard" in results["audio path"].found


@pytest.mark.parametrize("wrong", ["livekit_api_key", "livekit_api_secret"])
async def test_a_wrong_key_or_secret_is_told(make_settings: MakeSettings, livekit: LocalLiveKit, wrong: str) -> None:
    """The server is there but refuses: only the key fails, and no audio is tried with it."""
    right = {"livekit_api_key": livekit.api_key, "livekit_api_secret": livekit.api_secret}
    settings = make_settings(livekit_url=livekit.url, **{**right, wrong: "w" * 32})
    results = by_name(await check_livekit(settings, LIMIT_S))
    assert statuses(list(results.values())) == {
        "LiveKit server": "ok",
        "LiveKit key": "fail",
        "clock": "ok",
        "audio path": "skipped",
    }
    assert results["LiveKit key"].found == "answers 401"
    assert "LIVEKIT_API_KEY and LIVEKIT_API_SECRET" in results["LiveKit key"].remedy


async def test_a_server_that_is_not_there_is_refused(make_settings: MakeSettings, refusing: str) -> None:
    """One failure with host and port; what depends on the server is skipped."""
    results = await checked(make_settings, f"ws://{refusing}")
    assert statuses(results) == {"LiveKit server": "fail", **UNREACHED}
    assert results[0].found == f"{refusing} refuses connections"
    assert results[0].remedy == "Start that server, or correct LIVEKIT_URL"


async def test_a_host_without_an_address_is_told(make_settings: MakeSettings) -> None:
    """A misspelt host is told apart from a server that is down."""
    results = await checked(make_settings, "wss://no-such-project.invalid")
    assert statuses(results) == {"LiveKit server": "fail", **UNREACHED}
    assert results[0].found == "no address for no-such-project.invalid"


async def test_a_server_that_hangs_is_a_failure(make_settings: MakeSettings, serve: Serve) -> None:
    """A server that never answers makes a failure after the limit."""
    place = await serve(hang)
    results = await checked(make_settings, f"ws://{place}", limit_s=0.2)
    assert statuses(results) == {"LiveKit server": "fail", **UNREACHED}
    assert results[0].found == f"no answer from {place} within 0.2 s"


async def test_a_broken_connection_is_a_failure(make_settings: MakeSettings, serve: Serve) -> None:
    """A server that closes instead of answering is a failure, not a traceback."""
    results = await checked(make_settings, f"ws://{await serve(break_off)}")
    assert statuses(results) == {"LiveKit server": "fail", **UNREACHED}


async def test_another_web_server_is_told(make_settings: MakeSettings, serve: Serve) -> None:
    """A server without LiveKit's API is not taken for one, whether it has the page or not."""
    results = await checked(make_settings, f"http://{await serve(answer(404))}")
    assert statuses(results) == {"LiveKit server": "fail", **UNREACHED}
    assert results[0].found.endswith("answers 404")

    async def only_root(request: web.Request) -> web.StreamResponse:
        return web.Response(status=200 if request.path == "/" else 404)

    results = await checked(make_settings, f"http://{await serve(only_root)}")
    assert statuses(results)["LiveKit key"] == "fail"
    assert "LIVEKIT_URL" in results[1].remedy


async def test_a_clock_that_is_wrong_is_told_whatever_the_key_gives(make_settings: MakeSettings, serve: Serve) -> None:
    """The server's own time is compared: an hour is a failure of the clock, also when the key is refused."""
    begun_s = time.time()
    place = await serve(answer(200, "OK", Date=formatdate(begun_s - 3600, usegmt=True)))
    results = by_name(await checked(make_settings, f"ws://{place}"))
    told, _, rest = results["clock"].found.partition(" ")
    # The header is without its fraction, and as old as the check has taken by now.
    assert 3599 <= int(told) <= 3601 + time.time() - begun_s
    assert (results["clock"].status, rest) == ("fail", "s ahead of the LiveKit server")
    assert results["LiveKit key"].found == "another protocol", "it answers OK to everything"


@pytest.mark.parametrize(
    ("ahead_s", "status", "found"),
    [
        (0, "ok", "as the LiveKit server's"),
        (4, "ok", "as the LiveKit server's"),
        (-4, "ok", "as the LiveKit server's"),
        (6, "warn", "6 s ahead of the LiveKit server"),
        (-59, "warn", "59 s behind the LiveKit server"),
        (61, "fail", "61 s ahead of the LiveKit server"),
        (-7200, "fail", "7200 s behind the LiveKit server"),
    ],
)
def test_clocks_may_differ_by_a_few_seconds(ahead_s: float, status: str, found: str) -> None:
    """Over 5 s is a warning, over 60 s a failure, both with the way to set the clock."""
    server_time = 1_800_000_000
    middle = server_time + 0.5 + ahead_s
    result = clock_skew(formatdate(server_time, usegmt=True), middle - 0.1, middle + 0.1)
    assert (result.status, result.found) == (status, found)
    assert ("clock" in result.remedy) == (status != "ok")


@pytest.mark.parametrize("date", [None, "", "soon"])
def test_a_server_without_a_readable_time_is_no_failure(date: str | None) -> None:
    """Without a time to compare with there is nothing to say."""
    assert clock_skew(date, 0.0, 0.0).status == "skipped"


async def test_audio_that_does_not_come_through_names_the_ports(
    make_settings: MakeSettings, livekit: LocalLiveKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When signalling works and no tone is heard, the remedy is about UDP."""

    simulated = pytest.importorskip("sim.caller")

    async def nothing(self: Caller, timeout_s: float) -> None:
        raise simulated.CallerTimeout(f"waited {timeout_s} s")

    monkeypatch.setattr(simulated.Caller, "first_word", nothing)
    settings = make_settings(
        livekit_url=livekit.url, livekit_api_key=livekit.api_key, livekit_api_secret=livekit.api_secret
    )
    result = by_name(await check_livekit(settings, LIMIT_S))["audio path"]
    assert (result.status, result.found) == ("fail", "no tone is heard within 10 s")
    assert "UDP" in result.remedy


async def test_without_a_url_the_local_server_carries_the_tone(make_settings: MakeSettings) -> None:
    """With no LIVEKIT_URL nothing fails, and the audio path is that of the server which `dev` would start."""
    results = by_name(await check_livekit(make_settings(), LIMIT_S))
    assert results["LiveKit server"].status == "skipped"
    assert "LIVEKIT_URL" in results["LiveKit server"].remedy
    assert results["audio path"].status in ("ok", "skipped"), results["audio path"]


async def test_without_any_server_the_audio_path_is_skipped(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is built or downloaded for a check."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = by_name(await check_livekit(make_settings(), LIMIT_S))["audio path"]
    assert (result.status, result.found) == ("skipped", "no LiveKit server yet")
    assert os.listdir(tmp_path) == []  # noqa: PTH208  # a Path would block just the same


async def test_without_the_folder_sim_only_the_audio_path_is_skipped(
    make_settings: MakeSettings, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy without the simulated caller can still check its server and its key."""
    for name in ("sim.caller", "sim.publisher", "sim.livekit_server", "sim.livekit_binary"):
        monkeypatch.setitem(sys.modules, name, None)
    results = await checked(make_settings, f"ws://{await serve(answer(200, ''))}")
    assert statuses(results) == {
        "LiveKit server": "ok",
        "LiveKit key": "ok",
        "clock": "ok",
        "audio path": "skipped",
    }
    results = await check_livekit(make_settings(), LIMIT_S)
    assert statuses(results)["audio path"] == "skipped"


async def test_a_local_server_that_does_not_start_is_told(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken program in the place of livekit-server is a failure that names it."""
    pytest.importorskip("sim.livekit_server")
    broken = tmp_path / "livekit-server"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    result = by_name(await check_livekit(make_settings(), LIMIT_S))["audio path"]
    assert result.status == "fail"
    assert str(broken) in result.remedy
