"""What passes of a PATCH: the lines that are known, written anew."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.replies import Refusal
from tests.web.whip_server import text
from web.whip.fragment import MOST_CANDIDATES, MOST_LINE_CHARS, Fragment, read_candidate, read_fragment, restart

UFRAG, PWD = "a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1"
MEDIA = ("m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0")
HOST = "1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1"
RELAY = "3471623853 1 UDP 1686052607 198.51.100.1 39132 typ relay raddr 192.0.2.1 rport 61764"
TCP = "3471 1 tcp 1518280447 2001:db8::1 9 typ host tcptype active"
MDNS = "1 1 udp 2113937151 4c4d0a6c-1f9d-4e7b-9a53-6b4a0a6d3b1e.local 51000 typ host"
ALLOWED = re.compile(
    r"(m=audio 9 UDP/TLS/RTP/SAVPF 0"
    r"|a=mid:[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,16}"
    r"|a=ice-ufrag:[A-Za-z0-9+/]{4,256}"
    r"|a=ice-pwd:[A-Za-z0-9+/]{22,256}"
    r"|a=candidate:[A-Za-z0-9+/]+ [12] (?i:udp|tcp) \d+ [A-Za-z0-9.:-]+ \d+ typ [a-zA-Z]+( [a-z-]+ [A-Za-z0-9+/.:-]+)*"
    r"|a=end-of-candidates)"
)


def read(*lines: str) -> str:
    return read_fragment(text(*lines).encode()).trickle("call", "c" * 22)


def test_a_browsers_fragment_is_written_anew() -> None:
    """Its candidates, in its order, under the call's credentials, whose place is after mid; the rest is left out."""
    candidates = [f"a=candidate:{each}" for each in (HOST, RELAY, TCP, MDNS)]
    written = read(
        "a=group:BUNDLE 0 1", "a=ice-options:trickle", UFRAG, PWD, *MEDIA, *candidates, "a=end-of-candidates"
    )
    head = ["m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", "a=ice-ufrag:call", f"a=ice-pwd:{'c' * 22}"]
    assert written == text(*head, *candidates, "a=end-of-candidates")


def test_credentials_may_stand_on_either_side_of_the_media_line() -> None:
    """And twice, if they are the same."""
    for lines in ((UFRAG, PWD, *MEDIA), (*MEDIA, UFRAG, PWD), (UFRAG, PWD, *MEDIA, UFRAG, PWD)):
        found = read_fragment(text(*lines).encode())
        assert (found.mid, found.ufrag, found.pwd) == ("0", "EsAw", "P2uYro0UCOQ4zxjKXaWCBui1")
    assert read_fragment(text(*MEDIA).encode()).ufrag == ""


def test_a_restart_has_no_candidate() -> None:
    """Nothing but mid and credentials, in this order: see test_whip_restart for why."""
    written = restart("0", "EsAw", "P2uYro0UCOQ4zxjKXaWCBui1")
    assert written == text("m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", UFRAG, PWD)


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ((), "m"),
        (("a=mid:0",), "m"),
        (MEDIA[:1], "m"),
        ((*MEDIA, *MEDIA), "m"),
        ((*MEDIA, UFRAG), "ice-ufrag"),
        ((*MEDIA, UFRAG, PWD, "a=ice-ufrag:else"), "ice-ufrag"),
        ((*MEDIA, "a=ice-ufrag:abc", PWD), "a=ice-ufrag"),
        ((*MEDIA, UFRAG, "a=ice-pwd:short"), "a=ice-pwd"),
        ((*MEDIA, "a=mid: 0"), "a=mid"),
        ((*MEDIA, "a=fingerprint:sha-256 AB"), "fingerprint"),
        ((*MEDIA, "a=ice-lite"), "ice-lite"),
        ((*MEDIA, "c=IN IP4 0.0.0.0"), "c=IN IP4 0.0.0.0"),
        ((*MEDIA, "A=mid:0"), "A=mid"),
        ((*MEDIA, "a=candidate:1 1 udp 1 evil.example 9 typ host"), "candidate"),
        ((*MEDIA, "a=candidate:1 1 udp 1 192.0.2.256 9 typ host"), "candidate"),
        ((*MEDIA, "a=candidate:1 1 udp 1 192.0.2.1 65536 typ host"), "candidate"),
        ((*MEDIA, "a=candidate:1 1 udp 4294967296 192.0.2.1 9 typ host"), "candidate"),
        ((*MEDIA, "a=candidate:1 1 udp 1 192.0.2.1 9 typ host evil 1"), "candidate"),
        ((*MEDIA, "a=candidate:1 1 udp 1 192.0.2.1 9 typ host raddr evil.example"), "candidate"),
        ((*MEDIA, "a=candidate:1 3 udp 1 192.0.2.1 9 typ host"), "candidate"),
        ((*MEDIA, *[f"a=candidate:{HOST}"] * (MOST_CANDIDATES + 1)), "candidate"),
        ((*MEDIA, "a=group:" + "x" * MOST_LINE_CHARS), "body"),
        ((*MEDIA, "a=group:\x00"), "body"),
        ((*MEDIA, "a=group:\ta"), "body"),
        ((*MEDIA, "a=group:é"), "body"),
    ],
)
def test_anything_else_is_refused(lines: tuple[str, ...], field: str) -> None:
    """400, and the field is named."""
    with pytest.raises(Refusal) as refused:
        read(*lines)
    assert (refused.value.status, refused.value.field) == (400, field)


def read_or_refuse(body: bytes) -> Fragment | int:
    """The fragment, or the status of the refusal."""
    try:
        return read_fragment(body)
    except Refusal as refused:
        return refused.status


LINES = st.one_of(
    st.sampled_from([*MEDIA, UFRAG, PWD, "a=end-of-candidates", "a=ice-lite", "", f"a=candidate:{HOST}"]),
    st.from_regex(r"a=(candidate|mid|ice-ufrag|ice-pwd|group|ice-options)[:=]?[ -~]{0,40}", fullmatch=True),
    st.from_regex(
        r"a=candidate:\w{1,3} [0-3] (udp|tcp|UDP) \d{1,11} [0-9a-f.:]{1,15} \d{1,6} typ (host|relay|x)( \w+ \S+){0,2}",
        fullmatch=True,
    ),
    st.text(max_size=30),
)


@given(st.lists(LINES, max_size=8), st.sampled_from(["\r\n", "\n", "\r", "\n\r"]), st.booleans())
def test_nothing_but_known_lines_ever_passes(lines: list[str], ending: str, whole: bool) -> None:
    """Whatever the body: it is refused, or each line that is written is one of six kinds."""
    body = ending.join([*MEDIA, *lines] if whole else lines).encode(errors="surrogatepass")
    found = read_or_refuse(body)
    if isinstance(found, int):
        assert found == 400
        return
    written = [found.trickle("call", "c" * 22)]
    if found.ufrag:
        written.append(restart(found.mid, found.ufrag, found.pwd))
        assert "candidate" not in written[-1].replace(found.mid, "").replace(found.ufrag, "").replace(found.pwd, "")
    for each in written:
        assert each.endswith("\r\n")
        assert all(ALLOWED.fullmatch(line) for line in each.removesuffix("\r\n").split("\r\n")), each


@given(st.binary(max_size=300))
def test_bytes_do_not_break_it(body: bytes) -> None:
    """Any body is a fragment or a Refusal."""
    found = read_or_refuse(body)
    assert found == 400 or isinstance(found, Fragment)


def test_a_candidate_comes_out_as_it_went_in() -> None:
    """With all that browsers put behind it."""
    for each in (HOST, RELAY, TCP, MDNS):
        assert read_candidate(each) == each
