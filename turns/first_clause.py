"""A tokenizer for the TTS that lets the first clause of a reply go at its mark, before the next token is there.

The plugin's own one holds the first sentence until the second begins, and needs 20 characters. Use it as
`elevenlabs.TTS(word_tokenizer=FirstClauseTokenizer())`; with `auto_mode`, the plugin's default, each piece is spoken
when it arrives.
"""

from __future__ import annotations

from livekit.agents import tokenize, utils
from livekit.agents.tokenize import TokenData

from turns.clauses import clause_end, last_break, sentence_end

# A single short word in a piece of its own is spoken with the melody of a whole utterance.
FIRST_MIN_CHARS = 8
FIRST_MIN_WORDS = 2
SENTENCE_MIN_CHARS = 20  # livekit's own figure: below it the voice loses its melody
PIECE_MAX_CHARS = 200  # a text without marks must not wait for its end


class ClauseCutter:
    """Cuts a reply that comes in tokens: its first clause, then sentences. Nothing is lost but the space between."""

    def __init__(self) -> None:
        self._text = ""
        self._is_first = True

    def push(self, text: str) -> list[str]:
        """The pieces that `text` completes, in order."""
        self._text += text
        pieces: list[str] = []
        while (end := self._end()) is not None:
            pieces += self._cut(end)
        return pieces

    def flush(self) -> list[str]:
        """What is left; the next text begins a new reply."""
        pieces = self._cut(len(self._text))
        self._is_first = True
        return pieces

    def _cut(self, end: int) -> list[str]:
        piece, self._text = self._text[:end].strip(), self._text[end:]
        self._is_first = self._is_first and not piece
        return [piece] if piece else []

    def _end(self) -> int | None:
        if self._is_first:
            end = clause_end(self._text, min_chars=FIRST_MIN_CHARS, min_words=FIRST_MIN_WORDS)
        else:
            end = sentence_end(self._text, min_chars=SENTENCE_MIN_CHARS)
        if (end or len(self._text)) > PIECE_MAX_CHARS:
            return last_break(self._text[: PIECE_MAX_CHARS + 1], min_chars=SENTENCE_MIN_CHARS) or end
        return end


class FirstClauseTokenizer(tokenize.SentenceTokenizer):
    """`ClauseCutter` as livekit's plugins take it."""

    def tokenize(self, text: str, *, language: str | None = None) -> list[str]:
        cutter = ClauseCutter()
        return cutter.push(text) + cutter.flush()

    def stream(self, *, language: str | None = None) -> FirstClauseStream:
        return FirstClauseStream()


class FirstClauseStream(tokenize.SentenceStream):
    """One reply, or several with a `flush` between."""

    def __init__(self) -> None:
        super().__init__()
        self._cutter = ClauseCutter()
        self._segment_id = utils.shortuuid()

    def push_text(self, text: str) -> None:
        self._check_not_closed()
        self._send(self._cutter.push(text))

    def flush(self) -> None:
        self._check_not_closed()
        self._send(self._cutter.flush())
        self._segment_id = utils.shortuuid()

    def end_input(self) -> None:
        self.flush()
        self._do_close()

    async def aclose(self) -> None:
        self._do_close()

    def _send(self, pieces: list[str]) -> None:
        for piece in pieces:
            self._event_ch.send_nowait(TokenData(segment_id=self._segment_id, token=piece))
