from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from small_servers import hang

from cli import doctor
from cli.checks.result import CheckResult, fail, ok, skipped, warn
from cli.doctor import exit_code, render, run_checks, run_doctor

if TYPE_CHECKING:
    from small_servers import MakeSettings, Serve

    from config import Settings

RESULTS = [ok("a", "fine"), warn("b", "so-so", "Do [this]"), skipped("c", "off"), fail("d", "[bad]", "Do that")]


def printed(results: list[CheckResult], width: int = 100) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(render(results))
    return stream.getvalue()


def test_the_table_has_a_row_a_check_with_its_remedy() -> None:
    """What was found and what to do stand in one row, literally: brackets are no markup."""
    rows = printed(RESULTS).splitlines()
    assert [row.split()[:2] for row in rows[1:]] == [["a", "ok"], ["b", "warn"], ["c", "skipped"], ["d", "fail"]]
    assert "Do [this]" in rows[2]
    assert "[bad]" in rows[4]


def test_a_narrow_terminal_loses_nothing() -> None:
    """In a narrow terminal texts are wrapped, not cut."""
    text = printed([fail("check", "x" * 90, "y" * 90)], width=60)
    assert (text.count("x"), text.count("y")) == (90, 90)


@pytest.mark.parametrize(
    ("results", "code"), [(RESULTS, 1), (RESULTS[:3], 0), ([], 0)], ids=["failure", "warning", "nothing"]
)
def test_only_a_failure_is_an_exit_code(results: list[CheckResult], code: int) -> None:
    """Warnings and skipped checks leave the exit code at 0."""
    assert exit_code(results) == code


async def test_checks_run_at_the_same_time_and_are_told_in_order(make_settings: MakeSettings) -> None:
    """Each check starts before any ends, and the order of the results is that of the checks."""
    all_running = asyncio.Barrier(3)

    def check(name: str) -> doctor.Check:
        async def run(settings: Settings, limit_s: float) -> list[CheckResult]:
            await all_running.wait()
            return [ok(name, str(limit_s))]

        return run

    async with asyncio.timeout(10):
        results = await run_checks(make_settings(), limit_s=3.0, checks=[check("a"), check("b"), check("c")])
    assert results == [ok("a", "3.0"), ok("b", "3.0"), ok("c", "3.0")]


async def test_no_result_holds_a_secret(make_settings: MakeSettings) -> None:
    """Whatever a server sends back, a secret of the settings is masked in every result."""

    async def echo(settings: Settings, limit_s: float) -> list[CheckResult]:
        return [fail("echo", "key my-long-openai-key, Bearer abcdef", "my-livekit-secret-value")]

    settings = make_settings(openai_api_key="my-long-openai-key", livekit_api_secret="my-livekit-secret-value")
    (result,) = await run_checks(settings, checks=[echo])
    assert (result.found, result.remedy) == ("key [secret], Bearer [secret]", "[secret]")


async def test_servers_that_hang_do_not_hang_the_doctor(make_settings: MakeSettings, serve: Serve) -> None:
    """With all four servers hanging every check comes back, and those four fail."""
    place = await serve(hang)
    settings = make_settings(
        livekit_url=f"ws://{place}",
        livekit_api_key="key",
        livekit_api_secret="secret-of-livekit",
        openai_api_key="a",
        openai_base_url=f"http://{place}/v1",
        soniox_api_key="b",
        soniox_base_url=f"ws://{place}/x",
        eleven_api_key="c",
        elevenlabs_base_url=f"http://{place}/v1",
        health_port=0,
    )
    async with asyncio.timeout(30):
        results = await run_checks(settings, limit_s=0.2)
    assert [result.name for result in results if result.status == "fail"] == [
        "LiveKit server",
        "OpenAI (LLM)",
        "Soniox (STT)",
        "ElevenLabs (TTS)",
    ]


def test_every_failure_and_warning_says_what_to_do(make_settings: MakeSettings, refusing: str) -> None:
    """No check on a machine where much is wrong fails without a remedy, and the exit code is 1."""
    settings = make_settings(
        livekit_url=f"ws://{refusing}",
        livekit_api_key="key",
        livekit_api_secret="secret-of-livekit",
        openai_api_key="a",
        openai_base_url=f"http://{refusing}/v1",
        noise_cancellation=True,
    )
    results = asyncio.run(run_checks(settings))
    assert exit_code(results) == 1
    assert all(result.remedy for result in results if result.status in ("warn", "fail"))
    assert all(result.found for result in results)
    assert len({result.name for result in results}) == len(results)


@pytest.mark.parametrize(("result", "last", "code"), [(RESULTS[3], "Not ready: d", 1), (RESULTS[1], "Ready.", 0)])
def test_the_command_prints_the_table_and_the_outcome(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, result: CheckResult, last: str, code: int
) -> None:
    """The last line names what failed, and the exit code agrees with it."""

    async def only(settings: Settings) -> list[CheckResult]:
        return [result]

    monkeypatch.setattr(doctor, "run_checks", only)
    stream = io.StringIO()
    assert run_doctor(make_settings(), Console(file=stream, width=100)) == code
    lines = stream.getvalue().splitlines()
    assert result.found in lines[1]
    assert lines[-1] == last
