from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from cli.checks import machine
from cli.checks.machine import (
    check_health_port,
    check_noise_cancellation,
    check_programs,
    check_settings,
    check_versions,
    ready_livekit_server,
)

if TYPE_CHECKING:
    from pathlib import Path

    from small_servers import MakeSettings

LIVEKIT = {"livekit_api_key": "key", "livekit_api_secret": "secret"}
LIMIT_S = 5.0


def no_module(name: str) -> None:
    """Stands for `importlib.util.find_spec` on a machine without any optional package."""


def program(folder: Path, name: str) -> Path:
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


async def test_the_project_s_own_versions_are_ok(make_settings: MakeSettings) -> None:
    """What is installed satisfies the project file, and the table shows Python and the framework."""
    (result,) = await check_versions(make_settings(), LIMIT_S)
    assert result.status == "ok"
    assert "livekit-agents 1.8.9" in result.found


async def test_missing_and_other_versions_are_named(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Each package that is missing or not in its pinned version is named, with one command as the remedy."""
    project = tmp_path / "pyproject.toml"
    project.write_text(
        '[project]\ndependencies = ["livekit-agents==9.9.9", "no-such-package-here>=1", "pydantic-settings[yaml]>=2"]\n'
    )
    (result,) = await check_versions(make_settings(), LIMIT_S, project_file=project)
    assert (result.status, result.remedy) == ("fail", "uv sync")
    assert "livekit-agents is 1.8.9, not 9.9.9; no-such-package-here is missing" in result.found
    assert "pydantic" not in result.found


async def test_what_start_lacks_is_a_warning(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Without keys `dev` works: a warning that names what `start` needs, and the files that were read."""
    (tmp_path / ".env").write_text("PROFILE=fast\n")
    (result,) = await check_settings(make_settings(), LIMIT_S)
    assert (result.status, result.found) == ("warn", "readable, from the environment and .env; PROFILE=fast")
    assert "OPENAI_API_KEY" in result.remedy
    complete = make_settings(
        livekit_url="ws://host", **LIVEKIT, openai_api_key="a", soniox_api_key="b", eleven_api_key="c"
    )
    (result,) = await check_settings(complete, LIMIT_S)
    assert (result.status, result.remedy) == ("ok", "")


async def test_a_free_port_is_ok_and_a_taken_one_is_not(make_settings: MakeSettings) -> None:
    """A port on which something listens is a failure with two ways out; a moment later it is free again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = make_settings(health_port=taken.getsockname()[1])
        (result,) = await check_health_port(settings, LIMIT_S)
        assert (result.status, result.found) == ("fail", f"127.0.0.1:{settings.health_port} is taken")
        assert "HEALTH_PORT=0" in result.remedy
    (result,) = await check_health_port(settings, LIMIT_S)
    assert result.status == "ok"


async def test_any_port_is_ok(make_settings: MakeSettings) -> None:
    """Port 0 is always free."""
    (result,) = await check_health_port(make_settings(health_port=0), LIMIT_S)
    assert (result.status, result.found) == ("ok", "127.0.0.1: `start` picks a free one")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "two words"])
async def test_an_address_of_another_machine_is_refused(make_settings: MakeSettings, host: str) -> None:
    """A health address that is not this machine's is a failure that names the setting."""
    (result,) = await check_health_port(make_settings(health_host=host), LIMIT_S)
    assert (result.status, result.found) == ("fail", f"{host} is no address of this machine")
    assert "HEALTH_HOST" in result.remedy


@pytest.mark.parametrize(
    ("fields", "status", "found"),
    [
        ({}, "skipped", "off"),
        ({"noise_cancellation": True}, "fail", "on, but LIVEKIT_URL is not set"),
        (
            {"noise_cancellation": True, "livekit_url": "ws://127.0.0.1:7880", **LIVEKIT},
            "fail",
            "on, but LIVEKIT_URL is no LiveKit Cloud",
        ),
        (
            {"noise_cancellation": True, "livekit_url": "wss://x.livekit.cloud.example.com", **LIVEKIT},
            "fail",
            "on, but LIVEKIT_URL is no LiveKit Cloud",
        ),
        (
            {"noise_cancellation": True, "livekit_url": "wss://project.livekit.cloud", **LIVEKIT},
            "ok",
            "on, with LiveKit Cloud",
        ),
    ],
)
async def test_noise_cancellation_needs_livekit_cloud(
    make_settings: MakeSettings, fields: dict[str, object], status: str, found: str
) -> None:
    """Switched on it fails with every other server, and the remedy says what to set."""
    (result,) = await check_noise_cancellation(make_settings(**fields), LIMIT_S)
    assert (result.status, result.found) == (status, found)
    assert ("NOISE_CANCELLATION=false" in result.remedy) == (status == "fail")


async def programs_by_name(make_settings: MakeSettings, **fields: object) -> dict[str, tuple[str, str]]:
    results = await check_programs(make_settings(**fields), LIMIT_S)
    return {result.name: (result.status, result.found) for result in results}


async def test_programs_that_are_missing_are_no_failure(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a bare machine only what the keyless `dev` would miss is a warning."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(machine.importlib.util, "find_spec", no_module)
    found = await programs_by_name(make_settings)
    assert {name: status for name, (status, _) in found.items()} == {
        "livekit-server": "warn",
        "espeak-ng": "warn",
        "chromium": "skipped",
    }
    found = await programs_by_name(make_settings, livekit_url="ws://host", **LIVEKIT, eleven_api_key="x")
    assert {status for status, _ in found.values()} == {"skipped"}


async def test_programs_that_are_there_are_found(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each program is told with its path; Go alone is enough for a livekit-server."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(machine.importlib.util, "find_spec", no_module)
    espeak, chromium = program(tmp_path, "espeak-ng"), program(tmp_path, "chromium-browser")
    program(tmp_path, "go")
    found = await programs_by_name(make_settings)
    assert found["espeak-ng"] == ("ok", str(espeak))
    assert found["chromium"] == ("ok", str(chromium))
    assert found["livekit-server"][0] == "ok"
    assert "builds it with Go" in found["livekit-server"][1]
    server = program(tmp_path, "livekit-server")
    assert (await programs_by_name(make_settings))["livekit-server"] == ("ok", str(server))


def test_the_cached_server_is_where_dev_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place that the check looks at is the one that `dev` fills."""
    version = pytest.importorskip("sim.livekit_binary").VERSION
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert ready_livekit_server() is None
    folder = tmp_path / "firstword" / "bin"
    folder.mkdir(parents=True)
    cached = program(folder, f"livekit-server-v{version}")
    assert ready_livekit_server() == cached
