"""Contract with livekit-agents: every private name that is relied on is as it was in 1.8.9.

A failure here after an upgrade is not a bug of the upgrade: it says what to read again and which file to adapt.
"""

# pyright: reportPrivateUsage=false
# Private names are the subject of this file.

from __future__ import annotations

import inspect
import re
import ssl
from dataclasses import fields
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
from livekit.agents import AgentServer, AgentSession, JobContext, worker
from livekit.agents.ipc.job_executor import JobExecutor, JobStatus
from livekit.agents.job import RunningJobInfo
from livekit.agents.voice import turn
from livekit.agents.voice.audio_recognition import AudioRecognition
from livekit.plugins import elevenlabs, silero
from livekit.plugins.silero import onnx_model

from prewarm.voice import Voice
from runtime.shared_loop import SharedLoopCall
from turns.word_detector import WordDetector
from utils import framework_private as private

if TYPE_CHECKING:
    from collections.abc import Callable

CALL_RUNNER = "runtime/call_runner.py"
POOLED_TTS = "prewarm/pooled_tts.py"
PRIVATE = "utils/framework_private.py"
SHARED_LOOP = "runtime/shared_loop.py"
VOICE = "prewarm/voice.py"
VAD = "turns/vad.py"
WORD_DETECTOR = "turns/word_detector.py"


def changed(what: str, where: str, adapt: str) -> str:
    installed = version("livekit-agents")
    return (
        f"{what} is not as in livekit-agents {private.READ_FROM_VERSION} (installed: {installed}). "
        f"Read {where} and adapt {adapt}, then this test."
    )


def parameters(function: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def assigned_on_self(function: Callable[..., Any]) -> list[str]:
    """Names of the attributes that a method assigns on `self`, in order, those of nested functions too."""
    return re.findall(r"^\s+self\.(\w+)(?:: [^=\n]+)? = ", inspect.getsource(function), re.MULTILINE)


def test_the_installed_version_is_the_one_that_was_read() -> None:
    """Another version needs a reading of each place below; then `READ_FROM_VERSION` is moved."""
    installed = {name: version(name) for name in ("livekit-agents", "livekit-plugins-silero")}
    assert set(installed.values()) == {private.READ_FROM_VERSION}, (
        f"installed {installed}, read from {private.READ_FROM_VERSION}: read utils/framework_private.py's names anew"
    )


# The life of a job, run as a task ----------------------------------------------------------------

RUNNER_FILE = "livekit/agents/ipc/job_proc_lazy_main.py, class _JobProc,"


def test_the_job_runner_is_made_with_the_same_arguments() -> None:
    """Three functions, then names."""
    assert parameters(private.JobRunner.__init__) == [
        "initialize_process_fnc",
        "job_entrypoint_fnc",
        "session_end_fnc",
        "session_end_timeout",
        "executor_type",
        "user_arguments",
        "simulation_end_fnc",
    ], changed("_JobProc.__init__", RUNNER_FILE, SHARED_LOOP)


def test_what_the_other_side_of_the_pipe_sets_is_what_the_shared_loop_sets() -> None:
    """Whatever `initialize` and `entrypoint` put on the runner, `SharedLoopCall` has to put there too."""
    theirs = {*assigned_on_self(private.JobRunner.initialize), *assigned_on_self(private.JobRunner.entrypoint)}
    assert theirs == {
        "_client",
        "_inf_client",
        "_job_proc",
        "_exit_proc_flag",
        "_shutdown_fut",
        "_entrypoint_span_context",
    }, changed("what _JobProc.initialize and .entrypoint set", RUNNER_FILE, SHARED_LOOP)


def test_a_job_is_started_by_a_request_that_carries_it() -> None:
    """`StartJobRequest()` without arguments, `.running_job`, and `_start_job(msg)`, which makes `_job_task`."""
    assert parameters(private.JobRunner._start_job) == ["msg"], changed("_start_job", RUNNER_FILE, SHARED_LOOP)
    assert "_job_task" in assigned_on_self(private.JobRunner._start_job)
    request = private.StartJobRequest()
    assert "running_job" in {field.name for field in fields(request)}, changed(
        "StartJobRequest", "livekit/agents/ipc/proto.py", SHARED_LOOP
    )


def test_the_runner_asks_its_client_for_nothing_but_send() -> None:
    """A parent process that is not there can swallow messages, and nothing else."""
    source = inspect.getsource(private.JobRunner)
    used = {part.split("(")[0].split(".")[0].strip() for part in source.split("self._client.")[1:]}
    assert used == {"send"}, changed("what _JobProc calls on its client", RUNNER_FILE, SHARED_LOOP)


def test_a_job_has_the_room_that_is_left_by_force() -> None:
    """`SharedLoopCall.aclose` disconnects it when nothing else ended the call."""
    assert "_room" in assigned_on_self(private.JobRunner._start_job), changed("_room", RUNNER_FILE, SHARED_LOOP)


def test_the_end_of_a_job_is_one_method_that_is_made_safe() -> None:
    """`CallRunner` overrides `_shutdown_job` and swaps the list of callbacks, to which the framework only appends."""
    runner, context = private.JobRunner, JobContext
    assert parameters(runner._shutdown_job) == ["job_entry_task", "shutdown_info"], changed(
        "_shutdown_job", RUNNER_FILE, CALL_RUNNER
    )
    assert "_job_ctx" in assigned_on_self(runner._start_job), changed("_job_ctx", RUNNER_FILE, CALL_RUNNER)
    source = inspect.getsource(context)
    used = re.findall(r"self\._shutdown_callbacks(\.\w+|: list| =)", source)
    assert used == [": list", ".append", ".append"], changed(
        "_shutdown_callbacks", "livekit/agents/job.py", CALL_RUNNER
    )
    assert "_callbacks" not in {*vars(runner), *assigned_on_self(runner.__init__), *assigned_on_self(runner._start_job)}


def test_what_an_unfinished_close_leaves_open_has_these_names() -> None:
    """`close_rest_of_session` closes a session's activity, host and room part, each of which can be closed twice."""
    file = "livekit/agents/voice/agent_session.py"
    parts = {"_activity", "_session_host", "_room_io"}
    assert parts <= {*assigned_on_self(AgentSession.__init__)}, changed("AgentSession", file, PRIVATE)
    close = inspect.getsource(AgentSession._aclose_locked) + inspect.getsource(AgentSession._teardown_activity)
    assert {name for name in parts if f"self.{name} = None" in close} == parts, changed("aclose", file, PRIVATE)
    assert "_primary_agent_session" in assigned_on_self(JobContext.__init__), changed(
        "_primary_agent_session", "livekit/agents/job.py", PRIVATE
    )


def test_the_frameworks_own_monitor_of_the_loop_is_not_started() -> None:
    """It ticks 50 times a second and names one job; the server itself does not start it, and our watchdog does more."""
    assert "loop_monitor" not in inspect.getsource(worker), changed(
        "the monitor's start", "livekit/agents/worker.py", "runtime/watchdog.py"
    )


def test_a_voice_opens_its_socket_in_one_method() -> None:
    """`PooledTTS` runs it in no call's context."""
    where = "livekit/plugins/elevenlabs/tts.py"
    assert parameters(elevenlabs.TTS._current_connection) == [], changed("_current_connection", where, POOLED_TTS)
    source = inspect.getsource(elevenlabs.TTS)
    assert source.count(".connect()") == 1, changed("connecting", where, POOLED_TTS)
    assert ".connect()" in inspect.getsource(elevenlabs.TTS._current_connection)


def test_a_crash_has_the_reason_by_which_it_is_known() -> None:
    """`SharedLoopCall.status` reads it."""
    assert 'reason="job crashed"' in inspect.getsource(private.JobRunner), changed(
        "the reason of a crash", RUNNER_FILE, SHARED_LOOP
    )
    assert [field.name for field in fields(private.ShutdownInfo)] == ["user_initiated", "reason"], changed(
        "_ShutdownInfo", RUNNER_FILE, SHARED_LOOP
    )


def test_a_call_is_a_job_executor() -> None:
    """Each name of the protocol is there; `status` has the three values that are given."""
    protocol = {name for name in vars(JobExecutor) if not name.startswith("_")}
    assert protocol == {
        "id",
        "started",
        "user_arguments",
        "running_job",
        "status",
        "start",
        "join",
        "initialize",
        "aclose",
        "launch_job",
        "logging_extra",
    }, changed("JobExecutor", "livekit/agents/ipc/job_executor.py", SHARED_LOOP)
    assert {name for name in protocol if hasattr(SharedLoopCall, name)} == protocol
    assert {status.name for status in JobStatus} == {"RUNNING", "FAILED", "SUCCESS"}


# The pool and the server -------------------------------------------------------------------------

POOL_FILE = "livekit/agents/ipc/proc_pool.py, class ProcPool,"
SERVER_FILE = "livekit/agents/worker.py, class AgentServer,"


def test_the_pool_keeps_what_the_shared_loop_copies_from_it() -> None:
    """`CallPool` takes the stock pool's attributes and uses these."""
    kept = set(assigned_on_self(private.ProcPool.__init__))
    used = {
        "_http_proxy",
        "_started",
        "_closed",
        "_initialize_process_fnc",
        "_job_entrypoint_fnc",
        "_session_end_fnc",
        "_session_end_timeout",
        "_close_timeout",
        "_inf_executor",
        "_executors",
        "_monitor_tasks",
    }
    assert used <= kept, changed(f"ProcPool without {sorted(used - kept)}", POOL_FILE, SHARED_LOOP)


def test_the_server_uses_of_its_pool_what_the_shared_loop_has() -> None:
    """A method that the server newly calls would run the stock pool's processes."""
    source = inspect.getsource(AgentServer)
    used = {part.split("(")[0].split(".")[0].split()[0].rstrip("],)") for part in source.split("self._proc_pool.")[1:]}
    assert used == {
        "on",
        "start",
        "aclose",
        "launch_job",
        "processes",
        "get_by_job_id",
        "set_target_idle_processes",
    }, changed("what AgentServer does with its pool", SERVER_FILE, SHARED_LOOP)


def test_the_server_makes_its_pool_once() -> None:
    """`SharedLoopServer` puts its own pool where `run` assigns the stock one."""
    source = inspect.getsource(AgentServer)
    assert source.count("self._proc_pool = ipc.proc_pool.ProcPool(") == 1, changed(
        "the assignment of _proc_pool", SERVER_FILE, SHARED_LOOP
    )
    assert source.count("self._proc_pool =") == 1, changed("the assignment of _proc_pool", SERVER_FILE, SHARED_LOOP)
    assert "self._proc_pool = ipc.proc_pool.ProcPool(" in inspect.getsource(AgentServer.run)


def test_the_pool_is_told_of_by_the_same_events() -> None:
    """The server reports a job's state when one of them fires; `CallPool` emits the last two."""
    source = inspect.getsource(AgentServer.run)
    heard = {part.split('"')[1] for part in source.split("self._proc_pool.on(")[1:]}
    assert heard == {"process_started", "process_closed", "process_job_launched"}, changed(
        "the events of ProcPool", SERVER_FILE, SHARED_LOOP
    )


def test_when_a_job_was_asked_for_is_noted() -> None:
    """The zero of a call's timeline."""
    assert {"received_at", "launched_at", "fake_job"} <= {field.name for field in fields(RunningJobInfo)}, changed(
        "RunningJobInfo", "livekit/agents/job.py", "utils/framework_private.py"
    )
    assert "_info" in assigned_on_self(JobContext.__init__), changed(
        "JobContext._info", "livekit/agents/job.py", "utils/framework_private.py"
    )


@pytest.mark.parametrize(("received_at", "expected"), [(1234.5, 1234.5), (0.0, None)])
def test_a_job_that_nobody_dispatched_has_no_such_time(received_at: float, expected: float | None) -> None:
    """The framework writes 0.0 for unknown."""

    class Info:
        def __init__(self) -> None:
            self.received_at = received_at

    class Context:
        def __init__(self) -> None:
            self._info = Info()

    context: Any = Context()
    assert private.job_received_at_s(context) == expected


# The voice ---------------------------------------------------------------------------------------

OUTPUT_FILE = "livekit/agents/voice/room_io/_output.py, class _ParticipantAudioOutput,"


def test_the_audio_output_is_made_with_the_same_arguments() -> None:
    """`Voice` is one."""
    assert parameters(private.ParticipantAudioOutput.__init__) == [
        "room",
        "sample_rate",
        "num_channels",
        "track_publish_options",
        "track_name",
    ], changed("_ParticipantAudioOutput.__init__", OUTPUT_FILE, VOICE)


def test_the_audio_output_waits_for_its_first_listener() -> None:
    """`start` publishes and returns with the first subscription; `Voice` waits for it at the gate of a pause."""
    output = private.ParticipantAudioOutput
    assert "wait_for_subscription" in inspect.getsource(output._publish_track), changed(
        "publishing", OUTPUT_FILE, VOICE
    )
    assert "if not self._subscribed_fut.done()" in inspect.getsource(output._publish_track), changed(
        "publishing", OUTPUT_FILE, VOICE
    )
    assert "await self._subscribed_fut" in inspect.getsource(output.capture_frame), changed(
        "capture_frame", OUTPUT_FILE, VOICE
    )
    assert "await self._playback_enabled.wait()" in inspect.getsource(output._forward_audio), changed(
        "_forward_audio", OUTPUT_FILE, VOICE
    )
    assert "self._playback_enabled.set()" in inspect.getsource(output.resume), changed("resume", OUTPUT_FILE, VOICE)
    assert isinstance(inspect.getattr_static(output, "subscribed"), property), changed("subscribed", OUTPUT_FILE, VOICE)
    for method in ("start", "capture_frame", "flush", "clear_buffer", "pause", "resume", "aclose", "wait_for_playout"):
        assert callable(getattr(output, method, None)), changed(method, OUTPUT_FILE, VOICE)


def test_the_audio_output_keeps_what_the_voice_uses_of_it() -> None:
    """Its queue, its byte stream, its publication and its room."""
    used = {"_room", "_publication", "_audio_bstream", "_audio_buf", "_pushed_duration", "_subscribed_fut"}
    used |= {"_playback_enabled", "_flush_task", "_audio_source"}
    kept = set(assigned_on_self(private.ParticipantAudioOutput.__init__))
    assert used <= kept, changed(f"_ParticipantAudioOutput without {sorted(used - kept)}", OUTPUT_FILE, VOICE)


def test_the_names_of_our_voice_are_free() -> None:
    """`Voice` adds attributes to a class that it does not own: none of them may be one of its own."""
    theirs = {*assigned_on_self(private.ParticipantAudioOutput.__init__), *vars(private.ParticipantAudioOutput)}
    for base in private.ParticipantAudioOutput.__mro__[1:-1]:
        theirs |= {*vars(base), *assigned_on_self(base.__init__)} if "__init__" in vars(base) else {*vars(base)}
    tree = {*assigned_on_self(Voice.__init__), *(name for name in vars(Voice) if not name.startswith("__"))}
    ours = tree - {
        "_abc_impl",
        "_audio_source",
        "publish",
        "play",
        "capture_frame",
        "flush",
        "clear_buffer",
        "on_playback_finished",
        "pause",
        "resume",
        "aclose",
    }
    ours -= {"subscribed"}
    assert not ours & theirs, changed(
        f"_ParticipantAudioOutput, which has {sorted(ours & theirs)},", OUTPUT_FILE, VOICE
    )


# The turn detector -------------------------------------------------------------------------------

TURN_FILE = "livekit/agents/voice/turn.py, class _TurnDetector,"
EOU_FILE = "livekit/agents/voice/audio_recognition.py, _run_eou_detection,"


def test_a_turn_detector_is_asked_for_what_ours_has() -> None:
    """It is taken by its shape; with a method `stream` it would be fed with sound instead."""
    protocol = {name for name in vars(turn._TurnDetector) if not name.startswith("_")}
    assert protocol == {
        "model",
        "provider",
        "unlikely_threshold",
        "supports_language",
        "predict_end_of_turn",
    }, changed("_TurnDetector", TURN_FILE, WORD_DETECTOR)
    theirs = turn._TurnDetector
    for name in ("unlikely_threshold", "supports_language", "predict_end_of_turn"):
        assert parameters(getattr(WordDetector, name)) == parameters(getattr(theirs, name)), changed(
            f"_TurnDetector.{name}", TURN_FILE, WORD_DETECTOR
        )
    detector: object = WordDetector()
    assert not isinstance(detector, turn._StreamingTurnDetector), changed(
        "_StreamingTurnDetector", TURN_FILE, WORD_DETECTOR
    )


def test_the_end_of_a_turn_is_decided_in_the_same_order() -> None:
    """Final words into the context, the detector, the flush, then the rest of the delay since the last sound."""
    source = inspect.getsource(AudioRecognition._run_eou_detection)
    steps = [
        'chat_ctx.add_message(role="user", content=self._audio_transcript)',
        "await turn_detector.predict_end_of_turn(",
        "end_of_turn_probability < unlikely_threshold",
        "endpointing_delay = self._endpointing.max_delay",
        "if auto_flush and not self._stt_flush_requested:",
        "flush_delay = endpointing_delay / 2",
        "self._stt_pipeline.flush()",
        "extra_sleep += last_speaking_time - time.time()",
        "new_transcript=self._audio_transcript",
    ]
    found = [source.find(step) for step in steps]
    assert -1 not in found, changed(f"{steps[found.index(-1)]!r}", EOU_FILE, WORD_DETECTOR)
    assert found == sorted(found), changed("the order of the steps", EOU_FILE, WORD_DETECTOR)


# The rest ----------------------------------------------------------------------------------------

SILERO_FILE = "livekit/plugins/silero/vad.py"


def test_a_detector_is_made_from_weights_and_options() -> None:
    """`VadFactory` shares the first between calls."""
    assert [field.name for field in fields(private.SileroOptions)] == [
        "min_speech_duration",
        "min_silence_duration",
        "prefix_padding_duration",
        "max_buffered_speech",
        "activation_threshold",
        "deactivation_threshold",
        "sample_rate",
    ], changed("_VADOptions", SILERO_FILE, VAD)
    assert parameters(silero.VAD.__init__) == ["session", "opts"], changed("silero.VAD.__init__", SILERO_FILE, VAD)
    assert next(iter(parameters(onnx_model.new_inference_session))) == "force_cpu", changed(
        "new_inference_session", "livekit/plugins/silero/onnx_model.py", VAD
    )


def test_the_frameworks_certificates_are_parsed_once() -> None:
    """One context for all sessions of the process."""
    context = private.create_ssl_context()
    assert isinstance(context, ssl.SSLContext)
    assert private.create_ssl_context() is context, changed(
        "_create_ssl_context", "livekit/agents/utils/http_context.py", "prewarm/http_clients.py"
    )
