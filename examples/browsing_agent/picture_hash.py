"""Whether a page has changed, by a small picture of it: cheap enough to look each time something is painted.

A hash of a few bits does not see a digit change, so the hash is the small picture itself: 320 pixels wide, one pixel
for 16 of the page. The browser draws the same page to the same bytes: equal bytes settle most looks undecoded.
"""

from __future__ import annotations

import io
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.int16]
    Cells = NDArray[np.bool_]

CELL_PIXELS = 8
"""Side of a cell of the small picture; 32 pixels of a page of 1280."""
VISIBLE_LEVELS = 8
"""Of 255: below this a pixel has not changed for the eye. A digit of 16-pixel text changes one by 17 and more."""
RESTLESS_SHARE = 0.6
"""A cell that changed in this share of the latest looks is moving by itself: a spinner, an advertisement."""
MEMORY_LOOKS = 6.0
"""How many looks the share looks back, about."""
SMALL_AREA = 0.1
"""A moving part below this share of the page is decoration; above it is what the page is about: a video, a game."""
PIXEL_LIMIT = 1 << 20


class Change(Enum):
    NONE = "none"
    RESTLESS = "restless"
    """Only a small part that moves all the time has changed."""
    FAINT = "faint"
    """Less than the eye sees."""
    CHANGED = "changed"


class PictureWatch:
    """Tells for each small picture how it differs from the one that last counted as a change."""

    def __init__(self) -> None:
        self._bytes: bytes | None = None
        self._latest: Picture | None = None
        self._reference: Picture | None = None
        self._activity: NDArray[np.float64] | None = None

    def look(self, picture: bytes) -> Change:
        """`picture`: JPEG or PNG. Raises ValueError if it is neither, or too large."""
        if picture == self._bytes:
            return Change.NONE
        pixels = _decoded(picture)
        latest, reference, self._bytes, self._latest = self._latest, self._reference, picture, pixels
        if latest is None or reference is None or reference.shape != pixels.shape or latest.shape != pixels.shape:
            self._reference, self._activity = pixels, None
            return Change.CHANGED
        restless = self._restless(_cells(pixels, latest))
        change = _judged(_cells(pixels, reference), restless)
        if change is Change.CHANGED:
            self._reference = pixels
        return change

    def accept(self) -> None:
        """What was seen last counts as a change: the page says that its content did."""
        self._reference = self._latest

    def settle(self) -> None:
        """Nothing was painted for a while: what moved before is at rest."""
        self._activity = None

    def _restless(self, moved: Cells) -> Cells:
        """The cells that keep moving, judged by the looks before this one, with their neighbours."""
        before = self._activity if self._activity is not None else np.zeros(moved.shape, np.float64)
        self._activity = before + (moved - before) / MEMORY_LOOKS
        return _grown(before > RESTLESS_SHARE)


def _judged(changed: Cells, restless: Cells) -> Change:
    if not changed.any():
        return Change.FAINT
    if (changed & ~restless).any() or restless.mean() > SMALL_AREA:
        return Change.CHANGED
    return Change.RESTLESS


def _decoded(picture: bytes) -> Picture:
    try:
        with Image.open(io.BytesIO(picture), formats=("JPEG", "PNG")) as image:
            if image.width * image.height > PIXEL_LIMIT:
                raise ValueError(f"picture: {image.width}x{image.height}; allowed: up to {PIXEL_LIMIT} pixels")
            return np.asarray(image.convert("RGB"), np.int16)
    except OSError as error:
        raise ValueError(f"picture: {len(picture)} bytes that are no picture; allowed: JPEG, PNG") from error


def _cells(one: Picture, other: Picture) -> Cells:
    """Which cells hold a pixel that differs visibly."""
    differs = np.asarray(np.any(np.abs(one - other) >= VISIBLE_LEVELS, axis=2), np.bool_)
    height, width = one.shape[:2]
    rows, columns = -(-height // CELL_PIXELS), -(-width // CELL_PIXELS)
    padded = np.zeros((rows * CELL_PIXELS, columns * CELL_PIXELS), np.bool_)
    padded[:height, :width] = differs
    return np.any(padded.reshape(rows, CELL_PIXELS, columns, CELL_PIXELS), axis=(1, 3))


def _grown(cells: Cells) -> Cells:
    """The cells and those around them."""
    padded = np.pad(cells, 1)
    return np.any(sliding_window_view(padded, (3, 3)), axis=(2, 3))
