"""Text for the voice without markdown and emoji, which holds nothing back while there is none of it.

The framework's own filter keeps each mark until the next token, since the mark may belong to markdown: the first
clause then reaches the TTS a token late. Use it as `AgentSession(tts_text_transforms=[spoken_text])`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.agents.voice.transcription.filters import filter_emoji, filter_markdown

from utils.text_stream import joined

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable

_MARKUP = frozenset("*_`~[]#>\n")
_LIST_MARKS = ("-", "+")


async def spoken_text(text: AsyncIterable[str]) -> AsyncGenerator[str]:
    """`text` as it comes; from the first token on that may be markup, through the framework's filters."""
    parts = aiter(text)
    is_line_start = True
    async for part in parts:
        if not _MARKUP.isdisjoint(part) or (is_line_start and part.lstrip().startswith(_LIST_MARKS)):
            async for filtered in filter_emoji(filter_markdown(joined(part, parts))):
                yield filtered
            return
        is_line_start = is_line_start and not part.strip()
        async for filtered in filter_emoji(joined(part)):
            yield filtered
