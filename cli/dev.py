"""`dev`: everything for a call on this machine, and the agent restarted when a file changes or it dies."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from rich.console import Console
from rich.padding import Padding

from cli.agent_process import AgentProcess
from cli.providers import Provider, providers_of, providers_table
from cli.source_changes import source_changes
from cli.upkeep import Upkeep
from runtime.supervisor import CANNOT_START

if TYPE_CHECKING:
    from typing import NoReturn

    from config import Settings

HOST = "127.0.0.1"
WIDTH = 200  # nothing is cut or broken to fit: a narrow terminal breaks a line by itself
SIMULATED_KEY = "sim"
SIMULATORS = {"openai_api_key": "openai", "soniox_api_key": "soniox", "eleven_api_key": "elevenlabs"}
AGENT_ENDED = 1


@dataclass(frozen=True)
class Place:
    """Where LiveKit is, with what it takes to get in."""

    url: str
    api_key: str
    api_secret: str
    local: bool

    def __repr__(self) -> str:
        return f"Place(url={self.url!r}, local={self.local})"


class Dev:
    """One run of `dev`: LiveKit and providers for what is not set, the page, and the agent as a child process."""

    def __init__(self, settings: Settings, *, page_port: int, latency: str, seed: int) -> None:
        self._settings = settings
        self._page_port = page_port
        self._latency = latency
        self._seed = seed
        self._console = Console(stderr=True, highlight=False, soft_wrap=True, width=WIDTH)

    async def run(self, *, reload: bool) -> int:
        """Until Ctrl-C, which is heard at any moment. Returns the exit code."""
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, asked.set)
        serving = asyncio.create_task(self._serve(reload=reload), name="dev")
        stop = asyncio.create_task(asked.wait(), name="stop signal")
        await asyncio.wait([serving, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if serving.done():
            return await serving
        self._say("stopping")
        serving.cancel()
        await asyncio.wait([serving])
        return 0 if serving.cancelled() else await serving

    async def _serve(self, *, reload: bool) -> int:
        self._say("starting")
        async with AsyncExitStack() as stack:
            try:
                place = await self._livekit(stack)
                address = await self._serve_page(stack, place)
            except CannotRun as error:
                self._complain(str(error))
                return CANNOT_START
            agent = AgentProcess(self._say, self._overrides(place) | await self._simulated(stack))
            stack.push_async_callback(agent.stop)
            if reload:
                await self._reload(stack, agent, place, address)
            if not await agent.start():
                return CANNOT_START
            self._welcome(place, address)
            await agent.wait()
            return AGENT_ENDED

    async def _reload(self, stack: AsyncExitStack, agent: AgentProcess, place: Place, address: str) -> NoReturn:
        """Run the agent anew after each change and each crash, for ever."""
        changes = await stack.enter_async_context(aclosing(source_changes(Path.cwd())))
        welcomed = False

        def ready() -> None:
            nonlocal welcomed
            if not welcomed:
                self._welcome(place, address)
                welcomed = True

        await Upkeep(agent, on_ready=ready, say=self._say, complain=self._complain).run(changes)

    def _overrides(self, place: Place) -> dict[str, object]:
        """The settings that lead the agent to this run's LiveKit and page."""
        return {
            "livekit_url": place.url,
            "livekit_api_key": place.api_key,
            "livekit_api_secret": place.api_secret,
            "timeline_to_room": True,
            "health_port": 0,
            "workers": 1,
        }

    async def _livekit(self, stack: AsyncExitStack) -> Place:
        settings = self._settings
        if settings.livekit_url:
            secret = settings.livekit_api_secret
            return Place(
                settings.livekit_url, settings.livekit_api_key or "", secret.get_secret_value() if secret else "", False
            )
        from sim.livekit_binary import LiveKitServerMissing
        from sim.livekit_server import LiveKitStartError, LocalLiveKit

        try:
            server = await stack.enter_async_context(LocalLiveKit(log=self._say))
        except (LiveKitServerMissing, LiveKitStartError) as error:
            raise CannotRun(str(error)) from error
        return Place(server.url, server.api_key, server.api_secret, True)

    async def _simulated(self, stack: AsyncExitStack) -> dict[str, object]:
        """The providers whose keys are not set, and the settings that lead the agent to them."""
        missing = {key: name for key, name in SIMULATORS.items() if not getattr(self._settings, key)}
        if not missing:
            return {}
        from sim.latency import profile_by_name
        from sim.providers import SimulatedProviders

        profile = profile_by_name(self._latency, self._seed)
        only = frozenset(missing.values())
        sim = await stack.enter_async_context(SimulatedProviders(profile=profile, only=only, api_key=SIMULATED_KEY))
        addresses = {f"{name}_base_url": getattr(sim, f"{name}_base_url") for name in only}
        # A simulated voice has a new address in each run: its greetings would only fill the disk.
        memory: dict[str, object] = {"greeting_cache": "memory"} if "elevenlabs" in only else {}
        return {**dict.fromkeys(missing, SIMULATED_KEY), **addresses, **memory}

    async def _serve_page(self, stack: AsyncExitStack, place: Place) -> str:
        from aiohttp import web

        from rooms.ice import IceConfig, ice_servers
        from rooms.performance.problems import PerformanceError
        from rooms.performance.settings_file import load_performance
        from rooms.tokens import new_name
        from web.server import page_app

        try:
            audio = load_performance().audio_optimization
        except PerformanceError as error:
            raise CannotRun(str(error)) from error
        secret = self._settings.turn_secret
        ice = IceConfig(
            self._settings.ice_servers, secret.get_secret_value() if secret else "", self._settings.turn_ttl
        )
        app = page_app(
            livekit_url=place.url,
            api_key=place.api_key,
            api_secret=place.api_secret,
            agent_name=self._settings.agent_name,
            info={"providers": [provider.as_dict() for provider in providers_of(self._settings)]},
            standby_rooms=self._settings.standby_rooms,
            caller_timeout_s=self._settings.caller_timeout,
            dispatch_at=self._settings.dispatch_at,
            audio=audio,
            ice_servers=lambda: ice_servers(ice, new_name("page"), now_s=time.time()),
            ice_pool_size=self._settings.ice_pool_size,
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, HOST, self._page_port)
        try:
            await site.start()
        except OSError as error:
            taken = f"--page-port: got {self._page_port}, {error.strerror or error}; 0 picks a free one"
            raise CannotRun(taken) from error
        return f"http://{HOST}:{runner.addresses[0][1]}"

    def _welcome(self, place: Place, address: str) -> None:
        livekit = Provider("Rooms", place.url, "real", "")
        if place.local:
            livekit = Provider("Rooms", "livekit-server", "local", "LIVEKIT_URL leads elsewhere")
        # From the start of the process, as the person who waits counts it.
        took_s = time.time() - psutil.Process().create_time()
        self._console.print()
        table = Padding(providers_table([livekit, *providers_of(self._settings)]), (0, 0, 0, 2), expand=False)
        self._console.print(table)
        self._console.print(f"\n  Ready after {took_s:.1f} s. Talk to it:  [bold]{address}[/]  (Ctrl-C stops)\n")

    def _say(self, line: str) -> None:
        self._console.print(line, style="dim", markup=False)

    def _complain(self, line: str) -> None:
        self._console.print(line, style="red", markup=False)


class CannotRun(Exception):
    """`dev` lacks something; the message says what and how to get it."""
