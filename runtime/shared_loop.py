"""Calls as tasks on one loop: a call starts without a process, and what is warm is warm for all of them.

The stock worker gives each call a process of its own, so a pool, an open connection or a cached greeting
would serve one call and die with it. Here `SharedLoopServer` puts `CallPool` where the stock process pool
stands and runs the framework's own job life (`JobRunner`) as a task. Everything job-scoped in
livekit-agents is a context variable, so each call's tasks keep their own.

The price: one blocked loop delays every call of the worker, and a native crash takes all of them.
The watchdog names who blocks; `CallRunner` and `keep_exits_in_calls` keep what fails in one call within it.
`ISOLATION=process` is the stock executor for those who need a wall of the system's.
"""

# pyright: reportPrivateUsage=false
# `_proc_pool` is the one attribute of the framework's server that is replaced; a contract test watches it.

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, cast

from livekit.agents import AgentServer, JobExecutorType, JobProcess, utils
from livekit.agents.ipc.job_executor import JobStatus

from runtime.call_runner import CallRunner
from runtime.exits import keep_exits_in_calls
from runtime.garbage import CallGarbage
from runtime.joining import Joins
from runtime.watchdog import Watchdog
from utils.framework_private import ProcPool, ShutdownInfo, StartJobRequest
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from livekit.agents import JobContext
    from livekit.agents.job import RunningJobInfo

log = get_logger("runtime")


class _NoParentProcess:
    """Takes what a job would tell its parent process; on a shared loop there is none."""

    async def send(self, message: object) -> None:
        return None


class _NoInference:
    async def do_inference(self, method: str, data: bytes) -> bytes | None:
        raise RuntimeError(f"{method}: no inference process runs; the turn detector model is not enabled")


class SharedLoopCall:
    """One call as a task; satisfies the framework's `JobExecutor` protocol."""

    def __init__(
        self,
        *,
        job_process: JobProcess,
        entrypoint: Callable[[JobContext], Awaitable[None]],
        session_end: Callable[[JobContext], Awaitable[None]] | None,
        session_end_timeout_s: float,
        close_timeout_s: float,
        inference: object | None,
        joins: Joins | None = None,
    ) -> None:
        self._joins = joins
        self._id = utils.shortuuid("CALL_")
        self._close_timeout_s = close_timeout_s
        self._running_job: RunningJobInfo | None = None
        self._user_arguments: Any = None
        self._entrypoint = entrypoint
        self._entrypoint_task: asyncio.Task[Any] | None = None
        self._told_to_close = False
        runner = CallRunner(
            lambda _process: None,
            self._run_entrypoint,
            session_end,
            session_end_timeout=session_end_timeout_s,
            executor_type=JobExecutorType.THREAD,
        )
        # What `CallRunner.initialize` and `.entrypoint` would set from the other side of a pipe.
        runner._client = cast("Any", _NoParentProcess())
        runner._inf_client = cast("Any", inference or _NoInference())
        runner._job_proc = job_process
        runner._exit_proc_flag = asyncio.Event()
        runner._shutdown_fut = asyncio.get_running_loop().create_future()
        runner._entrypoint_span_context = None
        self._runner = runner

    @property
    def id(self) -> str:
        return self._id

    @property
    def started(self) -> bool:
        return True

    @property
    def user_arguments(self) -> Any | None:
        return self._user_arguments

    @user_arguments.setter
    def user_arguments(self, value: Any | None) -> None:
        self._user_arguments = value

    @property
    def running_job(self) -> RunningJobInfo | None:
        return self._running_job

    @property
    def status(self) -> JobStatus:
        task = self._runner._job_task
        if task is None or not task.done():
            return JobStatus.RUNNING
        crashed = (
            task.cancelled()
            or task.exception() is not None
            or (self._runner._shutdown_fut.done() and self._runner._shutdown_fut.result().reason == "job crashed")
        )
        return JobStatus.FAILED if crashed else JobStatus.SUCCESS

    async def start(self) -> None:
        """Nothing to do: the loop is already running."""

    async def initialize(self) -> None:
        """Nothing to do: the worker was warmed before it registered."""

    async def launch_job(self, info: RunningJobInfo) -> None:
        if self._running_job is not None:
            raise RuntimeError(f"{self._id} already runs a job")
        self._running_job = info
        request = StartJobRequest()
        request.running_job = info
        self._runner._start_job(request)
        if self._joins is not None and not info.fake_job:
            self._joins.keep(self._runner._room)

    async def join(self) -> None:
        """Return when the call has ended and everything of it is closed."""
        await self._runner._exit_proc_flag.wait()
        # A set flag is waited for without a pause: who drains asks again at once and would never let the loop go on.
        await asyncio.sleep(0)

    async def aclose(self) -> None:
        """End the call within the close timeout: politely, then without its entrypoint, then by force."""
        task = self._runner._job_task
        if task is None or task.done():
            return
        if not self._runner._shutdown_fut.done():
            self._runner._shutdown_fut.set_result(ShutdownInfo(user_initiated=False, reason="worker shutdown"))
        _, pending = await asyncio.wait([task], timeout=self._close_timeout_s / 2)
        if not pending:
            return
        log.warning("call does not close, its entrypoint is cancelled", call=self._id)
        self._told_to_close = True
        if self._entrypoint_task is not None:
            self._entrypoint_task.cancel()
        _, pending = await asyncio.wait([task], timeout=self._close_timeout_s / 2)
        if pending:
            log.warning("call did not close in time", call=self._id, limit_s=self._close_timeout_s)
            await utils.aio.cancel_and_wait(task)
            await self._runner._room.disconnect()

    async def _run_entrypoint(self, context: JobContext) -> None:
        """The entrypoint, which no process takes down with it: what hangs in it is cancelled by `aclose`."""
        self._entrypoint_task = asyncio.current_task()
        try:
            await self._entrypoint(context)
        except asyncio.CancelledError as error:
            if self._told_to_close:
                return  # the runner goes on and closes the rest in order
            if self._runner._shutdown_fut.done():
                raise  # the runner's own doing
            # The framework takes it for an end that somebody wanted, and waits for the shutdown: for ever.
            raise RuntimeError("the entrypoint was cancelled by the call's own code") from error

    def logging_extra(self) -> dict[str, Any]:
        return {"call": self._id}


class CallPool(ProcPool):
    """Starts each job at once on the running loop; takes the place of the stock process pool."""

    def __init__(self, stock: ProcPool, *, loop_block_warn_ms: int) -> None:
        # A copy of what the server configured: the stock pool has not been started and owns nothing yet.
        self.__dict__.update(stock.__dict__)
        self._garbage = CallGarbage()
        self._joins = Joins()
        self._watchdog: Watchdog | None = None
        self._let_exits_out: Callable[[], None] | None = None
        if loop_block_warn_ms:
            self._watchdog = Watchdog(warn_ms=loop_block_warn_ms, calls=lambda: len(self._executors))
        self._job_process = JobProcess(
            executor_type=JobExecutorType.THREAD, user_arguments=None, http_proxy=self._http_proxy
        )

    async def start(self) -> None:
        if not self._started:
            self._started = True
            self._initialize_process_fnc(self._job_process)
            self._let_exits_out = keep_exits_in_calls(asyncio.get_running_loop())
            if self._watchdog is not None:
                self._watchdog.start()

    async def launch_job(self, info: RunningJobInfo) -> None:
        call = SharedLoopCall(
            job_process=self._job_process,
            entrypoint=self._job_entrypoint_fnc,
            session_end=self._session_end_fnc,
            session_end_timeout_s=self._session_end_timeout,
            close_timeout_s=self._close_timeout,
            inference=self._inf_executor,
            joins=self._joins,
        )
        info.launched_at = time.time()  # as the stock pool does: the framework's trace of the dispatch needs it
        self._executors.append(call)
        await call.launch_job(info)
        self.emit("process_job_launched", call)
        watcher = asyncio.create_task(self._watch(call), name=f"watch {call.id}")
        self._monitor_tasks.add(watcher)
        watcher.add_done_callback(self._monitor_tasks.discard)

    async def _watch(self, call: SharedLoopCall) -> None:
        try:
            await call.join()
        finally:
            self.emit("process_closed", call)
            self._executors.remove(call)
            self._garbage.call_ended()

    async def aclose(self) -> None:
        self._closed = True
        self._garbage.close()
        try:
            await asyncio.gather(*(call.aclose() for call in list(self._executors)))
            await asyncio.gather(*self._monitor_tasks)
            await self._joins.aclose()
        finally:
            if self._watchdog is not None:
                self._watchdog.stop()
            if self._let_exits_out is not None:
                self._let_exits_out()
                self._let_exits_out = None


class SharedLoopServer(AgentServer):
    """The framework's server with every call on its own loop. `loop_block_warn_ms` 0: nobody watches it."""

    def __init__(self, *, loop_block_warn_ms: int, **options: Any) -> None:
        super().__init__(**options)
        self._loop_block_warn_ms = loop_block_warn_ms

    @property
    def _proc_pool(self) -> ProcPool:
        return self.__dict__["calls"]

    @_proc_pool.setter
    def _proc_pool(self, stock: ProcPool) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]  # `run` assigns it
        self.__dict__["calls"] = CallPool(stock, loop_block_warn_ms=self._loop_block_warn_ms)
