"""A page's report, version 1, as `web/client/src/lib/monitor/report.ts` writes it: what may be in it, and how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rooms.replies import Refusal, short

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY_MS = 86_400_000.0
MOST_TIMELINES = 65
MOST_STEPS = 64

Ms = Annotated[float, Field(ge=-DAY_MS, le=DAY_MS, allow_inf_nan=False)]
PageMs = Annotated[float, Field(ge=0, le=366 * DAY_MS, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,39}$")]
Text = Annotated[str, StringConstraints(max_length=200)]
Name = Annotated[str, StringConstraints(max_length=128)]
Moment = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$")]
Grade = Literal["good", "fair", "poor"]


class Part(BaseModel):
    """Nothing is converted, and nothing may be there that is not named."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Timings(Part):
    """Milliseconds from the click; None is "not yet", or "not on this way in"."""

    token_ms: Ms | None
    microphone_ms: Ms | None
    joining_ms: Ms | None
    posted_ms: Ms | None
    answered_ms: Ms | None
    connected_ms: Ms | None
    agent_track_ms: Ms | None
    first_word_ms: Ms | None


class Noticed(Part):
    """Something that held the call up; `at_ms` since the page was opened."""

    at_ms: PageMs
    code: Code


class Granted(Part):
    """How the browser gave the microphone; None where it does not say."""

    echo_cancellation: bool | None
    noise_suppression: bool | None
    auto_gain_control: bool | None
    sample_rate_hz: Annotated[float, Field(ge=0, le=1_000_000)] | None
    channel_count: Annotated[int, Field(ge=0, le=64)] | None
    latency_ms: Ms | None


class Spread(Part):
    """Quantiles over a call."""

    p50: Ms | None
    p90: Ms | None


class ClearAudio(Part):
    """How clearly the agent was heard, over the whole call."""

    looks: Count
    good: Count
    fair: Count
    poor: Count
    grade: Grade
    fault: Code | None
    packets_received: Count
    packets_lost: Count
    lost_share: Share | None
    concealed_share: Share | None
    dropouts: Count
    playout_gap_share: Share | None
    stalled_s: Seconds
    jitter_ms: Spread
    buffer_ms: Spread
    rtt_ms: Spread


class CallPart(Part):
    """One call."""

    n: Count
    transport: Literal["livekit", "whip"]
    room: Name | None
    identity: Name | None
    outcome: Literal["open", "ended", "failed"]
    failure: Code | None
    began_at: Moment
    length_s: Seconds
    timings: Timings
    notices: Annotated[list[Noticed], Field(max_length=50)]
    microphone: Granted | None
    gaps_ms: Annotated[list[Ms], Field(max_length=200)]
    audio: ClearAudio | None


class Latency(Part):
    """Quantiles over the page's newest 512."""

    count: Count
    last_ms: PageMs | None
    p50_ms: PageMs | None
    p90_ms: PageMs | None
    p99_ms: PageMs | None


class Attempts(Part):
    """How often something succeeded."""

    succeeded: Count
    failed: Count
    share: Share | None


class Running(Part):
    """Quantiles of what the page heard."""

    count: Count
    last_ms: Ms | None
    p50_ms: Ms | None
    p90_ms: Ms | None


class Gaps(Part):
    """Over all calls of the page."""

    response_gap: Running
    first_word: Running
    talked_over: Count
    interruptions: Count


class ErrorSeen(Part):
    """Something that went wrong in the page; `at_ms` since it was opened."""

    at_ms: PageMs
    code: Code
    message: Text


class Span(Part):
    """What ran when, at the agent."""

    name: Text
    begin_ms: Ms
    end_ms: Ms | None
    failed: Annotated[str, StringConstraints(max_length=500)] | None


class Mark(Part):
    """What happened when, at the agent."""

    name: Text
    at_ms: Ms


class Timeline(BaseModel):
    """The agent's message of topic `firstword.timeline`, as the page got it: it may say more than this."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    v: Literal[1]
    kind: Code
    spans: Annotated[list[Span], Field(max_length=MOST_STEPS)]
    marks: Annotated[list[Mark], Field(max_length=MOST_STEPS)]

    def mark_ms(self, name: str) -> float | None:
        """When `name` was first, None if it was not."""
        return next((mark.at_ms for mark in self.marks if mark.name == name), None)


class Report(Part):
    """All that a page tells of a call and of itself."""

    v: Literal[1]
    made_at: Moment
    uptime_s: Seconds
    call: CallPart
    latencies: Annotated[dict[Code, Latency], Field(max_length=40)]
    attempts: Annotated[dict[Code, Attempts], Field(max_length=10)]
    gaps: Gaps | None
    errors: Annotated[list[ErrorSeen], Field(max_length=50)]
    timelines: Annotated[list[Timeline], Field(max_length=MOST_TIMELINES)]
    timelines_left_out: Count

    @property
    def start(self) -> Timeline | None:
        """The agent's own timeline of the call's beginning, if the page got it."""
        return next((timeline for timeline in self.timelines if timeline.kind == "start"), None)


def read_report(value: Mapping[str, object]) -> Report:
    """Raises Refusal 400, which names the first field at fault, its value and what is allowed."""
    try:
        return Report.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(["report", *map(str, first["loc"])])
        allowed = first["msg"]
        value_at_fault = None if first["type"] == "missing" else short(first["input"])
        raise Refusal(400, f"{field}: {allowed}", field=field, value=value_at_fault, allowed=allowed) from None
