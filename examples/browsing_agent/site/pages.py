"""The garden shop's pages as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from examples.browsing_agent.site.goods import FACTS, GOODS, GUESTBOOK, Fact, Good

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STYLE = """
body { font: 18px/1.5 sans-serif; margin: 0 auto; max-width: 52rem; padding: 0 2rem }
body { color: #20301f; background: #fbfaf4 }
nav a { margin-right: 1rem } nav { border-bottom: 3px solid #6a9a4b; padding: 1rem 0 }
a { color: #2f6b1f } li { padding: .2rem 0 } label { display: block; margin: .8rem 0 }
input, button { font: inherit; padding: .3rem .6rem } .price { font-size: 1.4rem; font-weight: bold }
"""
PLACES = (
    ("/", "Home"),
    ("/goods", "All goods"),
    ("/hours", "Opening hours"),
    ("/delivery", "Delivery"),
    ("/advice", "Advice"),
    ("/guestbook", "Guest book"),
    ("/order", "Order"),
)
ORDER_FIELDS = (("name", "Your name"), ("what", "What you would like"), ("phone", "Your phone number"))


def page(title: str, body: str) -> str:
    """A whole page around `body`, which is HTML already."""
    links = "".join(f'<a href="{path}">{escape(name)}</a>' for path, name in PLACES)
    search = '<form action="/search" role="search"><input type="search" name="q" aria-label="Search the shop">'
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)} - Green Corner</title>"
        f"<style>{STYLE}</style><nav>{links}</nav>{search}<button>Search</button></form>"
        f"<main><h1>{escape(title)}</h1>{body}</main></html>"
    )


def home() -> str:
    body = "<p>Green Corner is a small garden shop. We sell tools, seeds and plants.</p>"
    return page("Green Corner", f"{body}<h2>This week</h2>{_goods(GOODS[:3])}")


def all_goods() -> str:
    return page("All goods", _goods(GOODS))


def good(which: Good) -> str:
    text = f"<p>{escape(which.about)}</p><p class=price>{escape(which.line)}</p>"
    return page(which.name, f'{text}<p><a href="/order?what={which.key}">Order it</a></p>')


def facts(path: str) -> str:
    found = [fact for fact in FACTS if fact.path == path]
    return page(found[0].title, "".join(f"<p>{escape(fact.text)}</p>" for fact in found))


def results(words: str, found: Sequence[Good | Fact]) -> str:
    if not found:
        return page("Search", f"<p>Nothing was found for {escape(words)}.</p>")
    rows = "".join(
        f'<li><a href="/goods/{each.key}">{escape(each.name)}</a>: {escape(each.price)}</li>'
        if isinstance(each, Good)
        else f'<li><a href="{each.path}">{escape(each.title)}</a>: {escape(each.text)}</li>'
        for each in found
    )
    return page("Search", f"<p>What fits best comes first.</p><ul>{rows}</ul>")


def guestbook() -> str:
    return page("Guest book", "".join(f"<p><b>{escape(who)}</b>: {escape(text)}</p>" for who, text in GUESTBOOK))


def order(wish: str) -> str:
    fields = "".join(
        f'<label>{escape(label)} <input name="{name}" value="{escape(wish if name == "what" else "")}"></label>'
        for name, label in ORDER_FIELDS
    )
    text = "<p>Write down what you would like. We call you back.</p>"
    return page("Order", f'{text}<form method="post" action="/order">{fields}<button>Send the order</button></form>')


def ordered(number: int, fields: Mapping[str, str]) -> str:
    rows = "".join(f"<li>{escape(label)}: {escape(fields.get(name, ''))}</li>" for name, label in ORDER_FIELDS)
    return page("Thank you", f"<p>Your order has number {number}. We call you back.</p><ul>{rows}</ul>")


def _goods(goods: Sequence[Good]) -> str:
    rows = "".join(
        f'<li><a href="/goods/{each.key}">{escape(each.name)}</a>: {escape(each.price)}</li>' for each in goods
    )
    return f"<ul>{rows}</ul>"
