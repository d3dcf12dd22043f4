"""A worker that speaks livekit-server's agent protocol and does nothing else: light enough to start in each test."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import aiohttp
from livekit import api
from livekit.protocol import agent, models

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType


class WireWorker:
    """Registers for `agent_name`, takes every job, and hands each to `on_job` (an async function) as its own task.

    `on_end` gets the id of a job that the server wants to end.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        api_secret: str,
        agent_name: str,
        on_job: Callable[[agent.JobAssignment], Awaitable[None]] | None = None,
        on_end: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        grants = api.VideoGrants(agent=True)
        token = api.AccessToken(api_key, api_secret).with_grants(grants).to_jwt()
        self._url = url.replace("ws", "http", 1) + "/agent"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._agent_name = agent_name
        self._on_job = on_job
        self._on_end = on_end
        self.tasks: set[asyncio.Task[None]] = set()
        self.jobs: asyncio.Queue[agent.Job] = asyncio.Queue()
        self.taken: list[agent.Job] = []

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession()
        self._ws = await self._http.ws_connect(self._url, headers=self._headers, heartbeat=5)
        permissions = models.ParticipantPermission(
            can_publish=True, can_subscribe=True, can_publish_data=True, can_update_metadata=True, agent=True
        )
        await self._send(
            agent.WorkerMessage(
                register=agent.RegisterWorkerRequest(
                    type=agent.JobType.JT_ROOM,
                    agent_name=self._agent_name,
                    version="1.8.9",
                    allowed_permissions=permissions,
                )
            )
        )
        await self._receive()
        await self._send(
            agent.WorkerMessage(update_worker=agent.UpdateWorkerStatus(status=agent.WorkerStatus.WS_AVAILABLE, load=0))
        )
        self._reader = asyncio.create_task(self._read(), name="wire worker")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in (self._reader, *self.tasks):
            task.cancel()
        await asyncio.gather(self._reader, *self.tasks, return_exceptions=True)
        await self._ws.close()
        await self._http.close()

    async def _send(self, message: agent.WorkerMessage) -> None:
        await self._ws.send_bytes(message.SerializeToString())

    async def _receive(self) -> agent.ServerMessage:
        return agent.ServerMessage.FromString(await self._ws.receive_bytes())

    async def _read(self) -> None:
        # The server closes the socket when it stops first.
        with suppress(TypeError):
            while True:
                await self._answer(await self._receive())

    async def _answer(self, message: agent.ServerMessage) -> None:
        kind = message.WhichOneof("message")
        if kind == "availability":
            job = message.availability.job
            answer = agent.AvailabilityResponse(
                job_id=job.id, available=True, participant_identity=f"agent-{job.id}", participant_name="agent"
            )
            await self._send(agent.WorkerMessage(availability=answer))
        elif kind == "assignment":
            job = message.assignment.job
            self.taken.append(job)
            self.jobs.put_nowait(job)
            running = agent.UpdateJobStatus(job_id=job.id, status=agent.JobStatus.JS_RUNNING)
            await self._send(agent.WorkerMessage(update_job=running))
            if self._on_job is not None:
                self._own(self._on_job(message.assignment))
        elif kind == "termination" and self._on_end is not None:
            self._own(self._on_end(message.termination.job_id))

    def _own(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
