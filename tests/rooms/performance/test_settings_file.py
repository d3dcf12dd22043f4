"""What performance.yaml and the environment give, and what is said about a wrong value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import PERFORMANCE_SECTIONS, SettingsError, read_settings
from rooms.performance.sections import Performance
from rooms.performance.settings_file import MOST_BYTES, PerformanceError, load_performance

FILE = Path("performance.yaml")
PROJECT_FILE = Path(__file__).parents[3] / "performance.yaml"


def problems(content: str | bytes = "") -> list[str]:
    FILE.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(PerformanceError) as caught:
        load_performance()
    return caught.value.problems


def test_without_a_file_these_are_the_defaults() -> None:
    """As the issue names them: 5 clients, 10 rooms, 50 participants, 20 and 10 tracks, 50, 20 and 100 ms."""
    settings = load_performance()
    assert settings == Performance()
    limits, sound = settings.room_limits, settings.audio_optimization
    assert (settings.connection_pool.pool_size, settings.connection_pool.most) == (5, 10)
    assert (limits.max_rooms, limits.max_participants_per_room) == (10, 50)
    assert (limits.max_audio_tracks_per_room, limits.max_video_tracks_per_room) == (20, 10)
    assert (sound.target_latency_ms, sound.buffer_size_ms, sound.jitter_buffer_ms) == (50, 20, 100)


def test_the_projects_file_has_each_field_with_its_default() -> None:
    """What a reader finds there is all that there is, and changes nothing."""
    written: dict[str, dict[str, Any]] = yaml.safe_load(PROJECT_FILE.read_text(encoding="utf-8"))
    assert written == Performance().model_dump()
    assert load_performance(PROJECT_FILE) == Performance()


def test_config_knows_the_sections() -> None:
    """The two readers of one file leave each other's names alone, and both refuse a name of nobody's."""
    assert tuple(Performance.model_fields) == PERFORMANCE_SECTIONS
    FILE.write_text("workers: 3\nroom_limits:\n  max_rooms: 4\n")
    assert read_settings().workers == 3
    assert load_performance().room_limits.max_rooms == 4
    FILE.write_text("room_limit:\n  max_rooms: 4\n")
    with pytest.raises(SettingsError, match="room_limit"):
        read_settings()
    with pytest.raises(SettingsError, match="room_limit"):
        load_performance()


def test_the_first_place_that_has_a_value_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment wins over .env, that over performance.yaml, that over the default; empty is not a value."""
    name = "ROOM_LIMITS__MAX_ROOMS"
    FILE.write_text("room_limits: {max_rooms: 3, max_participants_per_room: 7}\n")
    Path(".env").write_text(f"{name}=4\n")
    monkeypatch.setenv(name, "5")
    found = [load_performance().room_limits.max_rooms]
    monkeypatch.setenv(name, "")
    found.append(load_performance().room_limits.max_rooms)
    Path(".env").write_text(f"{name}=\n")
    found.append(load_performance().room_limits.max_rooms)
    assert load_performance().room_limits.max_participants_per_room == 7
    FILE.write_text("")
    found.append(load_performance().room_limits.max_rooms)
    assert found == [5, 4, 3, 10]


@pytest.mark.parametrize("field", [f"{s}.{f}" for s, fields in Performance().model_dump().items() for f in fields])
def test_each_field_can_be_set_by_the_environment(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    """SECTION__FIELD, with a value that is not the default."""
    section, _, name = field.partition(".")
    default = Performance().model_dump()[section][name]
    other: dict[str, Any] = {"max_pool_size": 12, "too_many": "remove", "buffer_size_ms": 30, "min_success_rate": 0.5}
    other["more_urls"] = ["wss://eu.livekit.example"]
    value = other.get(name, (not default) if isinstance(default, bool) else None)
    if value is None:
        value = default - 0.05 if section == "quality_monitoring" and default < 1 else default + 1
    monkeypatch.setenv(f"{section}__{name}".upper(), json.dumps(value) if isinstance(value, list) else str(value))
    assert load_performance().model_dump()[section][name] == pytest.approx(value)


def test_null_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the file and in the environment."""
    FILE.write_text("room_limits: {max_rooms: null}\n")
    monkeypatch.setenv("ROOM_LIMITS__MAX_PARTICIPANTS_PER_ROOM", "null")
    limits = load_performance().room_limits
    assert (limits.max_rooms, limits.max_participants_per_room) == (None, None)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            "connection_pool: {pool_size: 0}",
            "performance.yaml: connection_pool.pool_size: got 0, allowed: a whole number from 1 to 100",
        ),
        (
            'connection_pool: {pool_size: "8"}',
            "performance.yaml: connection_pool.pool_size: got '8', allowed: a whole number from 1 to 100",
        ),
        (
            "connection_pool: {pool_size: true}",
            "performance.yaml: connection_pool.pool_size: got True, allowed: a whole number from 1 to 100",
        ),
        (
            "connection_pool: {base_delay_s: 0}",
            "performance.yaml: connection_pool.base_delay_s: got 0, allowed: a number above 0, at most 60",
        ),
        (
            "connection_pool: {pool_size: 8, max_pool_size: 7}",
            "performance.yaml: connection_pool.max_pool_size: got 7, allowed: 8 (pool_size) or more",
        ),
        (
            "room_limits: {max_rooms: -1}",
            "performance.yaml: room_limits.max_rooms: got -1, allowed: a whole number of 1 or more or null",
        ),
        ("room_limits: {too_many: kick}", "performance.yaml: room_limits.too_many: got 'kick', allowed: mute, remove"),
        (
            "audio_optimization: {buffer_size_ms: 25}",
            "performance.yaml: audio_optimization.buffer_size_ms: got 25, "
            "allowed: a whole number from 10 to 100, a multiple of 10",
        ),
        (
            "audio_optimization: {echo_cancellation: 1}",
            "performance.yaml: audio_optimization.echo_cancellation: got 1, allowed: true or false",
        ),
        (
            "quality_monitoring: {good: 0.95}",
            "performance.yaml: quality_monitoring: got 'excellent 0.9, good 0.95, fair 0.5', "
            "allowed: each must be below the last",
        ),
        (
            "quality_monitoring: {interval_s: .inf}",
            "performance.yaml: quality_monitoring.interval_s: got '.inf', allowed: a number above 0, at most 3600",
        ),
        (
            "quality_monitoring: {fiar: 0.2}",
            "performance.yaml: quality_monitoring.fiar: got 'fiar', "
            "allowed: enabled, interval_s, excellent, good, fair, min_success_rate",
        ),
        (
            "quality_monitoring: 3",
            "performance.yaml: quality_monitoring: got 3, "
            "allowed: enabled, interval_s, excellent, good, fair, min_success_rate",
        ),
        (
            "room_limits: {max_rooms: 2, max_rooms: 3}",
            "performance.yaml: got 'line 1: max_rooms: stands twice, in line 1 too; allowed: once', allowed: "
            "the sections connection_pool, room_limits, audio_optimization, quality_monitoring",
        ),
    ],
)
def test_a_wrong_value_is_told_with_its_place(content: str, line: str) -> None:
    """File, section and field, what was found, what is allowed: one line each."""
    assert problems(content) == [line]


def test_all_faults_are_told_at_once() -> None:
    """Three wrong values are three lines."""
    assert len(problems("room_limits: {max_rooms: 0, too_many: 1}\nquality_monitoring: {enabled: maybe}\n")) == 3


def test_a_wrong_variable_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value of the environment is not blamed on the file, and a misspelt one is not passed over."""
    monkeypatch.setenv("CONNECTION_POOL__POOL_SIZE", "many")
    monkeypatch.setenv("ROOM_LIMITS__MAX_ROMS", "3")
    told = problems("connection_pool: {pool_size: 3}")
    assert told[0] == "CONNECTION_POOL__POOL_SIZE: got 'many', allowed: a whole number from 1 to 100"
    assert told[1].startswith("ROOM_LIMITS__MAX_ROMS: got 'max_roms', allowed: max_rooms, ")


def test_a_section_may_be_json_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """And if it is none, that is told without its text."""
    monkeypatch.setenv("ROOM_LIMITS", '{"max_rooms": 7}')
    assert load_performance().room_limits.max_rooms == 7
    monkeypatch.setenv("ROOM_LIMITS", "{max")
    assert problems() == ["ROOM_LIMITS: got 'no JSON', allowed: a JSON object, or ROOM_LIMITS__<FIELD>"]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\xff\xfe\x00", "bytes that are no text"),
        (b"room_limits\n", "'str'"),
        (b"room_limits: [\n", "not readable as YAML"),
        (b"a: &x 1\nb: *x\n", "an alias"),
        (b"a: !!python/object:os.system {}\n", "a tag"),
        (b"[" * 3000, "nested deeper"),
        (b"# " + b"x" * MOST_BYTES, f"more than {MOST_BYTES} bytes"),
    ],
)
def test_a_file_that_is_no_such_file_is_refused(content: bytes, found: str) -> None:
    """Of another encoding, another shape, hostile, or huge: one line that begins with its name."""
    (line,) = problems(content)
    assert line.startswith("performance.yaml: got ")
    assert found in line


def test_a_folder_in_its_place_is_told() -> None:
    """What cannot be read is an error, only what is not there is not."""
    FILE.mkdir()
    with pytest.raises(PerformanceError, match="IsADirectoryError"):
        load_performance()


def test_a_key_in_the_wrong_line_is_not_told() -> None:
    """What looks like a key is masked."""
    (line,) = problems("room_limits: {too_many: sk-abcdefghijklmnop}")
    assert "abcdefghijklmnop" not in line
