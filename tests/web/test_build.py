"""The committed page is what its sources build."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

WEB = Path(__file__).parents[2] / "web"
CLIENT, STATIC = WEB / "client", WEB / "static"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_built_files_are_current() -> None:
    """build.json has the digest of the sources as they are; if not: `npm ci && npm run build` in web/client."""
    files = [CLIENT / name for name in ("build.mjs", "package.json", "package-lock.json", "tsconfig.json")]
    files += [path for path in (CLIENT / "src").rglob("*") if path.is_file()]
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(CLIENT).as_posix(), path) for path in files):
        digest.update(f"{name}\n{sha256(path.read_bytes())}\n".encode())
    assert json.loads((STATIC / "build.json").read_text())["sources"] == digest.hexdigest()


def test_the_links_carry_the_tags_of_the_files_they_lead_to() -> None:
    """Each ?v= in the page and in its script is the start of the SHA-256 of a committed file."""
    text = (STATIC / "index.html").read_text() + (STATIC / "app.js").read_text()
    links = re.findall(r"/static/([\w.]+)\?v=([0-9a-f]{16})", text)
    assert {name for name, _ in links} == {"app.js", "app.css", "meter.js"}
    assert [tag for _, tag in links] == [sha256((STATIC / name).read_bytes())[:16] for name, _ in links]


def test_the_page_fetches_nothing_from_elsewhere() -> None:
    """Neither the page nor its styles name another server (the icon is in the page; w3.org is SVG's namespace)."""
    for name in ("index.html", "app.css"):
        assert set(re.findall(r"https?://[\w.]+", (STATIC / name).read_text())) <= {"http://www.w3.org"}


def test_the_notice_names_the_library() -> None:
    """The licences of the code in app.js are beside it, livekit-client in the locked version among them."""
    lock = json.loads((CLIENT / "package-lock.json").read_text())
    version = lock["packages"]["node_modules/livekit-client"]["version"]
    notice = (STATIC / "THIRD-PARTY.txt").read_text()
    assert f"livekit-client {version} (Apache-2.0)" in notice
    assert "webrtc-adapter" in notice
