"""The page's built files, read once: compressed, with a tag of their content, cached by the browser accordingly."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

STATIC = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
# What the build names after its content; the scripts import it by that name.
CHUNK = re.compile(r"[\w.-]+-[A-Z0-9]{8}\.js")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file in memory; `tag` is the start of its SHA-256, which the page's links carry as `?v=`."""

    name: str
    content_type: str
    tag: str
    plain: bytes
    packed: bytes

    def response(self, request: web.Request) -> web.Response:
        """The file, or 304. Cached forever with the right `?v=` or as a chunk, else asked for again each time."""
        forever = request.query.get("v") == self.tag or CHUNK.fullmatch(self.name) is not None
        headers = {
            "Cache-Control": FOREVER if forever else REVALIDATE,
            "ETag": f'"{self.tag}"',
            "Vary": "Accept-Encoding",
        }
        if any(known.value in (self.tag, "*") for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        body = self.plain
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = self.packed, "gzip"
        return web.Response(body=body, headers=headers | {"Content-Type": self.content_type})


def load_assets(folder: Path = STATIC) -> dict[str, Asset]:
    """All files of `folder` by name. Raises FileNotFoundError if the page has not been built."""
    if not (folder / "index.html").is_file():
        raise FileNotFoundError(
            f"{folder / 'index.html'} is missing: build the page with `npm run build` in web/client"
        )
    return {path.name: _asset(path) for path in folder.iterdir() if path.is_file()}


def _asset(path: Path) -> Asset:
    plain = path.read_bytes()
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    textual = guessed.startswith("text/") or guessed in ("application/json", "application/javascript")
    return Asset(
        name=path.name,
        content_type=f"{guessed}; charset=utf-8" if textual else guessed,
        tag=hashlib.sha256(plain).hexdigest()[:16],
        plain=plain,
        # A fixed time keeps the bytes the same from run to run.
        packed=gzip.compress(plain, 9, mtime=0),
    )
