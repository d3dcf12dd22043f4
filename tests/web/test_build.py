"""The committed page is what its sources build."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from tests.web.page_server import PAGE_STATIC
from web.assets import CHUNK

WEB = Path(__file__).parents[2] / "web"
CLIENT, STATIC = WEB / "client", PAGE_STATIC


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


def test_the_folder_has_what_was_built_and_no_more() -> None:
    """build.json names each file with the start of its SHA-256: nothing is left there of an earlier build."""
    files = json.loads((STATIC / "build.json").read_text())["files"]
    built = {path.name: sha256(path.read_bytes())[:16] for path in STATIC.iterdir() if path.name != "build.json"}
    assert files == built


def test_the_links_carry_the_tags_of_the_files_they_lead_to() -> None:
    """Each ?v= in a page and in a script is the start of the SHA-256 of a committed file."""
    texts = [path.read_text() for path in STATIC.iterdir() if path.suffix in (".html", ".js")]
    links = re.findall(r"/static/([\w.]+)\?v=([0-9a-f]{16})", "".join(texts))
    assert {name for name, _ in links} >= {"app.js", "app.css", "meter.js"}
    assert [tag for _, tag in links] == [sha256((STATIC / name).read_bytes())[:16] for name, _ in links]


def imports(script: str, seen: set[str] | None = None) -> set[str]:
    """The chunks that a script waits for before it runs."""
    seen = set() if seen is None else seen
    text = (STATIC / script).read_text()
    for name in re.findall(r'(?:from|import)\s*"\./([\w.-]+\.js)"', text):
        if name not in seen:
            seen.add(name)
            imports(name, seen)
    return seen


def test_the_page_does_not_wait_for_the_sdk() -> None:
    """livekit-client is in a chunk of its own, which no script imports before it runs; the others are preloaded."""
    sdk = {path.name for path in STATIC.glob("*.js") if "livekit" in path.read_text() and path.stat().st_size > 300_000}
    assert len(sdk) == 1
    for script in ("app.js", "firstword.js", "load.js"):
        assert not sdk & imports(script)
    html = (STATIC / "index.html").read_text()
    assert set(re.findall(r'rel="modulepreload" href="/static/([\w.-]+)"', html)) == imports("app.js")


def test_chunks_are_named_after_their_content() -> None:
    """What the scripts import has a name that the server may have cached for ever."""
    chunks = {name for script in ("app.js", "firstword.js") for name in imports(script)}
    assert chunks
    assert all(CHUNK.fullmatch(name) for name in chunks)


def test_the_page_fetches_nothing_from_elsewhere() -> None:
    """Neither the page nor its styles name another server (the icon is in the page; w3.org is SVG's namespace)."""
    for name in ("index.html", "app.css"):
        assert set(re.findall(r"https?://[\w.]+", (STATIC / name).read_text())) <= {"http://www.w3.org"}


def test_the_notice_names_the_library() -> None:
    """The licences of the code in the scripts are beside it, livekit-client in the locked version among them."""
    lock = json.loads((CLIENT / "package-lock.json").read_text())
    version = lock["packages"]["node_modules/livekit-client"]["version"]
    notice = (STATIC / "THIRD-PARTY.txt").read_text()
    assert f"livekit-client {version} (Apache-2.0)" in notice
    assert "webrtc-adapter" in notice
