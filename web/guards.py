"""Who may talk to the page's server: this machine's own page, under a strict content policy."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from rooms.door.own_machine import LOOPBACK_HOSTS, own_host
from rooms.replies import refusal

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware


def foreign(request: web.BaseRequest) -> web.Response | None:
    """The refusal for a request that another web site had a hand in, or None for one of the page's own.

    A name that an attacker points at 127.0.0.1 fails by its Host; a page of another origin fails by its Origin,
    which browsers send with every POST.
    """
    if own_host(request) is None:
        allowed = ", ".join([*sorted(LOOPBACK_HOSTS), "*.localhost"])
        return refusal(
            403, f"Host: this page is served to {allowed} only", field="Host", value=request.host, allowed=allowed
        )
    own = f"{request.scheme}://{request.host}"
    origin = request.headers.get("Origin")
    if origin is not None and origin != own:
        return refusal(403, f"Origin: only the page at {own} may ask", field="Origin", value=origin, allowed=own)
    site = request.headers.get("Sec-Fetch-Site", "none")
    # Following a link to the page is fine; asking for its answers from elsewhere is not.
    if site not in ("none", "same-origin") and request.headers.get("Sec-Fetch-Mode") != "navigate":
        return refusal(
            403,
            f"Sec-Fetch-Site: only the page at {own} may ask",
            field="Sec-Fetch-Site",
            value=site,
            allowed="same-origin",
        )
    return None


def security_headers(livekit_url: str) -> dict[str, str]:
    """Headers for every answer: scripts and styles of this server only, network to it and to LiveKit only."""
    host = urlsplit(livekit_url).netloc
    secure = livekit_url.startswith(("wss:", "https:"))
    network = [f"wss://{host}", f"https://{host}"] if secure else [f"ws://{host}", f"http://{host}"]
    if host.endswith(".livekit.cloud"):
        # LiveKit Cloud sends the client on to the nearest region's name.
        network += ["wss://*.livekit.cloud", "https://*.livekit.cloud"]
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "media-src": "'self' blob:",
        "connect-src": " ".join(["'self'", *network]),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), display-capture=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def guard(livekit_url: str) -> Middleware:
    """Middleware: refuse what is `foreign`, and put the security headers on every answer, errors too."""
    headers = security_headers(livekit_url)

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = foreign(request) or await handler(request)
        except web.HTTPException as error:
            response = refusal(error.status, error.reason)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    return guarded
