"""What a capture is, how often there is one, and what they have cost."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True)
class CaptureLimits:
    """How often. The sum of look and capture interval is what a caller waits at worst on a page that never rests."""

    look_interval_s: float = 0.1
    capture_interval_s: float = 0.15
    restless_interval_s: float = 2.0
    """For a page on which only a small part keeps moving."""
    calm_interval_s: float = 0.12
    """Between looks, while what changes is a small part or too faint to see."""
    answer_s: float = 1.0
    """How long a look that was asked for may take; then a capture is made without it."""
    shot_s: float = 10.0
    small_width: int = 320
    small_quality: int = 60
    quality: int = 70

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name}: {value}; allowed: above 0")
        for name in ("small_quality", "quality"):
            if getattr(self, name) > 100:
                raise ValueError(f"{name}: {getattr(self, name)}; allowed: 1 to 100")


@dataclass(frozen=True)
class Capture:
    """What the page looked like. `number` counts the captures of a page from 1."""

    jpeg: bytes
    size: tuple[int, int]
    """Width and height in pixels."""
    at_s: float
    """`time.monotonic()` before the picture was taken: it shows nothing older."""
    number: int

    def rgba(self) -> bytes:
        """Four bytes a pixel, row by row. Takes some milliseconds: call it in a thread."""
        with Image.open(io.BytesIO(self.jpeg), formats=("JPEG",)) as image:
            return image.convert("RGBA").tobytes()


@dataclass
class Statistics:
    """Since the page was opened."""

    looks: int = 0
    """Small pictures that came."""
    asked: int = 0
    """How often the page itself was asked, because the picture left doubt."""
    captures: int = 0
    """Full pictures taken."""
    repeats: int = 0
    """Full pictures that showed nothing new, and were not handed on."""
    failures: int = 0
    bytes: int = 0
    """Of full pictures."""
    look_bytes: int = 0
    """Of small pictures."""
    cpu_s: float = 0.0
    """What this process spent on decoding and comparing; for the browser see `BrowserManager.cpu_s`."""
