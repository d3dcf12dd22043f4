"""Text that comes in parts, some of which have been read already."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable


async def joined(first: str, rest: AsyncIterable[str] | None = None) -> AsyncGenerator[str]:
    """`first`, if there is any of it, and then `rest`."""
    if first:
        yield first
    if rest is not None:
        async for part in rest:
            yield part
