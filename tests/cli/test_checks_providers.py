from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiohttp import web
from small_servers import answer, break_off, hang

from cli.checks.providers import check_elevenlabs, check_openai, check_soniox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from small_servers import Handler, MakeSettings, Serve

    from cli.checks.result import Check, CheckResult
    from sim.providers import SimulatedProviders

KEY = "the-right-key"
LIMIT_S = 5.0

# check, its key, its base URL, and the form of that
PROVIDERS = [
    pytest.param(check_openai, "openai_api_key", "openai_base_url", "http://{}/v1", id="openai"),
    pytest.param(check_elevenlabs, "eleven_api_key", "elevenlabs_base_url", "http://{}/v1", id="elevenlabs"),
    pytest.param(check_soniox, "soniox_api_key", "soniox_base_url", "ws://{}/transcribe-websocket", id="soniox"),
]


@pytest_asyncio.fixture(scope="module")
async def providers() -> AsyncIterator[SimulatedProviders]:
    simulated, latency = pytest.importorskip("sim.providers"), pytest.importorskip("sim.latency")
    async with simulated.SimulatedProviders(profile=latency.fixed_profile(), api_key=KEY) as running:
        yield running


async def one(check: Check, settings: Any, limit_s: float = LIMIT_S) -> CheckResult:
    (result,) = await check(settings, limit_s)
    return result


@pytest.mark.parametrize(("check", "key", "base_url", "form"), PROVIDERS)
async def test_a_provider_that_answers_is_ok(
    make_settings: MakeSettings, providers: SimulatedProviders, check: Check, key: str, base_url: str, form: str
) -> None:
    """With the right key each provider of the usual wire protocol is ok, and no work is done there."""
    settings = make_settings(**{key: KEY, base_url: getattr(providers, base_url)})
    result = await one(check, settings)
    assert result.status == "ok", result
    assert "answers in" in result.found


@pytest.mark.parametrize(("check", "key", "base_url", "form"), PROVIDERS)
async def test_a_wrong_key_names_its_variable(
    make_settings: MakeSettings, providers: SimulatedProviders, check: Check, key: str, base_url: str, form: str
) -> None:
    """A key that is not accepted is a failure with the variable to check, and without the key."""
    settings = make_settings(**{key: "a-wrong-key", base_url: getattr(providers, base_url)})
    result = await one(check, settings)
    assert (result.status, result.found) == ("fail", "answers 401")
    assert f"Check {key.upper()}" in result.remedy
    assert "a-wrong-key" not in repr(result)


@pytest.mark.parametrize(("check", "key", "base_url", "form"), PROVIDERS)
async def test_a_missing_key_is_no_failure(
    make_settings: MakeSettings, check: Check, key: str, base_url: str, form: str
) -> None:
    """Without its key a provider is simulated, which the remedy says."""
    result = await one(check, make_settings())
    assert result.status == "skipped"
    assert result.remedy == f"`dev` simulates it; set {key.upper()} for the real one"


@pytest.mark.parametrize(("check", "key", "base_url", "form"), PROVIDERS)
async def test_a_provider_that_is_not_there_is_refused(
    make_settings: MakeSettings, refusing: str, check: Check, key: str, base_url: str, form: str
) -> None:
    """Nothing listening is told as such, with host and port, and with the variable to correct."""
    result = await one(check, make_settings(**{key: KEY, base_url: form.format(refusing)}))
    assert (result.status, result.found) == ("fail", f"{refusing} refuses connections")
    assert base_url.upper() in result.remedy


@pytest.mark.parametrize(("check", "key", "base_url", "form"), PROVIDERS)
async def test_a_host_without_an_address_is_told(
    make_settings: MakeSettings, check: Check, key: str, base_url: str, form: str
) -> None:
    """A name that cannot be resolved is told apart from a server that is down."""
    result = await one(check, make_settings(**{key: KEY, base_url: form.format("no-such-host.invalid")}))
    assert (result.status, result.found) == ("fail", "no address for no-such-host.invalid")


@pytest.mark.parametrize(("check", "key", "base_url", "form"), PROVIDERS)
async def test_a_provider_that_hangs_is_a_failure(
    make_settings: MakeSettings, serve: Serve, check: Check, key: str, base_url: str, form: str
) -> None:
    """A server that takes the connection and never answers is a failure after the limit."""
    place = await serve(hang)
    result = await one(check, make_settings(**{key: KEY, base_url: form.format(place)}), limit_s=0.2)
    assert (result.status, result.found) == ("fail", f"no answer from {place} within 0.2 s")


@pytest.mark.parametrize(("check", "key", "base_url", "form"), PROVIDERS)
async def test_a_broken_connection_is_a_failure(
    make_settings: MakeSettings, serve: Serve, check: Check, key: str, base_url: str, form: str
) -> None:
    """A server that closes instead of answering is a failure, not a traceback."""
    place = await serve(break_off)
    result = await one(check, make_settings(**{key: KEY, base_url: form.format(place)}))
    assert result.status == "fail"
    assert f"{place} breaks the connection" in result.found


@pytest.mark.parametrize(("check", "key", "base_url", "form"), PROVIDERS)
async def test_no_tls_behind_a_tls_address_is_told(
    make_settings: MakeSettings, serve: Serve, check: Check, key: str, base_url: str, form: str
) -> None:
    """An https address of a server without TLS says so, and which scheme is without."""
    place = await serve(answer(200))
    url = form.format(place).replace("http:", "https:").replace("ws:", "wss:")
    result = await one(check, make_settings(**{key: KEY, base_url: url}))
    assert (result.status, result.found) == ("fail", f"{place} does not speak TLS")


@pytest.mark.parametrize(("check", "key", "base_url", "form"), PROVIDERS)
@pytest.mark.parametrize(
    ("status", "remedy"),
    [(402, "Add credit"), (403, "may do"), (404, "Correct"), (429, "Wait"), (500, "status page")],
)
async def test_each_refusal_has_its_remedy(
    make_settings: MakeSettings,
    serve: Serve,
    check: Check,
    key: str,
    base_url: str,
    form: str,
    status: int,
    remedy: str,
) -> None:
    """What to do depends on what the provider answers."""
    place = await serve(answer(status))
    result = await one(check, make_settings(**{key: KEY, base_url: form.format(place)}))
    assert (result.status, result.found) == ("fail", f"answers {status}")
    assert remedy in result.remedy


@pytest.mark.parametrize("body", ["<html>hello</html>", "[]"])
@pytest.mark.parametrize(("check", "key", "base_url", "form"), PROVIDERS)
async def test_another_kind_of_server_is_told(
    make_settings: MakeSettings, serve: Serve, check: Check, key: str, base_url: str, form: str, body: str
) -> None:
    """A web server that answers everything with a page is not taken for the provider."""
    place = await serve(answer(200, body))
    result = await one(check, make_settings(**{key: KEY, base_url: form.format(place)}))
    assert result.status == "fail"
    assert base_url.upper() in result.remedy


@pytest.mark.parametrize(
    ("check", "fields", "variable"),
    [
        (check_openai, {"openai_api_key": KEY, "llm_model": "no-such-model"}, "LLM_MODEL"),
        (check_elevenlabs, {"eleven_api_key": KEY, "tts_voice": "no-such-voice"}, "TTS_VOICE"),
    ],
)
async def test_an_unknown_model_or_voice_is_a_warning(
    make_settings: MakeSettings, providers: SimulatedProviders, check: Check, fields: dict[str, str], variable: str
) -> None:
    """A model or voice that the provider does not list is told, with the variable to set."""
    urls = {name: getattr(providers, name) for name in ("openai_base_url", "elevenlabs_base_url")}
    result = await one(check, make_settings(**fields, **urls))
    assert result.status == "warn"
    assert variable in result.remedy


async def test_an_error_of_soniox_itself_is_read(make_settings: MakeSettings, providers: SimulatedProviders) -> None:
    """Soniox refuses within the stream: a model that it does not know names the setting."""
    settings = make_settings(soniox_api_key=KEY, soniox_base_url=providers.soniox_base_url, stt_model="no-such-model")
    result = await one(check_soniox, settings)
    assert (result.status, result.found) == ("fail", "answers 400")
    assert "STT_MODEL" in result.remedy


def socket_that(*sends: str) -> Handler:
    """A websocket server that takes the start of a stream, sends these texts and then waits."""

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        for text in sends:
            await socket.send_str(text)
        async for _ in socket:
            pass
        return socket

    return handler


@pytest.mark.parametrize(
    ("sends", "found", "remedy"),
    [
        (["hello"], "another protocol", "SONIOX_BASE_URL"),
        ([json.dumps({"error_code": "402", "error_message": "no credit"})], "answers 402", "Add credit"),
        ([json.dumps({"error_message": "?"})], "an error without a code", "status page"),
    ],
)
async def test_what_a_stream_begins_with_is_understood(
    make_settings: MakeSettings, serve: Serve, sends: list[str], found: str, remedy: str
) -> None:
    """An answer that is not Soniox's, a code given as text and an error without a code are each told."""
    place = await serve(socket_that(*sends))
    result = await one(check_soniox, make_settings(soniox_api_key=KEY, soniox_base_url=f"ws://{place}/x"))
    assert (result.status, result.found) == ("fail", found)
    assert remedy in result.remedy


async def test_a_stream_without_an_answer_is_a_failure(make_settings: MakeSettings, serve: Serve) -> None:
    """A stream that opens and then stays silent does not hang the check, not even while closing."""
    place = await serve(socket_that())
    settings = make_settings(soniox_api_key=KEY, soniox_base_url=f"ws://{place}/x")
    result = await one(check_soniox, settings, limit_s=0.2)
    assert (result.status, result.found) == ("fail", f"no answer from {place} within 0.2 s")
