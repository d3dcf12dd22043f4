"""A token in the Authorization header, compared so that the time tells nothing of it."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


def has_bearer(request: web.BaseRequest, token: str) -> bool:
    """Whether `request` says `Authorization: Bearer <token>`."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Bytes: compare_digest takes no text beyond ASCII.
    same = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), token.encode())
    return same and scheme.lower() == "bearer"
