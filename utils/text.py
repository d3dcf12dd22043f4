"""Masking: no key and no phone number in what is written down, whatever text it came in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SECRET = "[secret]"
PHONE = "[phone]"
TEXT_LIMIT = 4_096
"""Characters of one text that are kept; what is longer is cut before any pattern sees it."""

_SHORTEST_SECRET = 6  # shorter ones ("secret", "devkey" aside) would blank ordinary words
_OVERLAP = 2_048  # no key is longer, so a key that the cut halves lies wholly in this margin
_ITEMS = 50
_DEPTH = 4

_KEYS = re.compile(
    r"(?P<scheme>\bBearer\s+|\bAuthorization[\"']?\s*[:=]\s*[\"']?Basic\s+)[^\s\"',;]+"
    r"|\bsk[-_][A-Za-z0-9_-]{8,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"
    r"|(?P<url>://)[^\s/@:]+:[^\s/@]+(?=@)"
    r"|(?P<name>(?:api[-_ ]?key|secret(?:[-_]?key)?|passw(?:or)?d|access[-_]?token|authorization)"
    r"[\"']?\s*[:=]\s*[\"']?)(?!Bearer\b|Basic\b|None\b|null\b)[^\s\"'&,;{}\[\]()]{4,}"
    r"|(?P<token>(?<![A-Za-z_])token[\"']?\s*[:=]\s*[\"']?)[\w.+/=-]{16,}",
    re.IGNORECASE,
)
_PHONES = re.compile(
    # E.164, written together, in groups, or with dots (two at least: one is a decimal point)
    r"(?<![\d.eE+])\+[1-9](?:(?:[ ()-]{0,2}\d){7,14}|\d{0,2}(?:\.\d{2,5}){2,4})(?!\d)"
    # any long number behind a word that announces one
    r"|(?P<word>\b(?:phone|tel|telephone|mobile|caller|callee|msisdn|sips?)(?:[_ ]?(?:number|no|id))?(?:[^\w+]|_){1,4})"
    r"(?!\d{4}-\d\d-\d\d)\+?\(?\d(?:[ ()/-]{0,2}\d){7,14}(?!\d)",
    re.IGNORECASE,
)
_LONG_NUMBER = re.compile(r"(?!\d{4}-\d\d-\d\d)(?<![\d.])\+?\(?\d(?:[ ()./-]{0,2}\d){7,14}(?![\d.])")
_PHONE_FIELD = re.compile(
    r"(?<!micro)(?<!head)phone|(?:^|[_.-])(?:tel|mobile|msisdn|caller|callee|ani|dnis)(?:$|[_.-])"
)
_SECRET_FIELD = re.compile(r"(?:^|[_.-])(?:api[-_]?key|secret|password|authorization|access[-_]?token|token|jwt)$")
_FIGURE_FIELD = re.compile(r"_(?:s|ms|us|ns|at|ts|count|port|bytes)$")


class Mask:
    """Replaces the given secrets, everything that looks like a key, and phone numbers.

    `secrets` are the values themselves; one shorter than 6 characters is ignored, since masking it would
    blank ordinary words.
    """

    def __init__(self, secrets: Collection[str] = ()) -> None:
        known = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        known |= {quote(secret, safe="") for secret in known}
        longest_first = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if known else None

    def __repr__(self) -> str:
        return "Mask()"

    def text(self, text: str, *, limit: int = TEXT_LIMIT, keep_end: bool = False) -> str:
        """`text` masked, and cut to about `limit` characters: from its end if `keep_end`, else from its start."""
        if len(text) <= limit:
            return self._masked(text)
        whole = len(text) <= limit + _OVERLAP
        window = self._masked(text[-limit - _OVERLAP :] if keep_end else text[: limit + _OVERLAP])
        margin = max(len(window) - limit, 0 if whole else _OVERLAP)
        if not margin:
            return window
        if keep_end:
            return f"({len(text) - limit} more characters) …{window[margin:]}"
        return f"{window[:-margin]}… ({len(text) - limit} more characters)"

    def field(self, name: str, value: object, depth: int = 0) -> object:
        """The value of a log field, masked and made of plain types only: its name tells a key or a phone number."""
        key = name.lower()
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, dict):
            if depth >= _DEPTH:
                return "{…}"
            pairs = list(cast("Mapping[object, object]", value).items())[:_ITEMS]
            return {str(k): self.field(f"{name}.{k}", v, depth + 1) for k, v in pairs}
        if isinstance(value, list | tuple | set | frozenset):
            if depth >= _DEPTH:
                return "[…]"
            return [self.field(name, item, depth + 1) for item in list(cast("Collection[object]", value))[:_ITEMS]]
        number = isinstance(value, int | float)
        if _SECRET_FIELD.search(key) and not number:
            return SECRET
        if _PHONE_FIELD.search(key) and not _FIGURE_FIELD.search(key) and not isinstance(value, float):
            masked = _LONG_NUMBER.sub(PHONE, self.text(str(value)))
            return value if number and masked == str(value) else masked
        return value if number else self.text(str(value))

    def _masked(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(SECRET, text)
        return _PHONES.sub(_phone, _KEYS.sub(_key, text))


def _key(match: re.Match[str]) -> str:
    kept = match["scheme"] or match["url"] or match["name"] or match["token"] or ""
    return kept + SECRET


def _phone(match: re.Match[str]) -> str:
    return (match["word"] or "") + PHONE
