"""What a page says, as text for a language model: lines, with a short name behind everything that can be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TEXT_LIMIT = 8_000
"""Characters of a page's own text."""
LISTED_LIMIT = 60
URL_SHOWN = 120


@dataclass(frozen=True)
class PageItem:
    """A link, button or field. `ref` stays the same while it is on the page and is never used again."""

    ref: str
    kind: str
    label: str
    detail: str = ""

    def line(self) -> str:
        return " ".join(part for part in (f"[{self.ref}]", self.kind, f'"{self.label}"', self.detail) if part)


@dataclass(frozen=True)
class PageText:
    title: str
    url: str
    text: str
    items: tuple[PageItem, ...]
    notes: tuple[str, ...] = ()
    """What is not in the text: cut, frames of other sites, more below."""

    def __str__(self) -> str:
        listed = [item.line() for item in self.items[:LISTED_LIMIT]]
        if len(self.items) > LISTED_LIMIT:
            listed.append(f"({len(self.items) - LISTED_LIMIT} more)")
        parts = [f"Title: {self.title}", f"Address: {self.url}", "", self.text]
        if listed:
            parts += ["", "Links, buttons and fields:", *listed]
        parts += [f"({note})" for note in self.notes]
        return "\n".join(parts)


def page_text(read: dict[str, Any], limit: int = TEXT_LIMIT) -> PageText:
    """Of what `read` of page_script.js gave. Assembled by `join`: a page of many pieces costs what its length costs."""
    lines = (" ".join(line.split()) for line in "".join(read["pieces"]).split("\n"))
    text = "\n".join(line for line in lines if line and line != "|")
    return PageText(
        title=read["title"],
        url=read["url"][:URL_SHOWN],
        text=text,
        items=tuple(_item(each) for each in read["items"]),
        notes=tuple(_notes(read, limit)),
    )


def _item(read: dict[str, Any]) -> PageItem:
    detail: list[str] = []
    if read.get("type", "text") != "text":
        detail.append(f"({read['type']})")
    if read.get("url"):
        detail.append(f"-> {read['url'][:URL_SHOWN]}")
    if read.get("value"):
        detail.append(f'now "{read["value"]}"')
    if "checked" in read:
        detail.append("checked" if read["checked"] else "not checked")
    if read.get("options"):
        detail.append(f"one of: {', '.join(read['options'])}")
    if read.get("disabled"):
        detail.append("disabled")
    return PageItem(read["ref"], read["kind"], read["label"], " ".join(detail))


def _notes(read: dict[str, Any], limit: int) -> list[str]:
    notes: list[str] = []
    if read["whole"] > limit:
        notes.append(f"the text is cut: {limit} of {read['whole']} characters")
    if read["cut"]:
        notes.append("the page is too large to be read to its end")
    if read["frames"]:
        notes.append(f"{read['frames']} frame(s) of other sites are not read")
    top, shown, whole = read["scroll"]
    if whole > shown + 1:
        notes.append(f"the window shows pixels {top} to {min(whole, top + shown)} of {whole}")
    return notes
