"""Connections to the model that wait for calls, on the real plugin and the simulated service."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from examples.realtime_model.agent import GREETING, FrontDesk
from examples.realtime_model.call_model import CallModel
from examples.realtime_model.standby_models import StandbyModels
from service import Choice
from tests.sim.realtime_harness import KEY, realtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from livekit.agents.llm import RealtimeModelError

    from config import Settings
    from service import Brief
    from sim.providers import SimulatedProviders
    from tests.conftest import MakeSettings

NOBODY: Any = None


@pytest.fixture
async def sim() -> AsyncIterator[SimulatedProviders]:
    async with realtime() as providers:
        yield providers


def settings_for(make_settings: MakeSettings, sim: SimulatedProviders, **changes: Any) -> Settings:
    usual = {"openai_api_key": KEY, "openai_base_url": sim.openai_base_url, "max_retries": 0, "pool_size": 2}
    return make_settings(**(usual | changes))


async def opened(settings: Settings, **options: Any) -> StandbyModels:
    models = StandbyModels(FrontDesk, GREETING, **options)
    await models.open(settings, cast("Any", None))
    return models


async def find(models: StandbyModels, settings: Settings) -> Brief:
    return await models.find(NOBODY, Choice(settings))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_call_gets_a_model_that_is_connected(make_settings: MakeSettings, sim: SimulatedProviders) -> None:
    """POOL_SIZE of them wait before the first call; the one that a call takes is replaced; nothing stays open."""
    settings = settings_for(make_settings, sim)
    models = await opened(settings)
    assert models.ready == sim.stats["realtime"]["open"] == 2
    brief = await find(models, settings)
    assert brief.greeting == GREETING
    model = brief.agent.llm
    assert isinstance(model, CallModel)
    assert model.state == "open"
    line = model.session()
    await until(lambda: models.ready == 2)
    assert sim.stats["realtime"]["sessions"] == 3, "the call's own is one that waited"
    assert model.state == "closed"
    await line.aclose()
    await models.aclose()
    await until(lambda: sim.stats["realtime"]["open"] == 0)


async def test_without_the_service_the_pipeline_answers(make_settings: MakeSettings, sim: SimulatedProviders) -> None:
    """The worker starts and takes calls; its agents have no model of their own."""
    sim.set_faults({"realtime": {"reject_every": 1, "reject_status": 503}})
    settings = settings_for(make_settings, sim)
    models = await opened(settings)
    assert models.ready == 0
    assert not isinstance((await find(models, settings)).agent.llm, CallModel)
    sim.set_faults({"realtime": {}})
    await until(lambda: models.ready == 2)
    assert isinstance((await find(models, settings)).agent.llm, CallModel), "the one that was made meanwhile"
    await models.aclose()


async def test_who_may_not_be_interrupted_is_no_such_model(
    make_settings: MakeSettings, sim: SimulatedProviders
) -> None:
    """The framework refuses the two together, and the call would end: the pipeline answers, and the model waits."""
    settings = settings_for(make_settings, sim, enable_interruptions=False)
    models = await opened(settings)
    assert not isinstance((await find(models, settings)).agent.llm, CallModel)
    assert models.ready == 2
    await models.aclose()


async def test_a_connection_does_not_grow_old(make_settings: MakeSettings, sim: SimulatedProviders) -> None:
    """One that waits is replaced before the service would end it, and is ready all the time but that moment."""
    settings = settings_for(make_settings, sim, pool_size=1)
    models = await opened(settings, longest_session_s=0.2)
    await until(lambda: sim.stats["realtime"]["sessions"] >= 3)
    assert models.ready == 1
    assert sim.stats["realtime"]["open"] <= 1
    await models.aclose()


async def test_the_end_of_a_model_is_told_once_and_closes_quietly(
    make_settings: MakeSettings, sim: SimulatedProviders
) -> None:
    """The framework, which would end the call, hears of a failure that may be mended; `gone` tells of the end."""
    settings = settings_for(make_settings, sim)
    models = await opened(settings)
    model = (await find(models, settings)).agent.llm
    assert isinstance(model, CallModel)
    line = model.session()
    errors: list[bool] = []

    def note(error: RealtimeModelError) -> None:
        errors.append(error.recoverable)

    line.on("error", note)
    sim.set_faults({"realtime": {"drop_after_deltas": 1, "reject_every": 1}})
    line.generate_reply().add_done_callback(lambda reply: reply.exception())
    await asyncio.wait_for(line.gone.wait(), 20)
    assert errors
    assert all(errors)
    await line.aclose()
    await models.aclose()
