"""The offer that a caller sends, and the answer that they get."""

from __future__ import annotations

from dataclasses import dataclass, field

from rooms.replies import Refusal, short
from web.whip.fragment import MID, MOST_CANDIDATES, PWD, UFRAG, lines_of, matching, read_candidate

MOST_OFFER_BYTES = 32 * 1024
CONTENT_TYPE = "application/sdp"
DIRECTIONS = ("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive")
# Of the browser's own making are only names that it shows to the page: the agent's track, and the stream it is of.
AGENT_MSID = "a=msid:agent agent-voice"
MID_EXTENSION = "urn:ietf:params:rtp-hdrext:sdes:mid"


@dataclass(frozen=True, slots=True)
class Offer:
    """`text` has no candidates: they stand in `candidates`. `mid` and the credentials are those of the bundle."""

    text: str
    mid: str
    ufrag: str
    pwd: str
    candidates: tuple[str, ...]


@dataclass(slots=True)
class _Section:
    media: str
    lines: list[str] = field(default_factory=list[str])

    def value(self, name: str) -> str:
        """Of the first attribute of this name, "" without one."""
        start = f"a={name}:"
        return next((line.removeprefix(start) for line in self.lines if line.startswith(start)), "")


def read_offer(body: bytes) -> Offer:
    """Raises Refusal 400: not an offer of one microphone, both ways, with at most a data channel beside it.

    Candidates are taken out, because those at the end of a section make livekit-server 1.13.5 crash at a restart.
    """
    lines = lines_of(body)
    if not lines or lines[0] != "v=0":
        raise _bad("v", lines[0] if lines else "", "SDP that begins with v=0")
    sections = [_Section("")]
    for line in lines:
        if line.startswith("m="):
            sections.append(_Section(line[2:].partition(" ")[0]))
        sections[-1].lines.append(line)
    kinds = [section.media for section in sections[1:]]
    if sorted(kinds) not in (["audio"], ["application", "audio"]):
        raise _bad("m", ", ".join(kinds), "one audio section, and at most one of a data channel")
    audio = next(section for section in sections if section.media == "audio")
    if _direction(audio.lines) != "a=sendrecv":
        raise _bad("m", _direction(audio.lines), "a=sendrecv: the agent is heard on the same connection")
    bundle = sections[0].value("group").split()
    if len(bundle) < 2 or bundle[0] != "BUNDLE":
        raise _bad("a=group", sections[0].value("group"), "a=group:BUNDLE with all sections")
    mid = matching(MID, bundle[1], "a=group")
    first = next((section for section in sections[1:] if section.value("mid") == mid), None)
    if first is None:
        raise _bad("a=mid", mid, "the mid of a section, as a=group has it")
    ufrag = matching(UFRAG, first.value("ice-ufrag") or sections[0].value("ice-ufrag"), "a=ice-ufrag")
    pwd = matching(PWD, first.value("ice-pwd") or sections[0].value("ice-pwd"), "a=ice-pwd")
    found = [line.removeprefix("a=candidate:") for line in first.lines if line.startswith("a=candidate:")]
    if len(found) > MOST_CANDIDATES:
        raise _bad("a=candidate", len(found), f"at most {MOST_CANDIDATES}")
    kept = [line for line in lines if not line.startswith(("a=candidate", "a=end-of-candidates"))]
    return Offer("\r\n".join([*kept, ""]), mid, ufrag, pwd, tuple(map(read_candidate, found)))


def both_ways(answer: str) -> str:
    """livekit-server's answer, as it would be if it had waited for the agent's track: `a=sendrecv`.

    It has no SSRC of the track, so the browser has to know the packets by their payload type; it does so only where
    the header extension with the mid is not agreed on, which livekit-server does not fill in.
    """
    if "a=recvonly" not in answer:
        return answer
    lines: list[str] = []
    media = ""
    for line in answer.splitlines():
        if line.startswith("m="):
            media = line
        if media.startswith("m=audio") and line == "a=recvonly":
            lines += ["a=sendrecv", AGENT_MSID]
        elif not (line.startswith("a=extmap:") and MID_EXTENSION in line):
            lines.append(line)
    return "\r\n".join([*lines, ""])


def _direction(lines: list[str]) -> str:
    return next((line for line in lines if line in DIRECTIONS), "a=sendrecv")


def _bad(field: str, value: object, allowed: str) -> Refusal:
    return Refusal(400, f"{field}: must be {allowed}", field=field, value=short(value), allowed=allowed)
