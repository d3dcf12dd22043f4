"""The LiveKit server of LIVEKIT_URL: there, its key accepted, its clock ours, and audio comes through it."""

from __future__ import annotations

import secrets
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import aiohttp

from cli.checks.machine import ready_livekit_server
from cli.checks.network import NETWORK_ERRORS, refused, unreachable
from cli.checks.result import CheckResult, fail, ok, skipped, warn

if TYPE_CHECKING:
    from config import Settings

SERVER, KEY, CLOCK, AUDIO = "LiveKit server", "LiveKit key", "clock", "audio path"
SKEW_WARN_S = 5.0
SKEW_FAIL_S = 60.0
AUDIO_LIMIT_FACTOR = 2.0  # joining and hearing takes several exchanges


async def check_livekit(settings: Settings, limit_s: float) -> list[CheckResult]:
    """Four results; a later one is skipped when an earlier one makes it pointless."""
    url, key, secret = settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret
    if not url or not key or not secret:
        unset = [skipped(name, "LIVEKIT_URL is not set") for name in (KEY, CLOCK)]
        server = skipped(SERVER, "LIVEKIT_URL is not set", "`dev` brings its own server; `start` needs LIVEKIT_URL")
        return [server, *unset, await _local_audio_path(limit_s)]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=limit_s)) as session:
        server, clock = await _server_and_clock(session, url, limit_s)
        if server.status == "fail":
            return [server, *(skipped(name, "the server cannot be reached") for name in (KEY, CLOCK, AUDIO))]
        accepted = await _key(session, url, key, secret.get_secret_value(), limit_s)
    if accepted.status == "fail":
        return [server, accepted, clock, skipped(AUDIO, "the key is not accepted")]
    return [server, accepted, clock, await _audio_path(url, key, secret.get_secret_value(), limit_s)]


def clock_skew(date: str | None, sent_at: float, received_at: float) -> CheckResult:
    """Compares a `Date` header, which has whole seconds, with this machine's wall clock around the request.

    `sent_at`, `received_at`: seconds of `time.time()`.
    """
    try:
        # the header has lost its fraction: half a second on average
        theirs = parsedate_to_datetime(date or "").timestamp() + 0.5
    except ValueError:
        return skipped(CLOCK, "the server does not tell its time")
    ahead_s = (sent_at + received_at) / 2 - theirs
    remedy = "Set this machine's clock (timedatectl set-ntp true): tokens are valid for a span of time"
    found = f"{abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} the LiveKit server"
    if abs(ahead_s) > SKEW_FAIL_S:
        return fail(CLOCK, found, remedy)
    if abs(ahead_s) > SKEW_WARN_S:
        return warn(CLOCK, found, remedy)
    return ok(CLOCK, "as the LiveKit server's")


async def _server_and_clock(
    session: aiohttp.ClientSession, url: str, limit_s: float
) -> tuple[CheckResult, CheckResult]:
    no_clock = skipped(CLOCK, "the server cannot be reached")
    sent_at, begin_s = time.time(), time.perf_counter()
    try:
        async with session.get(_http(url)) as answer:
            received_at, took_ms = time.time(), (time.perf_counter() - begin_s) * 1000
            if answer.status != 200:
                remedy = "Correct LIVEKIT_URL: this is no LiveKit server, or a proxy before it has no route to it"
                return fail(SERVER, f"{url} answers {answer.status}", remedy), no_clock
            clock = clock_skew(answer.headers.get("Date"), sent_at, received_at)
            return ok(SERVER, f"{url} answers in {took_ms:.0f} ms"), clock
    except NETWORK_ERRORS as error:
        return unreachable(SERVER, "LIVEKIT_URL", url, error, limit_s), no_clock


async def _key(session: aiohttp.ClientSession, url: str, key: str, secret: str, limit_s: float) -> CheckResult:
    from google.protobuf.message import DecodeError
    from livekit import api

    try:
        # Not closed: it has nothing of its own, the session is ours.
        await api.LiveKitAPI(url, key, secret, session=session, failover=False).room.list_rooms(
            api.ListRoomsRequest(names=["doctor"])
        )
    except api.ServerError as error:
        remedies = {
            401: "Copy LIVEKIT_API_KEY and LIVEKIT_API_SECRET of this very server anew; a wrong clock looks the same",
            403: "Take a key that may list rooms",
            404: "Correct LIVEKIT_URL: something answers there, but not LiveKit's API",
        }
        return refused(KEY, error.status, remedies, otherwise="Look at the LiveKit server's log")
    except DecodeError:
        return fail(KEY, "another protocol", "Correct LIVEKIT_URL: what answers there is not a LiveKit server")
    except NETWORK_ERRORS as error:
        return unreachable(KEY, "LIVEKIT_URL", url, error, limit_s)
    return ok(KEY, "accepted")


async def _audio_path(url: str, key: str, secret: str, limit_s: float) -> CheckResult:
    """A tone goes from one participant to another."""
    try:
        from sim.caller import Caller, CallerError, CallerTimeout, mint_caller_token
        from sim.publisher import FloorPublisher
    except ImportError:
        return skipped(AUDIO, "the simulated caller is not installed", "Restore the folder sim/")
    room, audio_limit_s = f"doctor-{secrets.token_hex(4)}", AUDIO_LIMIT_FACTOR * limit_s

    def token(identity: str) -> str:
        return mint_caller_token(key, secret, room, identity)

    try:
        async with (
            FloorPublisher(url, token("tone"), name="tone"),
            Caller(url, token("ear"), name="ear", connect_timeout_s=audio_limit_s) as caller,
        ):
            heard = await caller.first_word(audio_limit_s)
    except CallerTimeout:
        return fail(
            AUDIO,
            f"no tone is heard within {audio_limit_s:g} s",
            "Open the server's UDP ports (rtc.udp_port or port_range_*), and let rtc.node_ip be an address that"
            " this machine reaches",
        )
    except CallerError as error:
        return fail(AUDIO, str(error), "Look at the LiveKit server's log")
    return ok(AUDIO, f"a tone is heard {heard.ttfw_ms:.0f} ms after joining")


async def _local_audio_path(limit_s: float) -> CheckResult:
    """The same through a server like the one that `dev` brings, when it is there already."""
    binary = ready_livekit_server()
    if binary is None:
        return skipped(AUDIO, "no LiveKit server yet", "Run `dev` once, or set LIVEKIT_URL")
    try:
        from sim.livekit_server import LiveKitStartError, LocalLiveKit
    except ImportError:
        return skipped(AUDIO, "LIVEKIT_URL is not set")
    try:
        async with LocalLiveKit(binary=binary) as server:
            return await _audio_path(server.url, server.api_key, server.api_secret, limit_s)
    except LiveKitStartError as error:
        return fail(AUDIO, str(error), f"Remove {binary}: `dev` then brings a new one")


def _http(url: str) -> str:
    return f"http{url.removeprefix('ws')}" if url.startswith("ws") else url
