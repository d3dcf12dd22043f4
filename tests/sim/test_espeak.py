"""Both ways to espeak-ng, and what is said when there is none."""

from __future__ import annotations

import sys
from shutil import which

import pytest

from sim.espeak import EspeakProgram, EspeakVoice, VoiceUnavailableError, find_espeak
from sim.voice import Voice

TEXT = "Hello there, this is the front desk."


def no_program(name: str) -> str | None:
    return None


def some_program(name: str) -> str | None:
    return f"/usr/bin/{name}"


async def test_the_program_speaks_where_the_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package the program is used; without both the error says how to get one."""
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    monkeypatch.setattr("sim.espeak.shutil.which", no_program)
    with pytest.raises(VoiceUnavailableError, match="uv sync --group local"):
        find_espeak()
    monkeypatch.setattr("sim.espeak.shutil.which", some_program)
    assert isinstance(find_espeak(), EspeakProgram)


async def test_library_and_program_say_a_text_in_the_same_time() -> None:
    """Which of the two is installed makes no difference that a caller could hear."""
    path = which("espeak-ng")
    if path is None:
        pytest.skip("the program espeak-ng is not installed")
    library = Voice()
    program = Voice(lambda: EspeakProgram(path))
    lengths = [len(await v.synthesize(TEXT, sample_rate_hz=16_000)) for v in (library, program)]
    assert lengths[0] == pytest.approx(lengths[1], rel=0.1)
    await library.aclose()
    await program.aclose()


async def test_an_unknown_voice_is_an_error_and_the_child_goes_on() -> None:
    """The library's refusal comes back as text; the next one is spoken by the same child."""
    espeak = find_espeak()
    with pytest.raises(VoiceUnavailableError, match="no-such-voice"):
        await espeak.render("Hello.", EspeakVoice("no-such-voice"))
    pcm, rate_hz = await espeak.render("Hello.", EspeakVoice("en-us"))
    assert len(pcm) > rate_hz // 4
    await espeak.aclose()
