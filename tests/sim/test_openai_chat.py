"""The simulated chat completions, driven by the real plugin and by bare HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from livekit.agents import APIConnectionError, APIConnectOptions, APIStatusError
from livekit.agents.llm import ChatContext, ToolContext, execute_function_call, function_tool
from livekit.plugins import openai

from sim.dialogue import Dialogue, FrontDesk, Reply, ScriptedDialogue
from sim.faults import OpenAiFaults
from sim.latency import Fixed, LlmLatency, Profile, fixed_profile
from sim.openai_chat import OpenAiSimulator
from sim.providers import SimulatedProviders

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

KEY = "secret"
LONG = " ".join(f"word{number}" for number in range(40))
NO_RETRY = APIConnectOptions(max_retry=0, timeout=10)


def profile(first_token_ms: float = 5, between_tokens_ms: float = 0) -> Profile:
    base = fixed_profile()
    return Profile(base.soniox, LlmLatency(Fixed(first_token_ms), Fixed(between_tokens_ms)), base.tts)


def server(dialogue: Dialogue | None = None, waits: Profile | None = None) -> SimulatedProviders:
    return SimulatedProviders(profile=waits or profile(), dialogue=dialogue, api_key=KEY, only=frozenset({"openai"}))


@asynccontextmanager
async def plugin(providers: SimulatedProviders, key: str = KEY) -> AsyncGenerator[openai.LLM]:
    llm = openai.LLM(model="gpt-4o-mini", base_url=providers.openai_base_url, api_key=key)
    try:
        yield llm
    finally:
        await llm.aclose()


def asking(text: str) -> ChatContext:
    context = ChatContext.empty()
    context.add_message(role="user", content=text)
    return context


async def post(providers: SimulatedProviders, body: Any, key: str | None = KEY) -> tuple[int, Any, Mapping[str, str]]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{providers.openai_base_url}/chat/completions", json=body) as response,
    ):
        return response.status, await response.json(), response.headers


def body(**more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], **more}


async def test_the_plugin_receives_the_words_one_by_one_and_the_usage() -> None:
    """Tokens join to the exact text; the usage chunk comes because the plugin asks for it."""
    async with server(ScriptedDialogue(["Hello, how are you?"])) as providers, plugin(providers) as llm:
        async with llm.chat(chat_ctx=asking("hi there"), conn_options=NO_RETRY) as stream:
            chunks = [chunk async for chunk in stream]
        contents = [chunk.delta.content for chunk in chunks if chunk.delta and chunk.delta.content]
        assert contents == ["Hello,", " how", " are", " you?"]
        usage = [chunk.usage for chunk in chunks if chunk.usage]
        assert [(u.prompt_tokens, u.completion_tokens) for u in usage] == [(2, 4)]
        assert providers.stats["openai"]["completed"] == 1
        assert providers.stats["openai"]["tokens"] == 4


async def test_the_first_token_waits_and_the_others_follow_in_their_rhythm() -> None:
    """First 200 ms, then 20 ms a token: the waits are lower bounds, and the first is the long one."""
    dialogue = ScriptedDialogue(["one two three four five"])
    async with server(dialogue, profile(200, 20)) as providers, plugin(providers) as llm:
        begun = time.monotonic()
        async with llm.chat(chat_ctx=asking("hi"), conn_options=NO_RETRY) as stream:
            at = [time.monotonic() - begun async for chunk in stream if chunk.delta and chunk.delta.content]
        assert len(at) == 5
        assert at[0] >= 0.2
        assert at[4] >= 0.2 + 4 * 0.02


async def test_the_plugin_calls_the_tool_and_hears_its_result_spoken() -> None:
    """Arguments in pieces are one JSON object at the plugin; the next request speaks what the tool said."""

    @function_tool
    async def opening_hours(day: str) -> str:
        """When the desk is open.

        Args:
            day: Day of the week.
        """
        return f"closed on {day}"

    async with server(FrontDesk()) as providers, plugin(providers) as llm:
        context = asking("Are you open on Sunday?")
        response = await llm.chat(chat_ctx=context, tools=[opening_hours], conn_options=NO_RETRY).collect()
        call = response.tool_calls[0]
        assert (call.name, json.loads(call.arguments), response.text) == ("opening_hours", {"day": "sunday"}, "")
        result = await execute_function_call(call, ToolContext([opening_hours]))
        assert result.fnc_call_out is not None
        context.insert([result.fnc_call, result.fnc_call_out])
        response = await llm.chat(chat_ctx=context, tools=[opening_hours], conn_options=NO_RETRY).collect()
        assert response.text.endswith("Closed on sunday.")


async def test_a_tool_result_on_the_wire_is_spoken() -> None:
    """Bare HTTP, the second half of a tool's round trip."""
    call = {"id": "c1", "type": "function", "function": {"name": "opening_hours", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "hours?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "open until six"},
    ]
    async with server(FrontDesk()) as providers:
        status, answer, _ = await post(providers, body(messages=messages))
    assert status == 200
    assert answer["choices"][0]["message"]["content"].endswith("Open until six.")
    assert answer["choices"][0]["finish_reason"] == "stop"


async def test_the_plugin_warms_up_at_the_models_route() -> None:
    """What the plugin asks for at its start is there, and one model can be looked up."""
    async with (
        server() as providers,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session,
    ):
        async with session.get(f"{providers.openai_base_url}/models") as response:
            names = [model["id"] for model in (await response.json())["data"]]
        assert "gpt-4o-mini" in names
        async with session.get(f"{providers.openai_base_url}/models/gpt-4o-mini") as response:
            assert (await response.json())["object"] == "model"


async def test_a_client_that_leaves_stops_the_stream() -> None:
    """Closing the plugin's stream is noticed at once: no more tokens are made, and it counts as cancelled."""
    async with server(ScriptedDialogue([LONG]), profile(5, 50)) as providers, plugin(providers) as llm:
        stream = llm.chat(chat_ctx=asking("hi"), conn_options=NO_RETRY)
        async for chunk in stream:
            if chunk.delta and chunk.delta.content:
                break
        await stream.aclose()
        await until(lambda: providers.stats["openai"]["active"] == 0)
        assert providers.stats["openai"]["cancelled"] == 1
        assert providers.stats["openai"]["tokens"] < 40


async def test_a_client_that_leaves_before_the_first_token_is_noticed_too() -> None:
    """The wait for the first token is the longest: it must not go on for nobody."""
    async with server(waits=profile(60_000)) as providers, plugin(providers) as llm:
        stream = llm.chat(chat_ctx=asking("hi"), conn_options=NO_RETRY)
        await until(lambda: providers.stats["openai"]["active"] == 1)
        await stream.aclose()
        await until(lambda: providers.stats["openai"]["cancelled"] == 1)


async def test_two_streams_at_once_keep_their_own_words() -> None:
    """Concurrent requests of one plugin instance do not wait for each other."""

    class Echo:
        def reply(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Reply:
            return Reply(text=str(messages[-1]["content"]))

    async with server(Echo(), profile(100, 5)) as providers, plugin(providers) as llm:
        streams = [llm.chat(chat_ctx=asking(text), conn_options=NO_RETRY) for text in ("one two", "three four")]
        answers = await asyncio.gather(*(stream.collect() for stream in streams))
    assert [answer.text for answer in answers] == ["one two", "three four"]


async def test_a_wrong_key_is_401_at_the_plugin() -> None:
    """The plugin sees a status error that it does not retry."""
    async with server() as providers, plugin(providers, key="wrong") as llm:
        with pytest.raises(APIStatusError) as caught:
            await llm.chat(chat_ctx=asking("hi"), conn_options=NO_RETRY).collect()
    assert caught.value.status_code == 401


async def test_errors_have_openais_shape() -> None:
    """401 without and with a wrong key, 400 with the parameter's name; the key is in no message."""
    async with server() as providers:
        missing = await post(providers, body(), key=None)
        wrong = await post(providers, body(), key="sk-wrong")
        assert (missing[0], wrong[0]) == (401, 401)
        assert wrong[1]["error"]["code"] == "invalid_api_key"
        assert "sk-wrong" not in json.dumps(wrong[1])
        for bad, param in (
            ({"model": ""}, "model"),
            ({"messages": []}, "messages"),
            ({"messages": ["hello"]}, "messages"),
            ({"max_tokens": 0}, "max_tokens"),
            ({"tools": "none"}, "tools"),
            ({"n": 2}, "n"),
            ({"stream_options": {"include_usage": True}}, "stream_options"),
        ):
            status, answer, _ = await post(providers, body(**bad))
            assert (status, answer["error"]["param"]) == (400, param)
            assert answer["error"]["type"] == "invalid_request_error"
        assert providers.stats["openai"]["rejected"] == 9


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_the_token_limit_cuts_the_answer_and_says_so(name: str) -> None:
    """A limit gives exactly that many tokens and finish_reason "length"."""
    async with server(ScriptedDialogue(["one two three four"])) as providers:
        _, answer, _ = await post(providers, body(**{name: 2}))
        assert answer["choices"][0]["message"]["content"] == "one two"
        assert answer["choices"][0]["finish_reason"] == "length"
        assert answer["usage"]["completion_tokens"] == 2
        _, answer, _ = await post(providers, body(**{name: 4}))
        assert answer["choices"][0]["finish_reason"] == "stop"


async def test_the_stream_on_the_wire_is_role_words_reason_usage_done() -> None:
    """The order that clients rely on, chunk by chunk."""
    request = body(stream=True, stream_options={"include_usage": True})
    async with (
        server(ScriptedDialogue(["Hi there"])) as providers,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session,
        session.post(f"{providers.openai_base_url}/chat/completions", json=request) as response,
    ):
        assert response.content_type == "text/event-stream"
        lines = [line.removeprefix("data: ") for line in (await response.text()).split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    chunks = [json.loads(line) for line in lines]
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 3
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]
    assert deltas == [{"role": "assistant", "content": ""}, {"content": "Hi"}, {"content": " there"}, {}]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None, None, None, "stop"]


async def test_every_nth_request_is_refused_with_a_retry_hint() -> None:
    """A rate limit as data: 429 with Retry-After for each second request, the others pass."""
    async with server() as providers:
        providers.set_faults({"openai": {"reject_every": 2, "reject_status": 429, "retry_after_s": 3}})
        answers = [await post(providers, body()) for _ in range(4)]
        assert [status for status, _, _ in answers] == [200, 429, 200, 429]
        assert answers[1][2]["Retry-After"] == "3"
        assert answers[1][1]["error"]["code"] == "rate_limit_exceeded"


async def test_a_connection_cut_in_the_middle_is_an_error_at_the_plugin() -> None:
    """After the given number of tokens the stream breaks; the words before it were delivered."""
    async with server(ScriptedDialogue([LONG]), profile(5, 2)) as providers, plugin(providers) as llm:
        providers.set_faults({"openai": {"drop_after_tokens": 3}})
        heard: list[str] = []

        async def listen() -> None:
            async with llm.chat(chat_ctx=asking("hi"), conn_options=NO_RETRY) as stream:
                async for chunk in stream:
                    heard.extend([chunk.delta.content] if chunk.delta and chunk.delta.content else [])

        with pytest.raises(APIConnectionError):
            await listen()
        assert heard == ["word0", " word1", " word2"]
        assert providers.stats["openai"]["dropped"] == 1


async def test_unknown_models_are_404_only_where_models_are_listed() -> None:
    """By default the simulator stands in for any model."""
    strict = OpenAiSimulator(FrontDesk(), profile().llm, models=["only-this"], faults=OpenAiFaults())
    app = web.Application()
    app.router.add_routes(strict.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/models"
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Bearer any"}) as session,
        session.get(f"{url}/only-this") as known,
        session.get(f"{url}/gpt-9") as unknown,
    ):
        assert (known.status, unknown.status) == (200, 404)
        assert (await unknown.json())["error"]["code"] == "model_not_found"
    await runner.cleanup()


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)
