"""The three providers: reachable, key accepted, model and voice known. No request costs money."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, cast

import aiohttp

from cli.checks.network import NETWORK_ERRORS, refused, unreachable
from cli.checks.result import CheckResult, fail, ok, skipped, warn

if TYPE_CHECKING:
    from config import Settings

OPENAI, SONIOX, ELEVENLABS = "OpenAI (LLM)", "Soniox (STT)", "ElevenLabs (TTS)"
BUSY = "Wait, or raise the limits of the account"
CREDIT = "Add credit to the account"


async def check_openai(settings: Settings, limit_s: float) -> list[CheckResult]:
    if not settings.openai_api_key:
        return [_no_key(OPENAI, "OPENAI_API_KEY")]
    headers = {"Authorization": f"Bearer {settings.openai_api_key.get_secret_value()}"}
    url = f"{settings.openai_base_url}/models"
    answer = await _get(
        OPENAI, "OPENAI_BASE_URL", url, headers, limit_s, _remedies("OPENAI_API_KEY", "OPENAI_BASE_URL")
    )
    if isinstance(answer, CheckResult):
        return [answer]
    return [_known(OPENAI, "LLM_MODEL", settings.llm_model, answer, "data", "id")]


async def check_elevenlabs(settings: Settings, limit_s: float) -> list[CheckResult]:
    if not settings.eleven_api_key:
        return [_no_key(ELEVENLABS, "ELEVEN_API_KEY")]
    headers = {"xi-api-key": settings.eleven_api_key.get_secret_value()}
    url = f"{settings.elevenlabs_base_url}/voices"
    remedies = _remedies("ELEVEN_API_KEY", "ELEVENLABS_BASE_URL")
    remedies[401] += ", or let it read voices if it is a restricted one"
    answer = await _get(ELEVENLABS, "ELEVENLABS_BASE_URL", url, headers, limit_s, remedies)
    if isinstance(answer, CheckResult):
        return [answer]
    return [_known(ELEVENLABS, "TTS_VOICE", settings.tts_voice, answer, "voices", "voice_id")]


async def check_soniox(settings: Settings, limit_s: float) -> list[CheckResult]:
    """Opens a stream, sends no audio and ends it: the answer is its end, or what is wrong."""
    if not settings.soniox_api_key:
        return [_no_key(SONIOX, "SONIOX_API_KEY")]
    remedies = _remedies("SONIOX_API_KEY", "SONIOX_BASE_URL")
    remedies[400] = "Correct STT_MODEL or LANGUAGE_HINTS"
    headers = {"Authorization": f"Bearer {settings.soniox_api_key.get_secret_value()}"}
    start: dict[str, object] = {
        "model": settings.stt_model,
        "audio_format": "pcm_s16le",
        "sample_rate": 16_000,
        "num_channels": 1,
        "language_hints": list(settings.language_hints),
    }
    begin_s = time.perf_counter()
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=limit_s)) as session,
            session.ws_connect(settings.soniox_base_url, headers=headers, timeout=_at_once(limit_s)) as socket,
        ):
            await socket.send_str(json.dumps(start))
            await socket.send_str("")
            answer = await socket.receive(timeout=limit_s)
    except aiohttp.WSServerHandshakeError as error:
        return [refused(SONIOX, error.status, remedies) if error.status >= 400 else _other(SONIOX, "SONIOX_BASE_URL")]
    except NETWORK_ERRORS as error:
        return [unreachable(SONIOX, "SONIOX_BASE_URL", settings.soniox_base_url, error, limit_s)]
    content = _json_object(answer.data) if answer.type is aiohttp.WSMsgType.TEXT else None
    if content is None:
        return [_other(SONIOX, "SONIOX_BASE_URL")]
    if content.get("error_code"):
        return [refused(SONIOX, _status(content.get("error_code")), remedies)]
    if content.get("error_message"):
        return [fail(SONIOX, "an error without a code", "Look at the provider's status page")]
    return [ok(SONIOX, f"answers in {(time.perf_counter() - begin_s) * 1000:.0f} ms, {settings.stt_model}")]


async def _get(
    name: str, variable: str, url: str, headers: dict[str, str], limit_s: float, remedies: dict[int, str]
) -> tuple[dict[str, Any], float] | CheckResult:
    """The JSON object that is answered and how many milliseconds it took, or what went wrong."""
    begin_s = time.perf_counter()
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=limit_s)) as session,
            session.get(url, headers=headers) as answer,
        ):
            body = await answer.text()
            if answer.status != 200:
                return refused(name, answer.status, remedies)
    except NETWORK_ERRORS as error:
        return unreachable(name, variable, url, error, limit_s)
    content = _json_object(body)
    if content is None:
        return _other(name, variable)
    return content, (time.perf_counter() - begin_s) * 1000


def _known(
    name: str, variable: str, wanted: str, answer: tuple[dict[str, Any], float], list_name: str, id_name: str
) -> CheckResult:
    """Whether the wanted model or voice is in the provider's list."""
    content, took_ms = answer
    entries = content.get(list_name)
    known = {
        cast("dict[str, object]", entry).get(id_name)
        for entry in (cast("list[object]", entries) if isinstance(entries, list) else [])
        if isinstance(entry, dict)
    }
    if wanted in known:
        return ok(name, f"answers in {took_ms:.0f} ms, {wanted}")
    return warn(
        name,
        f"answers in {took_ms:.0f} ms, but {wanted} is not among the {len(known)} in its list",
        f"Set {variable} to one that the key may use",
    )


def _remedies(key: str, base_url: str) -> dict[int, str]:
    return {
        401: f"Check {key}",
        402: CREDIT,
        403: f"Check what {key} may do, and whether the provider serves this country",
        404: f"Correct {base_url}",
        429: BUSY,
    }


def _other(name: str, variable: str) -> CheckResult:
    return fail(name, "another protocol", f"Correct {variable}: what answers there is not this provider's API")


def _no_key(name: str, variable: str) -> CheckResult:
    return skipped(name, f"{variable} is not set", f"`dev` simulates it; set {variable} for the real one")


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        content: object = json.loads(text)
    except ValueError:
        return None
    return cast("dict[str, Any]", content) if isinstance(content, dict) else None


def _status(code: object) -> int:
    return int(code) if isinstance(code, int) or (isinstance(code, str) and code.isdigit()) else 0


def _at_once(limit_s: float) -> aiohttp.ClientWSTimeout:
    """Closing waits for the other side no longer than anything else."""
    # made with attrs in a way that type checkers do not see through
    return cast("Any", aiohttp.ClientWSTimeout)(ws_receive=limit_s, ws_close=limit_s)
