"""The agent's own voice is known to the recogniser, also as a caller's device lets it back in."""

from __future__ import annotations

import numpy as np

from bench.turns.corpus import recordings
from bench.turns.dialogue import LONG, LONG_AT_LEAST_S, PART, words
from bench.turns.own_voice import own_voice
from sim.ears.phrasebook import Phrasebook

BLOCK = 320


async def test_what_is_said_again_and_again_is_a_recording() -> None:
    """With its words in their order; the long reply is as long as its name says."""
    long, *parts = await own_voice()
    assert [each.text for each in parts] == list(PART)
    assert tuple(word for each in long.words for word in words(each.text)) == words(LONG)
    assert [each.start_ms for each in long.words] == sorted(each.start_ms for each in long.words)
    assert long.words[-1].end_ms <= long.speech_end_ms <= long.duration_ms
    assert LONG_AT_LEAST_S < long.speech_end_ms / 1000 < LONG_AT_LEAST_S + 3


async def test_its_echo_has_words() -> None:
    """20 dB softer, beside all that callers say."""
    own = await own_voice()
    ears = Phrasebook([*recordings().values(), *own]).ears()
    echo = (own[0].pcm[: 16_000 * 3] * 0.1).astype(np.int16)
    for begin in range(0, len(echo), BLOCK):
        ears.feed(echo[begin : begin + BLOCK])
    assert [word.text for word in ears.words()][:4] == LONG.split()[:4]
