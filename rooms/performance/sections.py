"""The four sections of performance.yaml: what can be set, within which bounds."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Url = Annotated[str, Field(pattern=r"^(wss?|https?)://[^/?#\s]+$", max_length=200)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    """Frozen, so that a change is a new section; a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ConnectionPool(_Section):
    """Clients of LiveKit's API, and what happens when LiveKit does not answer."""

    pool_size: int = Field(default=5, ge=1, le=100, description="Clients that are kept ready.")
    max_pool_size: int | None = Field(
        default=None, ge=1, le=200, description="Most clients under load; twice pool_size."
    )
    acquire_timeout_s: float = Field(
        default=5.0, gt=0, le=60, description="How long a task waits for a free client, s."
    )
    health_interval_s: float = Field(default=30.0, gt=0, le=3600, description="Between two looks at each client, s.")
    max_attempts: int = Field(default=5, ge=1, le=20, description="Attempts to reach a URL before it counts as failed.")
    base_delay_s: float = Field(
        default=1.0, gt=0, le=60, description="First pause between attempts; doubles, full jitter."
    )
    max_delay_s: float = Field(default=30.0, gt=0, le=600, description="Longest pause between attempts, s.")
    more_urls: list[Url] = Field(
        default=[], max_length=20, description="Further URLs of the same LiveKit, in order; read at the start."
    )

    @property
    def most(self) -> int:
        """Clients that there may be under load."""
        return 2 * self.pool_size if self.max_pool_size is None else self.max_pool_size

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.most < self.pool_size:
            raise ValueError(f"max_pool_size: got {self.max_pool_size}, must be {self.pool_size} (pool_size) or more")
        return self


class RoomLimits(_Section):
    """How much there may be. None is unlimited."""

    max_rooms: int | None = Field(default=10, ge=1, description="Rooms at once.")
    max_participants_per_room: int | None = Field(
        default=50, ge=1, description="Participants of a room, the agent too."
    )
    max_audio_tracks_per_room: int | None = Field(default=20, ge=0, description="Published audio tracks of a room.")
    max_video_tracks_per_room: int | None = Field(default=10, ge=0, description="Published video tracks of a room.")
    too_many: Literal["mute", "remove"] = Field(
        default="mute", description="The track too many: muted, or its owner removed."
    )
    inactive_after_s: float = Field(
        default=300.0, gt=0, description="A room with nobody but agents in it is closed after, s."
    )
    reconcile_interval_s: float = Field(default=60.0, gt=0, description="Between two comparisons with ListRooms, s.")


class AudioConfig(_Section):
    """The sound of a room; written into its metadata, where browser and agent read it."""

    target_latency_ms: int = Field(default=50, ge=0, le=2000, description="Least playout delay at the listener, ms.")
    buffer_size_ms: int = Field(
        default=20, ge=10, le=100, multiple_of=10, description="Length of a frame of sound, ms."
    )
    jitter_buffer_ms: int = Field(
        default=100,
        ge=0,
        le=5000,
        description="Playout buffer at the listener, ms; up to three times as long while the network is bad.",
    )
    echo_cancellation: bool = True
    noise_suppression: bool = True
    auto_gain_control: bool = True

    @model_validator(mode="after")
    def _target_fits(self) -> Self:
        if self.target_latency_ms > self.jitter_buffer_ms:
            raise ValueError(
                f"target_latency_ms: got {self.target_latency_ms}, "
                f"must be at most {self.jitter_buffer_ms} (jitter_buffer_ms)"
            )
        return self


class QualityMonitoring(_Section):
    """How well it goes, judged from success rate and latency."""

    enabled: bool = True
    interval_s: float = Field(default=10.0, gt=0, le=3600, description="Between two looks, s.")
    excellent: Share = 0.9
    good: Share = 0.7
    fair: Share = 0.5
    min_success_rate: Share = Field(default=0.95, description="An alert below this share of requests that succeed.")

    @model_validator(mode="after")
    def _falls(self) -> Self:
        if not self.excellent > self.good > self.fair:
            raise ValueError(
                f"excellent {self.excellent}, good {self.good}, fair {self.fair}: each must be below the last"
            )
        return self


class Performance(_Section):
    """The whole file."""

    connection_pool: ConnectionPool = ConnectionPool()
    room_limits: RoomLimits = RoomLimits()
    audio_optimization: AudioConfig = AudioConfig()
    quality_monitoring: QualityMonitoring = QualityMonitoring()
