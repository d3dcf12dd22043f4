"""Offers that pass, and the answer that the browser gets."""

from __future__ import annotations

import pytest

from rooms.replies import Refusal
from tests.web.whip_server import AUDIO, HEAD, OFFER, text
from web.whip.sdp import both_ways, read_offer

DATA = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=bundle-only", "a=mid:1", "a=sctp-port:5000"]
HOST = "a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host"
ANSWER = [
    *HEAD,
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "a=mid:0",
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
]


def test_an_offer_passes_as_it_is() -> None:
    """With the bundle's mid and credentials read from it; a data channel may be beside the microphone."""
    offer = read_offer(OFFER.encode())
    assert offer.text == OFFER
    assert (offer.mid, offer.ufrag, offer.pwd, offer.candidates) == ("0", "abcd", "asd88fgpdd777uzjYhagZgaa", ())
    with_data = text(*HEAD[:-1], "a=group:BUNDLE 0 1", *AUDIO, *DATA)
    assert read_offer(with_data.encode()).text == with_data


def test_candidates_are_taken_out() -> None:
    """Of every section; those of the bundle's are kept to be sent afterwards."""
    offer = read_offer(text(*HEAD, *AUDIO, HOST, "a=end-of-candidates", *DATA, HOST).encode())
    assert offer.text == text(*HEAD, *AUDIO, *DATA)
    assert offer.candidates == (HOST.removeprefix("a=candidate:"),)


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([], "v"),
        (AUDIO, "v"),
        (HEAD, "m"),
        ([*HEAD, *AUDIO, *AUDIO], "m"),
        ([*HEAD, *AUDIO, "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1"], "m"),
        ([*HEAD, *AUDIO, *DATA, *DATA], "m"),
        ([*HEAD, *(line.replace("sendrecv", "recvonly") for line in AUDIO)], "m"),
        ([*HEAD, *(line.replace("sendrecv", "sendonly") for line in AUDIO)], "m"),
        ([*HEAD[:-1], *AUDIO], "a=group"),
        ([*HEAD[:-1], "a=group:BUNDLE 7", *AUDIO], "a=mid"),
        ([*HEAD, *(line for line in AUDIO if "ice-ufrag" not in line)], "a=ice-ufrag"),
        ([*HEAD, *(line for line in AUDIO if "ice-pwd" not in line)], "a=ice-pwd"),
        ([*HEAD, *AUDIO, "a=candidate:nonsense"], "candidate"),
        ([*HEAD, *AUDIO, "a=x\x00"], "body"),
    ],
)
def test_anything_else_is_refused(lines: list[str], field: str) -> None:
    """400, and the field is named."""
    with pytest.raises(Refusal) as refused:
        read_offer(text(*lines).encode())
    assert (refused.value.status, refused.value.field) == (400, field)


def test_an_answer_is_made_to_sound_both_ways() -> None:
    """The microphone's section says so and names a track; the mid's extension, which is never filled in, is gone."""
    made = both_ways(text(*ANSWER, "a=recvonly", *DATA)).splitlines()
    assert made == [*ANSWER[:-2], ANSWER[-1], "a=sendrecv", "a=msid:agent agent-voice", *DATA]


def test_an_answer_that_does_already_is_left_alone() -> None:
    """The agent was subscribed before livekit-server wrote it: it has all that the browser needs."""
    answer = text(*ANSWER, "a=sendrecv", "a=msid:PA_1|TR_1 TR_1", "a=ssrc:1 cname:x")
    assert both_ways(answer) == answer
