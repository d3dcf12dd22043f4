from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw

from examples.browsing_agent.picture_hash import Change, PictureWatch

LEVELS = [level + 10 * step for step in range(8) for level in (0, 120)]


def picture(*boxes: tuple[int, int, int, int, int], size: tuple[int, int] = (320, 180)) -> bytes:
    """PNG of a white page with boxes: left, top, width, height, level."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for left, top, width, height, level in boxes:
        draw.rectangle((left, top, left + width - 1, top + height - 1), fill=(level, level, level))
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def test_the_first_picture_is_a_change_and_the_same_one_is_none() -> None:
    """A page at rest leads to one capture."""
    watch = PictureWatch()
    assert [watch.look(picture()) for _ in range(3)] == [Change.CHANGED, Change.NONE, Change.NONE]


def test_one_pixel_of_a_digit_is_a_change() -> None:
    """What the eye sees of a small character, in the small picture: one pixel by 17 levels."""
    watch = PictureWatch()
    watch.look(picture((40, 40, 1, 1, 255)))
    assert watch.look(picture((40, 40, 1, 1, 255 - 17))) is Change.CHANGED


def test_a_change_of_colour_with_the_same_brightness_is_seen() -> None:
    """Red to blue of the same grey."""
    watch = PictureWatch()
    red, blue = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (320, 180), (150, 0, 0)).save(red, "PNG")
    Image.new("RGB", (320, 180), (0, 40, 190)).save(blue, "PNG")
    watch.look(red.getvalue())
    assert watch.look(blue.getvalue()) is Change.CHANGED


def test_what_the_eye_does_not_see_adds_up() -> None:
    """A slow fade is faint at each look, and a change once it is visible against what was captured."""
    watch = PictureWatch()
    watch.look(picture((0, 0, 320, 180, 200)))
    looks = [watch.look(picture((0, 0, 320, 180, 200 - 3 * step))) for step in (1, 2, 3)]
    assert looks == [Change.FAINT, Change.FAINT, Change.CHANGED]


def test_a_small_part_that_moves_all_the_time_becomes_restless() -> None:
    """A spinner stops being a reason to capture; what changes beside it still is one."""
    watch = PictureWatch()
    spins = [watch.look(picture((8, 8, 6, 6, level))) for level in LEVELS]
    assert spins[0] is Change.CHANGED
    assert spins[-4:] == [Change.RESTLESS] * 4
    assert watch.look(picture((8, 8, 6, 6, 250), (200, 100, 2, 2, 0))) is Change.CHANGED


def test_a_large_part_that_moves_stays_a_change() -> None:
    """A video is what the page is about."""
    watch = PictureWatch()
    looks = [watch.look(picture((0, 0, 200, 150, level))) for level in LEVELS]
    assert set(looks) == {Change.CHANGED}


def test_a_part_at_rest_counts_again() -> None:
    """After a pause the same place is as good as any other."""
    watch = PictureWatch()
    for level in LEVELS:
        watch.look(picture((8, 8, 6, 6, level)))
    watch.settle()
    assert watch.look(picture((8, 8, 6, 6, 250))) is Change.CHANGED


def test_another_size_is_a_change() -> None:
    """No pixel is compared with one of another place."""
    watch = PictureWatch()
    watch.look(picture())
    assert watch.look(picture(size=(160, 90))) is Change.CHANGED


def test_what_is_no_picture_is_said() -> None:
    """Bytes of something else, and a picture that would take memory."""
    with pytest.raises(ValueError, match="3 bytes that are no picture; allowed: JPEG, PNG"):
        PictureWatch().look(b"abc")
    with pytest.raises(ValueError, match="2000x2000; allowed"):
        PictureWatch().look(picture(size=(2000, 2000)))
