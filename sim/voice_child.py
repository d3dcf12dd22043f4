"""Renders speech with the espeak-ng library, in a process of its own. Runs only as a program, see `sim.voice`.

The library is GPL-3.0 and not thread-safe: here it is neither linked into ours nor shared. Standard library only,
no package imports. Started as `python -I -S voice_child.py <library> <data folder>`.
In: one JSON object a line, {"voice", "text", "words_per_minute", "pitch"}. Out, for each: a header of two
little-endian int32 (sample rate in Hz, or -1 for a failure; number of bytes that follow), then s16le mono PCM or
the failure's text. Ends at end of input, and within a second of its parent.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import sys
import threading
import time

SYNCHRONOUS = 2
CHARS_UTF8 = 1
PARAMETER_RATE = 1
PARAMETER_PITCH = 3
DO_NOT_EXIT = 0x8000
PARENT_CHECK_S = 1.0


def main(library: str, data: str) -> None:
    # Whatever the library prints must not land between two answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    espeak = ctypes.CDLL(library)
    rate_hz: int = espeak.espeak_Initialize(SYNCHRONOUS, 0, data.encode(), DO_NOT_EXIT)
    blocks: list[bytes] = []

    def collect(samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            blocks.append(ctypes.string_at(samples, count * 2))
        return 0

    # The library keeps a bare pointer: this name must outlive the loop.
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)(collect)
    espeak.espeak_SetSynthCallback(callback)

    for line in sys.stdin.buffer:
        blocks.clear()
        failure = "espeak-ng could not start" if rate_hz <= 0 else _render(espeak, json.loads(line))
        body = failure.encode() if failure else b"".join(blocks)
        answers.write(struct.pack("<ii", -1 if failure else rate_hz, len(body)) + body)
        answers.flush()


def _render(espeak: ctypes.CDLL, request: dict[str, str | int]) -> str | None:
    """Fills the callback's blocks; a text if the library refuses."""
    if espeak.espeak_SetVoiceByName(str(request["voice"]).encode()) != 0:
        return f"espeak-ng has no voice {request['voice']}"
    espeak.espeak_SetParameter(PARAMETER_RATE, int(request["words_per_minute"]), 0)
    espeak.espeak_SetParameter(PARAMETER_PITCH, int(request["pitch"]), 0)
    text = str(request["text"]).encode()
    if espeak.espeak_Synth(text, len(text) + 1, 0, 0, 0, CHARS_UTF8, None, None) != 0:
        return "espeak-ng refused the text"
    return None


def _end_with_parent() -> None:
    # A forked sibling of the parent may hold our input open, so its end is not enough.
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
