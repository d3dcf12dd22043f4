"""ICE servers as `Link` headers, which is how WHIP tells a client of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def links(servers: Iterable[Mapping[str, object]]) -> list[str]:
    """A header for each URL of RTCIceServer dictionaries: `urls` (a text or a list), `username`, `credential`."""
    found: list[str] = []
    for server in servers:
        urls = server.get("urls", ())
        each = [urls] if isinstance(urls, str) else cast("Iterable[str]", urls)
        found += [f'<{url}>; rel="ice-server"{_secrets(server)}' for url in each]
    return found


def _secrets(server: Mapping[str, object]) -> str:
    if "credential" not in server:
        return ""
    named = "".join(f'; {name}="{_quoted(server.get(name, ""))}"' for name in ("username", "credential"))
    return f'{named}; credential-type="password"'


def _quoted(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"')
