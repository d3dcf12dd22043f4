"""The kit: warmed at start even if a provider is away, leased a call at a time, closed without a trace."""

from __future__ import annotations

import asyncio
import gc
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from livekit.agents import APIError
from livekit.agents.llm import ChatContext
from livekit.plugins import openai, soniox

from prewarm import kit as kit_module
from prewarm.greeting import Greeting, SynthesisFailed
from prewarm.kit import Components, Kit
from sim.ears.phrasebook import Phrasebook
from sim.latency import Fixed, LlmLatency, Profile, TtsLatency, fixed_profile
from sim.providers import SimulatedProviders
from sim.speech.library import load_speech
from tests.prewarm.wire import Wire
from turns.profiles import PROFILES
from turns.vad import VadFactory
from utils.audio import SPEECH_DBFS, first_audible, speech_level_dbfs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from tests.conftest import MakeSettings

GREETING = "Hello, this is the front desk."
RATE_HZ = 24_000


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
    kit = Kit(
        settings,
        make_vad=lambda _: vads.make(),
        stt_options=lambda call: soniox.STTOptions(model=call.stt_model),
    )
    try:
        yield kit
    finally:
        await kit.aclose()


def instances(components: Components) -> list[Any]:
    return [components.stt.instance, components.tts.instance, components.llm.instance, components.vad.instance]


def samples_of(greeting: Greeting) -> list[bytes]:
    """Loud pieces of its sound, short enough to lie in one page of a database."""
    pieces = [greeting.pcm[begin : begin + 100] for begin in range(0, len(greeting.pcm), 500)]
    return [piece.tobytes() for piece in pieces if np.abs(piece).max() > 1000]


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
    """TTS_VOICE, TTS_MODEL, ELEVENLABS_BASE_URL and TRIM_GREETING are a part of what is remembered, the LLM is not."""
    fields = {"openai_api_key": "x", "eleven_api_key": "x", "tts_voice": "ada", "tts_model": "m"}
    changes: list[dict[str, Any]] = [
        {},
        {"tts_voice": "alan"},
        {"tts_model": "n"},
        {"elevenlabs_base_url": "http://127.0.0.1:1/v1"},
        {"trim_greeting": False},
        {"llm_model": "o"},
    ]
    names: list[str] = []
    for change in changes:
        async with kit_of(make_settings, vads, **fields | change) as kit:
            names.append(kit.greeting_key("Hi").digest())
    assert names[-1] == names[0]
    assert len(set(names)) == len(names) - 1


@pytest.mark.parametrize(("mode", "spoken"), [("disk", [1, 1, 1, 1]), ("memory", [1, 1, 2, 2]), ("off", [0, 3, 3, 6])])
async def test_where_the_greeting_is_kept(
    make_settings: MakeSettings, vads: VadFactory, mode: str, spoken: list[int]
) -> None:
    """GREETING_CACHE: spoken once for good, once a worker, or for each of three callers, also if they come at once.

    The counts are after a worker's start, after its three calls, and the same for the next worker.
    """
    async with simulated() as providers:
        counts: list[float] = []
        for _ in range(2):
            async with kit_of(make_settings, vads, **pointed_at(providers, greeting_cache=mode)) as kit:
                await kit.open([GREETING])
                counts.append(providers.stats["elevenlabs"]["generations"])
                greetings = await asyncio.gather(*(kit.greeting(GREETING) for _ in range(3)))
                counts.append(providers.stats["elevenlabs"]["generations"])
                assert all(greeting.duration_ms > 1000 for greeting in greetings)
    assert counts == spoken


@pytest.mark.parametrize("mode", ["memory", "off"])
async def test_without_the_disk_nothing_is_written(
    make_settings: MakeSettings, vads: VadFactory, tmp_path: Path, mode: str
) -> None:
    """No folder is made."""
    async with (
        simulated() as providers,
        kit_of(make_settings, vads, **pointed_at(providers, greeting_cache=mode)) as kit,
    ):
        await kit.greeting(GREETING)
    assert list(tmp_path.iterdir()) == []


async def test_a_user_without_a_home_is_greeted_from_memory(
    make_settings: MakeSettings, vads: VadFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning, which names the setting that helps."""
    async with simulated() as providers:
        fields = pointed_at(providers, greeting_cache_dir="~nobody-of-this-name/greetings")
        async with kit_of(make_settings, vads, **fields) as kit:
            assert await kit.greeting(GREETING) is await kit.greeting(GREETING)
    told = [record.getMessage() for record in caplog.records if record.name == "prewarm"]
    assert len(told) == 1
    assert "GREETING_CACHE_DIR" in told[0]


async def test_what_names_a_caller_is_kept_nowhere(
    make_settings: MakeSettings, vads: VadFactory, tmp_path: Path
) -> None:
    """Spoken for each call anew, as loud as the opening; neither memory nor disk gets anything of it."""
    async with simulated() as providers:
        async with kit_of(make_settings, vads, **pointed_at(providers)) as kit:
            opening = await kit.greeting(GREETING)
            personal = [await kit.personal("How can I help you, Ada?") for _ in range(2)]
            assert providers.stats["elevenlabs"]["generations"] == 3
            assert kit.greetings.peek(kit.greeting_key(personal[0].text)) is None
            for greeting in (opening, *personal):
                assert speech_level_dbfs(greeting.pcm, RATE_HZ) == pytest.approx(SPEECH_DBFS, abs=0.5)
        kept = b"".join(file.read_bytes() for file in (tmp_path / "greetings").iterdir())
        assert any(part in kept for part in samples_of(opening))
        assert not any(part in kept for part in (b"help you, Ada", b"front desk", *samples_of(personal[0])))


async def test_a_personal_part_that_fails_says_so_and_gives_its_voice_back(
    make_settings: MakeSettings, vads: VadFactory
) -> None:
    """One attempt: the caller hears the opening meanwhile and does not wait for a second one."""
    async with simulated() as providers, kit_of(make_settings, vads, **pointed_at(providers)) as kit:
        await kit.tts.fill()
        providers.set_faults({"elevenlabs": {"reject_every": 1, "reject_status": 503}})
        with pytest.raises(SynthesisFailed):
            await kit.personal("Hi Ada!")
        assert (kit.tts.replaced, kit.tts.leased) == (1, 0)


@pytest.mark.parametrize("trimmed", [True, False])
async def test_trim_greeting_cuts_the_providers_silence(
    make_settings: MakeSettings, vads: VadFactory, trimmed: bool
) -> None:
    """TRIM_GREETING=false: the 100 ms that the provider sends in front are played, in both parts."""
    async with (
        simulated() as providers,
        kit_of(make_settings, vads, **pointed_at(providers, trim_greeting=trimmed)) as kit,
    ):
        parts = [await kit.greeting(GREETING), await kit.personal("Hi Ada!")]
    for part in parts:
        first = first_audible(part.pcm, RATE_HZ)
        assert first is not None
        assert (first < RATE_HZ * 20 // 1000) is trimmed
        assert (first > RATE_HZ * 80 // 1000) is not trimmed


@pytest.mark.parametrize("frozen", [True, False])
async def test_freeze_garbage_is_a_step_that_can_be_left_out(
    make_settings: MakeSettings, vads: VadFactory, frozen: bool
) -> None:
    """FREEZE_GARBAGE=false: the collector sees everything, and no step is told of."""
    gc.unfreeze()
    async with (
        simulated() as providers,
        kit_of(make_settings, vads, **pointed_at(providers, freeze_garbage=frozen)) as kit,
    ):
        steps = [step.name for step in await kit.open([])]
        assert ("garbage" in steps, gc.get_freeze_count() > 0) == (frozen, frozen)


async def test_a_pool_size_of_none_makes_all_for_each_call(make_settings: MakeSettings, vads: VadFactory) -> None:
    """POOL_SIZE=0: nothing is there after the start, each call has its own, and nothing is left behind it."""
    async with simulated() as providers, kit_of(make_settings, vads, **pointed_at(providers, pool_size=0)) as kit:
        pools = (kit.stt, kit.tts, kit.llm, kit.vad)
        assert [step.failed for step in await kit.open([GREETING])] == [None] * 5
        assert [pool.free for pool in pools] == [0, 0, 0, 0]
        one, other = kit.lease(), kit.lease()
        assert not {id(each) for each in instances(one)} & {id(each) for each in instances(other)}
        await ask(kit)
        one.release()
        other.release()
        assert [(pool.free, pool.leased) for pool in pools] == [(0, 0)] * 4
        assert (await kit.personal("Hi Ada!")).duration_ms > 100


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
    kit = Kit(settings, make_vad=lambda _: vads.make(), stt_options=lambda _: soniox.STTOptions(), size=1)
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
        components.swap(before[kind], "APIStatusError")
        after = {name: getattr(components, name).instance for name in before}
        assert [name for name in before if after[name] is not before[name]] == [kind]
        assert getattr(kit, kind).replaced == 1
        components.release()
        assert getattr(kit, kind).leased == 0


async def test_swapping_something_unknown_changes_nothing(make_settings: MakeSettings, vads: VadFactory) -> None:
    """An error whose source is not one of the leased members breaks none of them."""
    async with Wire() as wire, kit_of(make_settings, vads, **at_wire(wire)) as kit:
        components = kit.lease()
        before = instances(components)
        components.swap(object(), "?")
        assert instances(components) == before
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
