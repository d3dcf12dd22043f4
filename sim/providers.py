"""All simulated providers on one local port: for `dev` without keys, for tests, and for benchmarks.

`python -m sim.providers --profile fixed --seed 1 --port 0` prints one JSON line with the three base URLs and runs
until SIGINT, SIGTERM or the end of its parent.

On a running server:
- `GET /sim/stats` returns the counters of each provider.
- `PUT /sim/faults` takes `{"openai": {...}, "elevenlabs": {...}, "soniox": {...}}`; each object replaces all faults of
  its provider, `{}` heals it, an absent provider is left alone. The fields: `sim.faults`, and `sim.soniox` for Soniox.
- OpenAI's speech-to-speech model is at the same address as its chat; its counters and faults are those of "realtime"
  (`sim.openai_realtime`).
  Example: `{"openai": {"reject_every": 1, "reject_status": 503}}`. Nothing is changed if any part of it is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

from aiohttp import web

from sim.dialogue import Dialogue, FrontDesk
from sim.elevenlabs import ElevenLabsSimulator
from sim.faults import FaultError, parse_faults
from sim.latency import Profile, profile_by_name
from sim.openai_chat import OpenAiSimulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.ears.base import Ears

PROVIDERS = frozenset({"openai", "soniox", "elevenlabs"})
HOST = "127.0.0.1"
PARENT_CHECK_S = 1.0
SHUTDOWN_LIMIT_S = 0.5


class Simulator(Protocol):
    """What one provider brings. `faults` is a dataclass; `stats` a dataclass of counters."""

    faults: Any
    stats: Any

    def routes(self) -> list[web.RouteDef]: ...

    async def aclose(self) -> None: ...


class SimulatedProviders:
    """An async context manager: the server listens on 127.0.0.1 inside the block.

    `api_key` None accepts any key. `port` 0 takes a free one. `dialogue` and `ears` have sensible defaults.
    """

    def __init__(
        self,
        *,
        profile: Profile,
        dialogue: Dialogue | None = None,
        ears: Callable[[], Ears] | None = None,
        api_key: str | None = "sim",
        port: int = 0,
        only: frozenset[str] = PROVIDERS,
    ) -> None:
        if unknown := sorted(only - PROVIDERS):
            raise ValueError(f"only must name some of {', '.join(sorted(PROVIDERS))}, got {', '.join(unknown)}")
        self._profile = profile
        self._dialogue = dialogue
        self._ears = ears
        self._api_keys = None if api_key is None else frozenset({api_key})
        self._port = port
        self._only = only
        self._simulators: dict[str, Simulator] = {}
        self._runner: web.AppRunner | None = None
        self._closing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Returns when the server listens. Raises OSError if the port is taken."""
        if self._runner is not None:
            raise RuntimeError("simulated providers: already started")
        self._simulators = {name: self._simulator(name) for name in sorted(self._only)}
        if "openai" in self._only:
            self._simulators["realtime"] = self._realtime()
        app = web.Application()
        for simulator in self._simulators.values():
            app.router.add_routes(simulator.routes())
        app.router.add_get("/sim/stats", self._show_stats)
        app.router.add_put("/sim/faults", self._put_faults)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=SHUTDOWN_LIMIT_S)
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, HOST, self._port).start()
        except BaseException:
            await self.aclose()
            raise
        self._port = cast("tuple[str, int]", self._runner.addresses[0])[1]

    async def aclose(self) -> None:
        """Stops accepting, ends open connections and child processes. Any number of times; each waits for the end."""
        async with self._closing:
            runner, self._runner = self._runner, None
            if runner is None:
                return
            for site in list(runner.sites):
                await site.stop()
            await asyncio.gather(*(simulator.aclose() for simulator in self._simulators.values()))
            await runner.cleanup()

    @property
    def openai_base_url(self) -> str:
        return f"http://{self._address('openai')}/v1"

    @property
    def elevenlabs_base_url(self) -> str:
        return f"http://{self._address('elevenlabs')}/v1"

    @property
    def soniox_base_url(self) -> str:
        return f"ws://{self._address('soniox')}/transcribe-websocket"

    @property
    def stats(self) -> dict[str, dict[str, float]]:
        """Counters per provider, as `GET /sim/stats` gives them."""
        return {name: dataclasses.asdict(simulator.stats) for name, simulator in self._simulators.items()}

    def set_faults(self, faults: dict[str, Any]) -> None:
        """As `PUT /sim/faults`. Raises `FaultError` and changes nothing if any part is wrong."""
        parsed: list[tuple[Simulator, Any]] = []
        for name, values in faults.items():
            simulator = self._simulators.get(name)
            if simulator is None:
                raise FaultError(f"no provider {name!r} runs here; allowed: {', '.join(self._simulators)}")
            if not isinstance(values, dict):
                raise FaultError(f"{name}: faults must be an object, got {values!r}")
            parsed.append((simulator, parse_faults(type(simulator.faults), cast("dict[str, Any]", values))))
        for simulator, value in parsed:
            simulator.faults = value

    def _address(self, name: str) -> str:
        if name not in self._only:
            raise RuntimeError(f"{name} is not among the simulated providers: {', '.join(sorted(self._only))}")
        if self._runner is None:
            raise RuntimeError("simulated providers: not started")
        return f"{HOST}:{self._port}"

    def _simulator(self, name: str) -> Simulator:
        if name == "openai":
            dialogue = self._dialogue or FrontDesk()
            return OpenAiSimulator(dialogue, self._profile.llm, api_keys=self._api_keys)
        if name == "elevenlabs":
            return ElevenLabsSimulator(self._profile.tts, api_keys=self._api_keys)
        # Lazy: ears may bring a neural model, which the other two providers do not need.
        from sim.soniox import SonioxSimulator

        return SonioxSimulator(self._best_ears(), self._profile.soniox, api_keys=self._api_keys)

    def _realtime(self) -> Simulator:
        from sim.openai_realtime import RealtimeSimulator

        dialogue = self._dialogue or FrontDesk()
        return RealtimeSimulator(dialogue, self._best_ears, self._profile.realtime, api_keys=self._api_keys)

    def _best_ears(self) -> Callable[[], Ears]:
        from sim.ears.best import best_ears
        from sim.ears.phrasebook import Phrasebook
        from sim.speech.library import load_speech

        if self._ears is None:
            self._ears = best_ears(Phrasebook(load_speech().values()))
        return self._ears

    async def _show_stats(self, _: web.Request) -> web.Response:
        return web.json_response(self.stats)

    async def _put_faults(self, request: web.Request) -> web.Response:
        try:
            body = await request.json()
            if not isinstance(body, dict):
                raise FaultError(f"faults must be an object of providers: {', '.join(self._simulators)}")
            self.set_faults(cast("dict[str, Any]", body))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({name: dataclasses.asdict(each.faults) for name, each in self._simulators.items()})


async def serve(providers: SimulatedProviders, *, parent: int) -> None:
    """Prints the URLs, then runs until SIGINT, SIGTERM or the end of the process `parent`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with providers:
        urls = {
            "openai_base_url": providers.openai_base_url,
            "elevenlabs_base_url": providers.elevenlabs_base_url,
            "soniox_base_url": providers.soniox_base_url,
        }
        print(json.dumps(urls), flush=True)
        while not stop.is_set() and os.getppid() == parent:
            try:
                await asyncio.wait_for(stop.wait(), PARENT_CHECK_S)
            except TimeoutError:
                continue


def main(argv: list[str]) -> int:
    parent = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m sim.providers", description="Run the simulated providers.")
    parser.add_argument("--profile", choices=("fixed", "published"), default="fixed", help="how long each wait is")
    parser.add_argument("--seed", type=int, default=0, help="of the random waits of the published profile")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--api-key", default="sim", help="the only key that is accepted")
    options = parser.parse_args(argv)
    profile = profile_by_name(options.profile, options.seed)
    providers = SimulatedProviders(profile=profile, api_key=options.api_key, port=options.port)
    try:
        asyncio.run(serve(providers, parent=parent))
    except OSError as error:
        print(f"port {options.port} cannot be used: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
