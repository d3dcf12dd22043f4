"""WhipClient in Chromium, against an endpoint that does as it is told; the media's other end is in the same page."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from tests.web.whip_client_site import Script, link, page_of, site

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Browser, Page

    Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

FRAGMENT = "application/trickle-ice-sdpfrag"
# The other end: `answers(offer)` and `restarts(fragment)`, with its candidates in what they return.
PAGE = """() => {
  window.states = [];
  window.steps = [];
  window.messages = [];
  window.tracks = 0;
  window.make = (options, endpoint = "/whip") => (window.client = new lib.WhipClient(endpoint, {
    state: (state, error) => states.push([state, error?.kind ?? null, error?.status ?? null]),
    step: (step, atMs) => steps.push([step, atMs]),
    track: () => { tracks += 1; },
    message: (text) => messages.push(text),
  }, options));
  window.opens = (options, endpoint) => make(options, endpoint).open().then(
    () => "open",
    ({ name, kind, status, message, retryAfterS }) => ({ name, kind, status, message, retryAfterS }),
  );
  const local = async (peer) => {
    await peer.setLocalDescription(await peer.createAnswer());
    while (peer.iceGatheringState !== "complete") {
      await new Promise((go) => peer.addEventListener("icegatheringstatechange", go, { once: true }));
    }
    return peer.localDescription.sdp;
  };
  window.answers = async (sdp) => {
    window.offered = sdp;
    window.other = new RTCPeerConnection();
    other.ondatachannel = ({ channel }) => {
      channel.send("text");
      channel.send(new TextEncoder().encode("bytes"));
      channel.onmessage = ({ data }) => { window.heard = data; };
    };
    await other.setRemoteDescription({ type: "offer", sdp });
    other.getTransceivers()[0].direction = "sendrecv";
    return local(other);
  };
  window.restarts = async (fragment) => {
    const [ufrag, pwd] = ["ufrag", "pwd"].map((name) => fragment.match(new RegExp(`a=ice-${name}:(.*)\\r`))[1]);
    offered = offered.replace(/a=ice-ufrag:.*/g, `a=ice-ufrag:${ufrag}`).replace(/a=ice-pwd:.*/g, `a=ice-pwd:${pwd}`);
    await other.setRemoteDescription({ type: "offer", sdp: offered });
    const lines = (await local(other)).split("\\r\\n").filter((line) => !/^a=(mid|group)/.test(line));
    const ice = lines.filter((line) => line.startsWith("a=ice-") || line.startsWith("a=candidate"));
    return ["m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", ...ice, ""].join("\\r\\n");
  };
}"""


def says(status: int, text: str = "", **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


def answers(page: Page, *links: str, **headers: str) -> Answer:
    """201 with the answer of the page's other end."""

    async def answer(request: web.Request) -> web.Response:
        sdp = await page.evaluate("(offer) => answers(offer)", await request.text())
        given = {"Location": "/whip/1", "ETag": '"one"', "Content-Type": "application/sdp"} | headers
        response = web.Response(status=201, body=sdp.encode(), headers=given)
        for each in links:
            response.headers.add("Link", each)
        return response

    return answer


async def test_from_the_offer_to_the_end(browser: Browser) -> None:
    """One POST without candidates, one media section and one for data; messages both ways; one DELETE."""
    script = Script()
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)
        script.posts = [answers(page)]
        assert await page.evaluate("opens({ token: 'secret' })") == "open"
        post = await script.until("POST")
        assert post.headers["Content-Type"] == "application/sdp"
        assert post.headers["Authorization"] == "Bearer secret"
        for wanted in ("a=sendrecv", "minptime=10", "useinbandfec=1", "usedtx=1", "a=ptime:10", "m=application"):
            assert wanted in post.body
        assert "a=candidate" not in post.body
        assert post.body.count("m=audio") == 1
        await page.wait_for_function("messages.length === 2")
        assert await page.evaluate("messages") == ["text", "bytes"]
        assert await page.evaluate("client.tell('to you')")
        await page.wait_for_function("window.heard === 'to you'")
        assert await page.evaluate("[tracks, states.map(([state]) => state)]") == [1, ["connecting", "connected"]]
        await page.evaluate("client.close(); client.close();")
        delete = await script.until("DELETE")
        assert (delete.path, delete.headers["Authorization"]) == ("/whip/1", "Bearer secret")
        assert await page.evaluate("states.at(-1)") == ["closed", None, None]
        assert not await page.evaluate("client.tell('too late')")
        again = "client.open().then(() => 'open', ({ message }) => message)"
        assert "must be new" in await page.evaluate(again)
        assert [one.method for one in script.asked].count("DELETE") == 1


async def test_candidates_go_together_under_the_etag(browser: Browser) -> None:
    """All of one burst in one PATCH, with the ETag as it was given; the last of them says that it is."""
    script = Script()
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)
        script.posts = [answers(page)]
        assert await page.evaluate("opens()") == "open"
        n = 0
        while "a=end-of-candidates" not in (await script.until("PATCH", n + 1)).body:
            n += 1
        patches = [one for one in script.asked if one.method == "PATCH"]
        assert len(patches) <= 3
        assert {one.headers["If-Match"] for one in patches} == {'"one"'}
        assert {one.headers["Content-Type"] for one in patches} == {FRAGMENT}
        body = patches[0].body
        assert body.startswith("m=audio 9 ")
        assert (
            body.index("a=mid:0") < body.index("a=ice-ufrag:") < body.index("a=ice-pwd:") < body.index("a=candidate:")
        )
        found = [line for one in patches for line in one.body.splitlines() if line.startswith("a=candidate:")]
        assert len(found) == len(set(found)) > 0
        await page.evaluate("client.close()")


async def test_without_an_etag_nothing_is_trickled(browser: Browser) -> None:
    """An endpoint that gives none takes no PATCH; the call stands without."""
    script = Script()

    async def plain(request: web.Request) -> web.Response:
        answer = await answers(page)(request)
        assert isinstance(answer, web.Response)
        del answer.headers["ETag"]
        return answer

    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)
        script.posts = [plain]
        assert await page.evaluate("opens()") == "open"
        assert [one.method for one in script.asked] == ["POST"]
        await page.evaluate("client.close()")


@pytest.mark.parametrize(
    ("location", "wanted"),
    [("/whip/other/5", "/whip/other/5"), ("5?x=1", "/elsewhere/5?x=1"), ("http://{host}/whip/9", "/whip/9")],
)
async def test_the_location_is_resolved(browser: Browser, location: str, wanted: str) -> None:
    """Against the address that answered, which is another one after a redirection."""
    script = Script()
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)
        host = await page.evaluate("location.host")
        script.posts = [
            says(307, Location="/elsewhere/in"),
            answers(page, Location=location.format(host=host)),
        ]
        assert await page.evaluate("opens()") == "open"
        await page.evaluate("client.close()")
        assert (await script.until("DELETE")).path == wanted


REFUSALS: list[tuple[int, str, dict[str, str], dict[str, Any]]] = [
    (400, '{"error": {"message": "a wrong offer"}}', {}, {"message": "a wrong offer"}),
    (401, "no permissions to access the room\n", {}, {"message": "no permissions to access the room"}),
    (404, "", {}, {"message": "HTTP 404"}),
    (409, '{"error": "taken"}', {}, {"message": "taken"}),
    (429, '{"detail": "slower"}', {"Retry_After": "30"}, {"message": "slower", "retryAfterS": 30}),
]


@pytest.mark.parametrize(("status", "text", "headers", "wanted"), REFUSALS)
async def test_a_refusal_says_why(
    browser: Browser, status: int, text: str, headers: dict[str, str], wanted: dict[str, Any]
) -> None:
    """With the endpoint's words and the wait it asks for; what another attempt would not change is asked once."""
    script = Script(posts=[says(status, text, **headers)])
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)
        error = await page.evaluate("opens()")
        assert error == {"name": "WhipError", "kind": "refused", "status": status, "retryAfterS": None} | wanted
        assert await page.evaluate("states.at(-1)") == ["closed", "refused", status]
        assert [one.method for one in script.asked] == ["POST"]


async def test_what_passes_is_asked_again(browser: Browser) -> None:
    """503 with a wait, then 429 with a date, then the answer: one call, and no sooner than was asked for."""
    script = Script()
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)

        async def at_a_date(_: web.Request) -> web.Response:
            return web.Response(status=429, headers={"Retry-After": formatdate(time.time() + 2, usegmt=True)})

        script.posts = [says(503, Retry_After="1"), at_a_date, answers(page)]
        begin = time.monotonic()
        assert await page.evaluate("opens({ attempts: 3 })") == "open"
        assert time.monotonic() - begin >= 1.9
        assert len({one.body for one in script.asked if one.method == "POST"}) == 1
        await page.evaluate("client.close()")


async def test_attempts_are_bounded(browser: Browser) -> None:
    """The last refusal is told."""
    script = Script(posts=[says(503), says(503), says(503)])
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)
        error = await page.evaluate("opens({ attempts: 2 })")
        assert (error["kind"], error["status"]) == ("refused", 503)
        assert len(script.asked) == 2


async def test_an_endpoint_that_is_silent_or_away(browser: Browser) -> None:
    """No answer within the limit, and no endpoint at all, are the same kind of failure."""
    script = Script()

    done = asyncio.Event()

    async def silent(_: web.Request) -> web.Response:
        await done.wait()
        return web.Response()

    script.posts = [silent]
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)
        error = await page.evaluate("opens({ attempts: 1, answerLimitS: 0.3 })")
        assert (error["kind"], error["message"]) == ("unanswered", "no answer within 0.3 s")
        done.set()
        error = await page.evaluate("opens({ attempts: 1 }, 'http://127.0.0.1:9/whip')")
        assert (error["kind"], error["status"]) == ("unanswered", 0)


async def test_an_answer_that_cannot_be_used(browser: Browser) -> None:
    """Is refused by the browser: the session is given back, and the client closed."""
    script = Script(posts=[says(201, "v=0\r\nnonsense", Location="/whip/7", Content_Type="application/sdp")])
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)
        assert (await page.evaluate("opens()"))["kind"] == "refused"
        assert (await script.until("DELETE")).path == "/whip/7"


async def test_an_answer_after_the_end_is_given_back(browser: Browser) -> None:
    """Closed while the POST is under way: `open` ends at once, and the session that comes is deleted."""
    script = Script()
    go_on = asyncio.Event()
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)

        async def slow(request: web.Request) -> web.StreamResponse:
            await go_on.wait()
            return await answers(page, Location="/whip/late")(request)

        script.posts = [slow]
        await page.evaluate("() => { window.opening = opens(); }")
        await script.until("POST")
        await page.evaluate("client.close()")
        assert (await page.evaluate("opening"))["kind"] == "closed"
        assert [one.method for one in script.asked] == ["POST"]
        go_on.set()
        assert (await script.until("DELETE")).path == "/whip/late"


async def test_ice_servers_of_the_endpoint(browser: Browser) -> None:
    """Those of its Link headers are used from then on, unless the page has named its own."""
    turn = link("turn:turn.example:3478?transport=udp", username="ada", credential='se"cret'.replace('"', '\\"'))
    other = '<https://example.com>; rel="help"'
    script = Script()
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)
        servers = "client.session.peer.getConfiguration().iceServers"
        script.posts = [answers(page, f"{other}, {link('stun:stun.example')}", turn, link("turn:without.credentials"))]
        assert await page.evaluate("opens()") == "open"
        found = [(one["urls"], one.get("username"), one.get("credential")) for one in await page.evaluate(servers)]
        assert found == [
            (["stun:stun.example"], "", ""),
            (["turn:turn.example:3478?transport=udp"], "ada", 'se"cret'),
        ]
        await page.evaluate("client.close()")
        script.posts = [answers(page, turn)]
        own = "{ iceServers: [{ urls: 'stun:own.example' }], iceCandidatePoolSize: 1 }"
        assert await page.evaluate(f"opens({own})") == "open"
        assert [one["urls"] for one in await page.evaluate(servers)] == [["stun:own.example"]]
        assert await page.evaluate("client.session.peer.getConfiguration().iceCandidatePoolSize") == 1
        await page.evaluate("client.close()")


async def test_an_offer_made_before_the_click(browser: Browser) -> None:
    """Is the one that is sent, without a microphone; one that was prepared in vain leaves nothing open."""
    script = Script()
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)
        script.posts = [answers(page)]
        await page.evaluate("async () => { await make().prepare(); }")
        prepared = await page.evaluate("client.session.peer.localDescription.sdp.match(/ice-ufrag:(.*)/)[1]")
        assert script.asked == []
        assert await page.evaluate("client.open().then(() => client.state)") == "connected"
        assert f"a=ice-ufrag:{prepared}" in (await script.until("POST")).body
        await page.evaluate("client.close()")
        vain = """async () => {
          await make().prepare();
          const { peer } = client.session;
          client.close();
          return peer.signalingState;
        }"""
        assert await page.evaluate(vain) == "closed"


async def test_ice_is_restarted(browser: Browser) -> None:
    """A connection that fails: a fragment without candidates, `If-Match: *`; later ones under the new ETag."""
    script = Script()
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)

        async def patched(request: web.Request) -> web.Response:
            if request.headers["If-Match"] != "*":
                return web.Response(status=204)
            text = await page.evaluate("(fragment) => restarts(fragment)", await request.text())
            return web.Response(text=text, headers={"ETag": '"two"', "Content-Type": FRAGMENT})

        script.posts = [answers(page)]
        script.patches = [patched] * 20
        assert await page.evaluate("opens()") == "open"
        # As the browser tells it when the way is lost.
        await page.evaluate("client.follow('failed')")
        await page.wait_for_function("states.map(([state]) => state).slice(-2).join() === 'interrupted,connected'")
        patches = [one for one in script.asked if one.method == "PATCH"]
        restart = next(one for one in patches if one.headers["If-Match"] == "*")
        assert "candidate" not in restart.body
        ufrag = restart.body.split("a=ice-ufrag:")[1].split("\r\n")[0]
        while not (later := [one for one in script.asked if one.headers.get("If-Match") == '"two"']):
            script.news.clear()
            await script.news.wait()
        assert f"a=ice-ufrag:{ufrag}" in later[0].body
        await page.evaluate("client.close()")


@pytest.mark.parametrize("status", [404, 405, 412])
async def test_a_restart_that_is_refused_makes_way_for_a_new_session(browser: Browser, status: int) -> None:
    """The new session is opened, then the old one deleted; the caller is told of an interruption only."""
    script = Script()
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)

        async def refused(request: web.Request) -> web.StreamResponse:
            return web.Response(status=status if request.headers["If-Match"] == "*" else 204)

        script.patches = [refused] * 20
        script.posts = [answers(page), answers(page, Location="/whip/2")]
        assert await page.evaluate("opens()") == "open"
        await page.evaluate("client.follow('failed')")
        await page.wait_for_function("states.at(-1)[0] === 'connected' && states.length === 4")
        assert (await script.until("DELETE")).path == "/whip/1"
        assert await page.evaluate("tracks") == 2
        await page.evaluate("client.close()")
        assert (await script.until("DELETE", 2)).path == "/whip/2"


async def test_what_cannot_be_had_back_is_lost(browser: Browser) -> None:
    """Restart and new session refused: closed, with the refusal as the cause."""
    script = Script()
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)

        async def refused(request: web.Request) -> web.StreamResponse:
            return web.Response(status=404 if request.headers["If-Match"] == "*" else 204)

        script.patches = [refused] * 20
        script.posts = [answers(page), says(403, "no longer")]
        assert await page.evaluate("opens()") == "open"
        await page.evaluate("client.follow('failed')")
        await page.wait_for_function("states.at(-1)[0] === 'closed'")
        assert await page.evaluate("states.at(-1)") == ["closed", "refused", 403]


async def test_ended_by_the_other_side(browser: Browser) -> None:
    """Is told as that, and needs no DELETE."""
    script = Script()
    async with page_of(browser, site(*script.routes())) as page:
        await page.evaluate(PAGE)
        script.posts = [answers(page)]
        assert await page.evaluate("opens()") == "open"
        await page.evaluate("other.close()")
        await page.wait_for_function("states.at(-1)[0] === 'closed'")
        assert await page.evaluate("states.at(-1)") == ["closed", "ended", 0]
        assert "DELETE" not in [one.method for one in script.asked]
