"""An echo is what was played, so much later and so much softer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sim.echo import Echo, EchoPath
from sim.publisher import tone

if TYPE_CHECKING:
    from sim.waveform import Pcm

RATE = 16_000
BLOCK = RATE // 100
DELAY_S = 0.1


def played(pcm: Pcm, *, rate_hz: int = RATE, late_s: float = 0.0) -> EchoPath:
    """In blocks of 10 ms from second 5 on; each is heard `late_s` after its end, the tenth one promptly."""
    path, block = EchoPath(Echo(20.0, DELAY_S * 1000), RATE), rate_hz // 100
    for number in range(len(pcm) // block):
        late = 0.0 if number == 10 else late_s
        path.hear(pcm[number * block : (number + 1) * block], rate_hz, 5.0 + (number + 1) * 0.01 + late)
    return path


def level(pcm: Pcm) -> float:
    return float(np.sqrt(np.mean(pcm.astype(np.float64) ** 2)))


def test_what_was_played_comes_back_later_and_softer() -> None:
    """Sample by sample: a tenth of the amplitude is 20 dB less."""
    sound = tone(500, RATE)
    path = played(sound)
    picked = np.concatenate([path.pick_up(BLOCK, 5.0 + DELAY_S + number * 0.01) for number in range(50)])
    assert np.abs(picked - sound[: len(picked)] * 0.1).max() <= 1
    assert path.missed_samples == 0


def test_nothing_comes_back_before_its_time() -> None:
    """Nor before anything was played at all."""
    path = played(tone(300, RATE))
    assert not path.pick_up(BLOCK, 5.0 + DELAY_S - 0.02).any()
    assert path.pick_up(BLOCK, 5.0 + DELAY_S + 0.02).any()
    assert not EchoPath(Echo(20.0), RATE).pick_up(BLOCK, 5.0).any()


def test_another_rate_has_the_same_level() -> None:
    """A caller hears at 24 kHz and speaks at 16."""
    path = played(tone(500, 24_000), rate_hz=24_000)
    picked = path.pick_up(RATE // 5, 5.0 + DELAY_S + 0.1)
    assert level(picked) == pytest.approx(level(tone(500, RATE)) * 0.1, rel=0.05)


def test_late_blocks_do_not_shift_it() -> None:
    """The promptest one dates them all; and small errors of the date are no jumps in the sound."""
    sound = tone(500, RATE)
    path = played(sound, late_s=0.03)
    begin = 5.0 + DELAY_S
    picked = [path.pick_up(BLOCK, begin + number * 0.01 + (number % 3) * 0.001) for number in range(40)]
    assert np.abs(np.concatenate(picked) - sound[: 40 * BLOCK] * 0.1).max() <= 1


def test_what_is_not_heard_yet_is_counted() -> None:
    """It is silence: a microphone cannot wait for it."""
    path = played(tone(200, RATE))
    picked = path.pick_up(2 * BLOCK, 5.0 + DELAY_S + 0.19)
    assert picked[:BLOCK].any()
    assert not picked[BLOCK:].any()
    assert path.missed_samples == BLOCK


def test_only_the_newest_sound_is_kept() -> None:
    """Hours of a call do not fill the memory."""
    path = played(tone(8000, RATE))
    assert not path.pick_up(BLOCK, 5.0 + DELAY_S + 1.0).any()
    assert path.pick_up(BLOCK, 5.0 + DELAY_S + 7.5).any()


@pytest.mark.parametrize(
    ("loss_db", "delay_ms", "named"),
    [(-3.0, 100.0, "loss_db: got -3, allowed: 0 and more"), (20.0, 10.0, "delay_ms: got 10, allowed: 100 and more")],
)
def test_an_echo_that_cannot_be_is_refused(loss_db: float, delay_ms: float, named: str) -> None:
    """With what was given and what is allowed."""
    with pytest.raises(ValueError, match=named):
        Echo(loss_db, delay_ms)
