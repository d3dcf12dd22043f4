"""The greeting as a WAV: the sound of a call, by the real plugin, in the account's voice."""

from __future__ import annotations

import wave
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from account_commands import NEEDED, Commands, account, kept, put
from program import Ran
from pydantic import SecretStr

from cli.preview import PreviewFailed, write_preview
from sim.latency import profile_by_name
from sim.providers import SimulatedProviders
from utils.audio import SPEECH_DBFS, first_audible, speech_level_dbfs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from numpy.typing import NDArray
    from small_servers import MakeSettings

GREETING = "Hello, this is the harbour."
KEY = "a-key-of-mine"


@asynccontextmanager
async def provider() -> AsyncGenerator[dict[str, Any]]:
    """A voice behind a key, and the settings that lead to it."""
    only = frozenset({"elevenlabs"})
    async with SimulatedProviders(profile=profile_by_name("fixed", 0), only=only, api_key=KEY) as running:
        yield {"eleven_api_key": SecretStr(KEY), "elevenlabs_base_url": running.elevenlabs_base_url}


def sound(file: Path) -> NDArray[np.int16]:
    """The samples of a WAV that is 24 kHz, mono, 16 bit."""
    with wave.open(str(file)) as read:
        assert (read.getframerate(), read.getnchannels(), read.getsampwidth()) == (24_000, 1, 2)
        return np.frombuffer(read.readframes(read.getnframes()), dtype="<i2")


async def test_it_is_what_a_caller_hears(make_settings: MakeSettings, tmp_path: Path) -> None:
    """From its first sample, at the level of all that the agent says, and as long as is told."""
    file = tmp_path / "hello.wav"
    told = await write_preview(make_settings(), GREETING, file)
    pcm = sound(file)
    assert told.duration_s == len(pcm) / 24_000
    assert 0.5 < told.duration_s < 5
    assert first_audible(pcm, 24_000) == 0
    level = speech_level_dbfs(pcm, 24_000)
    assert level is not None
    assert abs(level - SPEECH_DBFS) < 1.5
    assert [each.name for each in tmp_path.iterdir()] == ["hello.wav"]


async def test_without_a_key_the_voice_is_simulated_and_that_is_said(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    """With the name of what makes it real."""
    told = await write_preview(make_settings(tts_voice="nora"), GREETING, tmp_path / "hello.wav")
    assert told.simulated
    assert str(told).endswith("s in the simulated voice (ELEVEN_API_KEY gives nora)")


async def test_with_a_key_the_provider_speaks_in_the_given_voice(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Another voice is another sound; the key is the one that is set."""
    async with provider() as settings:
        told = await write_preview(make_settings(**settings, tts_voice="nora"), GREETING, tmp_path / "nora.wav")
        await write_preview(make_settings(**settings, tts_voice="tom"), GREETING, tmp_path / "tom.wav")
    assert not told.simulated
    assert str(told).endswith("s in voice nora")
    assert not np.array_equal(sound(tmp_path / "nora.wav"), sound(tmp_path / "tom.wav"))


async def test_a_place_for_the_callers_name_is_filled(make_settings: MakeSettings, tmp_path: Path) -> None:
    """The opening first, then the rest as to a caller."""
    short = await write_preview(make_settings(), GREETING, tmp_path / "short.wav")
    long = await write_preview(make_settings(), f"{GREETING} Hello {{name}}!", tmp_path / "long.wav")
    assert long.duration_s > short.duration_s + 0.3
    assert np.array_equal(sound(tmp_path / "long.wav")[: 24_000 // 4], sound(tmp_path / "short.wav")[: 24_000 // 4])


async def test_a_provider_that_refuses_leaves_the_file_as_it_was(make_settings: MakeSettings, tmp_path: Path) -> None:
    """And the message holds no key."""
    file = tmp_path / "hello.wav"
    file.write_bytes(b"as it was")
    async with provider() as settings:
        wrong = make_settings(**(settings | {"eleven_api_key": SecretStr("another-key")}), max_retries=0)
        with pytest.raises(PreviewFailed, match="the voice did not answer") as failed:
            await write_preview(wrong, GREETING, file)
    assert "another-key" not in str(failed.value)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("hello.wav", b"as it was")]


@pytest.mark.parametrize("name", ["hello.mp3", "nowhere/hello.wav", "folder.wav"])
async def test_a_place_for_no_file_is_refused_before_anything_is_spoken(
    make_settings: MakeSettings, tmp_path: Path, name: str
) -> None:
    """With what is allowed."""
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(PreviewFailed, match=r"allowed: a file that ends in \.wav, in a folder that exists"):
        await write_preview(make_settings(), GREETING, tmp_path / name)


def test_show_add_and_edit_speak(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Each in the account's own voice; what `show` prints stays YAML for whoever reads it."""
    run = Commands(make_settings)
    added = run("add", "harbour", *NEEDED, "--preview", "add.wav")
    assert added.code == 0
    first, second = added.output.splitlines()
    assert first.startswith("add.wav: ")
    assert second == "harbour: added."
    assert run("show", "harbour", "--preview", "show.wav").code == 0
    assert run("edit", "harbour", "--voice", "tom", "--preview", "edit.wav").code == 0
    sounds = {name: sound(tmp_path / f"{name}.wav") for name in ("add", "show", "edit")}
    assert np.array_equal(sounds["add"], sounds["show"])
    assert not np.array_equal(sounds["add"], sounds["edit"])


def test_an_account_whose_greeting_is_not_spoken_is_not_written(
    make_settings: MakeSettings, tmp_path: Path, refusing: str
) -> None:
    """By `add` or by `edit`; the exit code is 1 since the words were right."""
    away: dict[str, Any] = {"eleven_api_key": SecretStr(KEY), "elevenlabs_base_url": f"http://{refusing}/v1"}
    run = Commands(make_settings, **away, max_retries=0)
    put(account("quay"))
    told = run("add", "harbour", *NEEDED, "--preview", "x.wav")
    assert told.code == 1
    assert told.output.splitlines()[-1].startswith("--preview: hpp4J3VqNfWAUOO0d1Us: the voice did not answer")
    assert run("edit", "quay", "--voice", "tom", "--preview", "x.wav").code == 1
    assert kept() == {"quay": account("quay")}
    assert not (tmp_path / "x.wav").exists()
    assert run("add", "harbour", *NEEDED) == Ran(0, "harbour: added.\n")
