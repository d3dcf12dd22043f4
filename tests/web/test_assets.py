"""The built files as they are served."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import make_mocked_request

from web.assets import FOREVER, REVALIDATE, load_assets

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "app.js").write_text("let a = 1;" * 100)
    return tmp_path


def test_a_link_with_the_right_tag_is_cached_forever(folder: Path) -> None:
    """Any other link to the file, an old one or none, is asked for again each time."""
    asset = load_assets(folder)["app.js"]
    caching = {
        path: asset.response(make_mocked_request("GET", path)).headers["Cache-Control"]
        for path in (f"/static/app.js?v={asset.tag}", "/static/app.js?v=0123456789abcdef", "/static/app.js")
    }
    assert list(caching.values()) == [FOREVER, REVALIDATE, REVALIDATE]


def test_a_chunk_is_cached_forever(folder: Path) -> None:
    """Its name is that of its content, so no link to it carries a tag; other names with a dash are not chunks."""
    for name in ("liveRoom-FE3YH74N.js", "third-party.js"):
        (folder / name).write_text("let a = 1;")
    assets = load_assets(folder)
    caching = {
        name: assets[name].response(make_mocked_request("GET", f"/static/{name}")).headers["Cache-Control"]
        for name in ("liveRoom-FE3YH74N.js", "third-party.js")
    }
    assert list(caching.values()) == [FOREVER, REVALIDATE]


def test_the_tag_is_of_the_content(folder: Path) -> None:
    """The same bytes have the same tag in another process or folder; other bytes have another."""
    before = load_assets(folder)["app.js"].tag
    assert load_assets(folder)["app.js"].tag == before
    (folder / "app.js").write_text("let a = 2;")
    assert load_assets(folder)["app.js"].tag != before


def test_a_browser_that_knows_the_file_gets_no_body(folder: Path) -> None:
    """If-None-Match with the ETag of before answers 304, with another one 200."""
    asset = load_assets(folder)["app.js"]
    etag = asset.response(make_mocked_request("GET", "/static/app.js")).headers["ETag"]
    known = asset.response(make_mocked_request("GET", "/static/app.js", {"If-None-Match": etag}))
    other = asset.response(make_mocked_request("GET", "/static/app.js", {"If-None-Match": '"other"'}))
    assert (known.status, known.body, other.status) == (304, None, 200)


def test_compressed_for_those_who_take_it(folder: Path) -> None:
    """With gzip in Accept-Encoding the body is smaller and unpacks to the file; without, it is the file."""
    asset = load_assets(folder)["app.js"]
    packed = asset.response(make_mocked_request("GET", "/static/app.js", {"Accept-Encoding": "br, gzip"}))
    plain = asset.response(make_mocked_request("GET", "/static/app.js"))
    assert isinstance(packed.body, bytes)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body == (folder / "app.js").read_bytes()
    assert len(packed.body) < len(asset.plain)
    assert "Content-Encoding" not in plain.headers


def test_a_page_that_was_not_built_says_how(tmp_path: Path) -> None:
    """Without index.html the error names the file and the command."""
    with pytest.raises(FileNotFoundError, match=r"index\.html is missing: build the page with `npm run build`"):
        load_assets(tmp_path)
