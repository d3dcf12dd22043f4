"""What goes wrong with a pool, in words."""

from __future__ import annotations

import aiohttp


class NoClient(Exception):
    """No client was free in time. The message names how many are taken, the time, and how LiveKit is."""


class NotReached(aiohttp.ClientConnectionError):
    """No URL answers, so the request was not sent. The message names the URLs, their state and the last error."""


def in_words(error: BaseException) -> str:
    """An error of aiohttp, some of which have no text."""
    return str(error) or type(error).__name__
