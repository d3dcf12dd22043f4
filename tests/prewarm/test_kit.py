"""The kit: warmed at start even if a provider is away, leased a call at a time, closed without a trace."""

from __future__ import annotations

import asyncio
import gc
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from livekit.agents import APIError
from livekit.agents.llm import ChatContext
from livekit.plugins import openai, soniox

from prewarm import kit as kit_module
from prewarm.greeting import SynthesisFailed
from prewarm.kit import Components, Kit
from sim.ears.phrasebook import Phrasebook
from sim.latency import Fixed, LlmLatency, Profile, TtsLatency, fixed_profile
from sim.providers import SimulatedProviders
from sim.speech.library import load_speech
from tests.prewarm.wire import Wire
from turns.profiles import PROFILES
from turns.vad import VadFactory

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from tests.conftest import MakeSettings

GREETING = "Hello, this is the front desk."


@pytest.fixture(scope="module")
def vads() -> VadFactory:
    return VadFactory(PROFILES["fast"])


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """What a kit froze for its worker's life is collected again after a test."""
    yield
    gc.unfreeze()


@asynccontextmanager
async def simulated() -> AsyncGenerator[SimulatedProviders]:
    base = fixed_profile()
    quick = Profile(base.soniox, LlmLatency(Fixed(1), Fixed(0)), TtsLatency(Fixed(1), Fixed(100), 100))
    book = Phrasebook([load_speech()["hello"]])
    async with SimulatedProviders(profile=quick, ears=book.ears) as providers:
        yield providers


def pointed_at(providers: SimulatedProviders, **fields: Any) -> dict[str, Any]:
    return {
        "openai_base_url": providers.openai_base_url,
        "elevenlabs_base_url": providers.elevenlabs_base_url,
        "soniox_base_url": providers.soniox_base_url,
        "openai_api_key": "sim",
        "soniox_api_key": "sim",
        "eleven_api_key": "sim",
        "pool_size": 2,
        "max_retries": 0,
    } | fields


def at_wire(wire: Wire, **fields: Any) -> dict[str, Any]:
    return {
        "openai_base_url": f"http://{wire.address}/v1",
        "elevenlabs_base_url": f"http://{wire.address}/v1",
        "soniox_base_url": f"ws://{wire.address}/stt",
        "openai_api_key": "o",
        "soniox_api_key": "s",
        "eleven_api_key": "e",
        "max_retries": 0,
    } | fields


@asynccontextmanager
async def kit_of(make_settings: MakeSettings, vads: VadFactory, **fields: Any) -> AsyncGenerator[Kit]:
    settings = make_settings(**fields)
    kit = Kit(settings, make_vad=vads.make, stt_options=soniox.STTOptions(model=settings.stt_model))
    try:
        yield kit
    finally:
        await kit.aclose()


def instances(components: Components) -> list[Any]:
    return [components.stt.instance, components.tts.instance, components.llm.instance, components.vad.instance]


async def ask(kit: Kit) -> None:
    """One request to the LLM with the limits that a session gets."""
    with kit.llm.lease() as llm:
        context = ChatContext.empty()
        context.add_message(role="user", content="hello")
        async with llm.chat(chat_ctx=context, conn_options=kit.conn_options) as stream:
            async for _ in stream:
                pass


async def test_opening_warms_everything_before_the_first_call(make_settings: MakeSettings, vads: VadFactory) -> None:
    """All pools full, the voices' sockets open, the greeting in memory, and no step failed."""
    async with simulated() as providers, kit_of(make_settings, vads, **pointed_at(providers)) as kit:
        steps = await kit.open([GREETING])
        assert [(step.name, step.failed) for step in steps] == [
            ("stt", None),
            ("vad", None),
            ("llm", None),
            ("tts and greeting", None),
            ("garbage", None),
        ]
        assert all(step.took_ms >= 0 for step in steps)
        assert [pool.free for pool in (kit.stt, kit.tts, kit.llm, kit.vad)] == [2, 2, 2, 2]
        spoken = providers.stats["elevenlabs"]["generations"]
        greeting = await kit.greeting(GREETING)
        assert greeting.duration_ms > 1000
        assert providers.stats["elevenlabs"]["generations"] == spoken == 1


@pytest.mark.parametrize(
    ("faults", "failed"),
    [
        ({"elevenlabs": {"reject_every": 1, "reject_status": 503}}, ["tts and greeting"]),
        ({"soniox": {"reject_every": 1, "error_code": 503}}, []),
    ],
)
async def test_a_provider_that_is_down_does_not_keep_the_worker_from_starting(
    make_settings: MakeSettings, vads: VadFactory, faults: dict[str, Any], failed: list[str]
) -> None:
    """The step is reported, every pool is full, and a call can be leased its components."""
    async with simulated() as providers, kit_of(make_settings, vads, **pointed_at(providers)) as kit:
        providers.set_faults(faults)
        steps = await kit.open([GREETING])
        assert [step.name for step in steps if step.failed] == failed
        components = kit.lease()
        assert None not in instances(components)
        components.release()


async def test_an_llm_that_is_not_there_is_reported_by_kind_alone(
    make_settings: MakeSettings, vads: VadFactory
) -> None:
    """The reason is the error's type: its text may hold a key."""
    async with simulated() as providers, Wire(status=401) as wire:
        fields = pointed_at(providers, openai_base_url=f"http://{wire.address}/v1")
        async with kit_of(make_settings, vads, **fields) as kit:
            steps = {step.name: step.failed for step in await kit.open([])}
    assert steps["llm"] == "AuthenticationError"
    assert steps["tts and greeting"] is None


async def test_a_greeting_is_tried_with_a_second_voice(make_settings: MakeSettings, vads: VadFactory) -> None:
    """Both attempts failed: SynthesisFailed, both members replaced; a provider that is back greets the next."""
    async with simulated() as providers, kit_of(make_settings, vads, **pointed_at(providers)) as kit:
        providers.set_faults({"elevenlabs": {"reject_every": 1, "reject_status": 503}})
        with pytest.raises(SynthesisFailed):
            await kit.greeting(GREETING)
        assert kit.tts.replaced == 2
        providers.set_faults({"elevenlabs": {}})
        assert (await kit.greeting(GREETING)).text == GREETING


async def test_one_failed_greeting_breaks_one_voice_however_many_wait_for_it(
    make_settings: MakeSettings, vads: VadFactory
) -> None:
    """Six callers share two attempts: the voices that did not speak stay in the pool."""
    async with simulated() as providers, kit_of(make_settings, vads, **pointed_at(providers, pool_size=6)) as kit:
        await kit.tts.fill()
        providers.set_faults({"elevenlabs": {"reject_every": 1, "reject_status": 503}})
        results = await asyncio.gather(*(kit.greeting(GREETING) for _ in range(6)), return_exceptions=True)
        assert all(isinstance(result, SynthesisFailed) for result in results)
        assert (kit.tts.replaced, kit.tts.leased) == (2, 0)


async def test_a_caller_who_leaves_does_not_give_back_the_voice_that_speaks(
    make_settings: MakeSettings, vads: VadFactory
) -> None:
    """The synthesis has its member to itself until it ends, whoever waits for it."""
    async with simulated() as providers, kit_of(make_settings, vads, **pointed_at(providers)) as kit:
        providers.set_faults({"elevenlabs": {"stall_ms": 200}})
        leaver = asyncio.create_task(kit.greeting(GREETING))
        while not kit.tts.leased:
            await asyncio.sleep(0)
        leaver.cancel()
        await asyncio.gather(leaver, return_exceptions=True)
        assert kit.tts.leased == 1
        assert (await kit.greeting(GREETING)).text == GREETING
        assert kit.tts.leased == 0


async def test_the_greeting_is_another_one_for_another_voice(make_settings: MakeSettings, vads: VadFactory) -> None:
    """TTS_VOICE and TTS_MODEL are a part of what is remembered."""
    fields = {"openai_api_key": "x", "eleven_api_key": "x"}
    async with kit_of(make_settings, vads, **fields, tts_voice="ada", tts_model="m") as kit:
        key = kit.greeting_key("Hi")
        assert (key.text, key.voice, key.model) == ("Hi", "ada", "m")


@pytest.mark.parametrize(("retries", "requests"), [(0, 1), (1, 2)])
async def test_max_retries_is_the_number_of_further_attempts(
    make_settings: MakeSettings, vads: VadFactory, retries: int, requests: int
) -> None:
    """MAX_RETRIES=1: two requests at the provider, not one and not six."""
    async with Wire(status=500) as wire, kit_of(make_settings, vads, **at_wire(wire, max_retries=retries)) as kit:
        with pytest.raises(APIError):
            await ask(kit)
        assert len(wire.all("/chat/completions")) == requests


async def test_http_timeout_ends_a_request_that_is_not_answered(make_settings: MakeSettings, vads: VadFactory) -> None:
    """HTTP_TIMEOUT=0.5: given up in less than a fifth of the default of ten seconds."""
    async with Wire(hanging=True) as wire, kit_of(make_settings, vads, **at_wire(wire, http_timeout=0.5)) as kit:
        assert (kit.conn_options.timeout, kit.conn_options.max_retry) == (0.5, 0)
        began = asyncio.get_running_loop().time()
        with pytest.raises(APIError):
            await ask(kit)
        assert 0.4 < asyncio.get_running_loop().time() - began < 10


@pytest.mark.parametrize(("policy", "second_call_gets"), [("round_robin", 1), ("lru", 1)])
async def test_pool_size_and_policy_reach_the_pools(
    make_settings: MakeSettings, vads: VadFactory, policy: str, second_call_gets: int
) -> None:
    """POOL_SIZE members each; the second call in a row gets another member than the first."""
    async with Wire() as wire, kit_of(make_settings, vads, **at_wire(wire, pool_size=3, pool_policy=policy)) as kit:
        await kit.stt.fill()
        members = [member.instance for member in kit.stt._free]  # pyright: ignore[reportPrivateUsage]  # in the order of making
        assert len(members) == 3
        with kit.stt.lease() as first, kit.stt.lease() as second:
            pass
        # 0 came back last: round robin goes on to 2, least recently used too
        with kit.stt.lease() as third:
            pass
        with kit.stt.lease() as fourth:
            pass
        assert [first, second, third] == members
        # now they differ: the ring begins anew, rest counts from the last return (1 came back before 0)
        assert fourth is members[0 if policy == "round_robin" else second_call_gets]


async def test_the_process_of_one_call_makes_one_of_each(make_settings: MakeSettings, vads: VadFactory) -> None:
    """`size` overrides POOL_SIZE."""
    settings = make_settings(openai_api_key="o", soniox_api_key="s", eleven_api_key="e", pool_size=4)
    kit = Kit(settings, make_vad=vads.make, stt_options=soniox.STTOptions(), size=1)
    await asyncio.gather(kit.stt.fill(), kit.vad.fill())
    assert (kit.stt.free, kit.vad.free) == (1, 1)
    await kit.aclose()


async def test_two_calls_share_no_instance(make_settings: MakeSettings, vads: VadFactory) -> None:
    """Handlers, sockets and errors of one call stay with it."""
    async with Wire() as wire, kit_of(make_settings, vads, **at_wire(wire)) as kit:
        one, other = kit.lease(), kit.lease()
        assert not {id(each) for each in instances(one)} & {id(each) for each in instances(other)}
        one.release()
        one.release()
        other.release()
        assert repr(kit.stt) == "<Pool stt: 2 free, 0 leased, 0 replaced>"


@pytest.mark.parametrize("kind", ["stt", "tts", "llm"])
async def test_swapping_replaces_the_broken_member_alone(
    make_settings: MakeSettings, vads: VadFactory, kind: str
) -> None:
    """The call goes on with another one, the broken one is closed and replaced, the others stay."""
    async with simulated() as providers, kit_of(make_settings, vads, **pointed_at(providers)) as kit:
        await kit.open([])
        components = kit.lease()
        before = {name: getattr(components, name).instance for name in ("stt", "tts", "llm", "vad")}
        fresh = kit.swap(components, before[kind], "APIStatusError")
        after = {name: getattr(fresh, name).instance for name in before}
        assert [name for name in before if after[name] is not before[name]] == [kind]
        assert getattr(kit, kind).replaced == 1
        fresh.release()
        assert getattr(kit, kind).leased == 0


async def test_swapping_something_unknown_changes_nothing(make_settings: MakeSettings, vads: VadFactory) -> None:
    """An error whose source is not one of the leased members breaks none of them."""
    async with Wire() as wire, kit_of(make_settings, vads, **at_wire(wire)) as kit:
        components = kit.lease()
        before = instances(components)
        assert instances(kit.swap(components, object(), "?")) == before
        components.release()
        assert [pool.replaced for pool in (kit.stt, kit.tts, kit.llm)] == [0, 0, 0]


async def test_idle_connections_are_kept_warm(
    make_settings: MakeSettings, vads: VadFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The LLM's connection is used again and again, also after an attempt that failed."""
    monkeypatch.setattr(kit_module, "REFRESH_INTERVAL_S", 0.01)
    async with simulated() as providers, Wire(status=503) as wire:
        fields = pointed_at(providers, openai_base_url=f"http://{wire.address}/v1")
        async with kit_of(make_settings, vads, **fields) as kit:
            await kit.open([])
            before = len(wire.all("/models"))
            await wire.request("/models", count=before + 3)


async def test_closing_leaves_no_task_and_no_socket(make_settings: MakeSettings, vads: VadFactory) -> None:
    """After a call and with one whose lease is still out; closing twice is the same."""
    process = psutil.Process(os.getpid())
    async with simulated() as providers:
        before = len(process.net_connections("tcp"))
        tasks = asyncio.all_tasks()
        async with kit_of(make_settings, vads, **pointed_at(providers)) as kit:
            await kit.open([GREETING])
            await ask(kit)
            out = kit.lease()
            assert len(process.net_connections("tcp")) > before
        out.release()
        await kit.aclose()
        assert kit.clients.session.closed
        while len(process.net_connections("tcp")) > before or asyncio.all_tasks() - tasks:
            await asyncio.sleep(0.01)


async def test_the_clients_are_shared(make_settings: MakeSettings, vads: VadFactory) -> None:
    """One OpenAI client for all members, or a warm connection would be warm for one of them only."""
    async with Wire() as wire, kit_of(make_settings, vads, **at_wire(wire)) as kit:
        one, other = kit.llm.lease(), kit.llm.lease()
        assert isinstance(one.instance, openai.LLM)
        assert isinstance(other.instance, openai.LLM)
        assert one.instance._client is other.instance._client is kit.clients.openai  # pyright: ignore[reportPrivateUsage]  # the plugin shows it nowhere else
        one.release()
        other.release()
