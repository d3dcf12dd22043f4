from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, web

from examples.browsing_agent import filtering_proxy
from examples.browsing_agent.filtering_proxy import REFUSED_HEADER, FilteringProxy
from tests.examples.browsing_agent.browsing_site import BrowsingSite, serving, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence


@asynccontextmanager
async def proxied(
    names: dict[str, list[Sequence[str]]], *allowed: str
) -> AsyncGenerator[tuple[FilteringProxy, BrowsingSite, ClientSession]]:
    """`names`: what each lookup of a name gives, one after the other; the last one stays."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        del port
        answers = names.get(host, [[host]])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async with serving() as site:
        hosts = [each.format(port=site.port) for each in allowed]
        async with FilteringProxy(hosts, resolve=resolve) as proxy, ClientSession() as session:
            yield proxy, site, session


async def get(proxy: FilteringProxy, session: ClientSession, url: str) -> tuple[int, str]:
    async with session.get(url, proxy=f"http://127.0.0.1:{proxy.port}") as answer:
        return answer.status, await answer.text()


async def test_an_allowed_host_is_reached_and_a_private_one_is_refused() -> None:
    """By name and by address; the words say what is behind the name."""
    names: dict[str, list[Sequence[str]]] = {"shop.test": [["127.0.0.1"]], "inside.test": [["10.0.0.7", "8.8.8.8"]]}
    async with proxied(names, "shop.test:{port}") as (proxy, site, session):
        url = site.page("hello").replace("127.0.0.1", "shop.test")
        assert await get(proxy, session, url) == (200, "<!doctype html>hello")
        status, words = await get(proxy, session, f"http://inside.test:{site.port}/")
        assert (status, words) == (403, proxy.why_refused("inside.test"))
        assert "inside.test is 10.0.0.7, which is not a public address" in words
        assert (await get(proxy, session, f"http://127.0.0.1:{site.port}/0"))[0] == 403
        assert site.asked == ["/0"]


async def test_a_name_that_changes_its_address_is_judged_each_time() -> None:
    """DNS rebinding: the proxy connects to the address that it judged, and to no later one."""
    names: dict[str, list[Sequence[str]]] = {"rebind.test": [["192.0.2.1"], ["127.0.0.1"]]}
    judged: list[str] = []

    def public(address: str) -> bool:
        judged.append(address)
        return address == "192.0.2.1"  # stands for a public one, where nothing answers

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filtering_proxy, "is_public", public)
        patch.setattr(filtering_proxy, "CONNECT_LIMIT_S", 0.2)
        async with proxied(names) as (proxy, site, session):
            url = f"http://rebind.test:{site.port}/"
            assert (await get(proxy, session, url))[0] == 502
            assert (await get(proxy, session, url))[0] == 403
            assert site.asked == []
    assert judged == ["192.0.2.1", "127.0.0.1"]


async def test_a_tunnel_is_refused_and_let_through_by_the_same_rule() -> None:
    """CONNECT, which https and WebSockets use."""
    async with proxied({}, "127.0.0.1:{port}") as (proxy, site, _):
        site.page("hello")
        for target, status in ((f"127.0.0.1:{site.port}", b"200"), ("10.0.0.1:443", b"403"), ("[::1]:443", b"403")):
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.split()[1] == status
            if status == b"200":
                writer.write(b"GET /0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert (await reader.read()).endswith(b"hello")
            writer.close()


async def test_a_server_is_never_handed_the_request_for_another_site() -> None:
    """The browser is told to close, even by a server that keeps its connection: there is one request on each."""
    async with proxied({}, "127.0.0.1:{port}") as (proxy, site, _):
        url = site.page("hello")
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        request = f"GET {url} HTTP/1.1\r\nHost: {site.host}\r\nConnection: keep-alive\r\n\r\n".encode()
        writer.write(request + request.replace(b"/0 ", b"/other "))
        answer = await reader.read()
        assert answer.count(b"HTTP/1.1 200") == 1
        assert b"Connection: close" in answer
        assert site.asked == ["/0"]
        writer.close()


async def test_a_body_arrives_whole_in_both_directions() -> None:
    """More than the buffers hold."""
    async with proxied({}, "127.0.0.1:{port}") as (proxy, site, session):

        async def echo(request: web.BaseRequest) -> web.Response:
            return web.Response(body=await request.read())

        url, body = site.answered(echo), bytes(range(256)) * 2500
        async with session.post(url, data=body, proxy=f"http://127.0.0.1:{proxy.port}") as answer:
            assert await answer.read() == body


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1", b"GET ftp://x/ HTTP/1.1", b"nothing", b"CONNECT :1 HTTP/1.1"])
async def test_what_is_no_request_for_a_proxy_ends_its_connection(head: bytes) -> None:
    """With words or without; nothing is left behind."""
    async with FilteringProxy() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(head + b"\r\n\r\n")
        answer = await reader.read()
        assert answer == b"" or (answer.startswith(b"HTTP/1.1 400") and REFUSED_HEADER.encode() in answer)
        writer.close()


async def test_closing_ends_what_is_under_way() -> None:
    """A tunnel that is open and a name that is never answered."""

    async def never(host: str, port: int) -> Sequence[str]:
        del host, port
        await asyncio.Event().wait()
        return []

    async with FilteringProxy(resolve=never) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"CONNECT slow.test:443 HTTP/1.1\r\n\r\n")
        await until(lambda: proxy.requests == 1, "the request")
    assert await reader.read() == b""
    writer.close()
