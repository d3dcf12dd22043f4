"""SDP fragments of a PATCH: read line by line, and written anew, so that nothing else reaches livekit-server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from rooms.replies import Refusal, short

MOST_FRAGMENT_BYTES = 8 * 1024
MOST_CANDIDATES = 40
MOST_LINE_CHARS = 512
CONTENT_TYPE = "application/trickle-ice-sdpfrag"

UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
PWD = re.compile(r"[A-Za-z0-9+/]{22,256}")
MID = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,16}")
# Read and dropped: the server takes the first section for the whole bundle, and options do not change in a call.
PASSED_OVER = re.compile(r"a=(?:group:[ -~]*|ice-options:[ -~]*|rtcp-mux|extmap-allow-mixed|msid-semantic:[ -~]*)")
MEDIA = re.compile(r"m=(?:audio|application) [ -~]+")
CANDIDATE = re.compile(
    r"(?P<foundation>[A-Za-z0-9+/]{1,32}) (?P<component>[12]) (?P<transport>udp|tcp) (?P<priority>\d{1,10}) "
    r"(?P<address>\S{1,64}) (?P<port>\d{1,5}) typ (?P<kind>host|srflx|prflx|relay)(?P<rest>(?: \S{1,32} \S{1,256})*)",
    re.IGNORECASE | re.ASCII,
)
MDNS = re.compile(r"[A-Za-z0-9-]{1,63}\.local")
HIGHEST_PRIORITY = 2**32 - 1
HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Fragment:
    """`candidates` without `a=candidate:`; `ufrag` and `pwd` are both there or both empty."""

    mid: str
    ufrag: str = ""
    pwd: str = ""
    candidates: tuple[str, ...] = ()
    ended: bool = False

    def trickle(self, ufrag: str, pwd: str) -> str:
        """The candidates, under the credentials of the call: livekit-server refuses a fragment without them."""
        lines = [*_head(self.mid, ufrag, pwd), *(f"a=candidate:{each}" for each in self.candidates)]
        return _text([*lines, "a=end-of-candidates"] if self.ended else lines)


def restart(mid: str, ufrag: str, pwd: str) -> str:
    """A fragment that restarts ICE, or with the credentials that the call has already, negotiates anew.

    Never with a candidate: livekit-server 1.13.5 puts those of a restart at the end of its description, and the next
    restart then makes it crash, with all rooms. And mid before the credentials: else it does nothing.
    """
    return _text(_head(mid, ufrag, pwd))


def read_fragment(body: bytes) -> Fragment:
    """Raises Refusal 400 for a line that is not known, and for what a fragment must have only once."""
    mids: list[str] = []
    media = 0
    ufrags: set[str] = set()
    pwds: set[str] = set()
    candidates: list[str] = []
    ended = False
    for line in lines_of(body):
        name, _, value = line.removeprefix("a=").partition(":")
        if MEDIA.fullmatch(line):
            media += 1
        elif line.startswith("a=mid:"):
            mids.append(matching(MID, value, "a=mid"))
        elif line.startswith("a=ice-ufrag:"):
            ufrags.add(matching(UFRAG, value, "a=ice-ufrag"))
        elif line.startswith("a=ice-pwd:"):
            pwds.add(matching(PWD, value, "a=ice-pwd"))
        elif line.startswith("a=candidate:"):
            candidates.append(read_candidate(value))
        elif line == "a=end-of-candidates":
            ended = True
        elif not PASSED_OVER.fullmatch(line):
            raise _bad(name, line, "lines of a trickle fragment: m, mid, ice-ufrag, ice-pwd, candidate")
    if media != 1 or len(mids) != 1:
        raise _bad("m", f"{media} m= and {len(mids)} a=mid lines", "one m= line, and one a=mid")
    if len(ufrags) > 1 or len(pwds) > 1 or len(ufrags) != len(pwds):
        raise _bad("ice-ufrag", f"{len(ufrags)} ice-ufrag and {len(pwds)} ice-pwd", "one of each, or neither")
    if len(candidates) > MOST_CANDIDATES:
        raise _bad("candidate", len(candidates), f"at most {MOST_CANDIDATES} in a fragment")
    return Fragment(mids[0], "".join(ufrags), "".join(pwds), tuple(candidates), ended)


def read_candidate(value: str) -> str:
    """A candidate without `a=candidate:`, written anew. Raises Refusal 400."""
    found = CANDIDATE.fullmatch(value)
    if found is None:
        raise _bad("candidate", value, "an ICE candidate")
    if int(found["priority"]) > HIGHEST_PRIORITY or int(found["port"]) > HIGHEST_PORT:
        raise _bad("candidate", value, "a priority of 32 bits and a port of 16")
    _check_address(found["address"], value)
    parts = found["rest"].split()
    extras = list(zip(parts[::2], parts[1::2], strict=True))
    for name, extra in extras:
        allowed = EXTRAS.get(name)
        if allowed is None or not allowed.fullmatch(extra):
            raise _bad("candidate", value, f"with {', '.join(EXTRAS)} only")
        if name == "raddr":
            _check_address(extra, value)
    head = " ".join(found[each] for each in ("foundation", "component", "transport", "priority", "address", "port"))
    return " ".join([head, "typ", found["kind"], *(part for pair in extras for part in pair)])


NUMBER = re.compile(r"[0-9]{1,10}")
EXTRAS = {
    "raddr": re.compile(r"[A-Za-z0-9.:-]{1,64}"),
    "rport": re.compile(r"[0-9]{1,5}"),
    "tcptype": re.compile(r"active|passive|so"),
    "generation": NUMBER,
    "ufrag": UFRAG,
    "network-id": NUMBER,
    "network-cost": NUMBER,
}


def lines_of(body: bytes) -> list[str]:
    """The lines of an SDP text, without the empty ones. Raises Refusal 400 for what is no printable ASCII."""
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise _bad("body", "bytes that are not ASCII", "SDP in printable ASCII") from None
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    for line in lines:
        if len(line) > MOST_LINE_CHARS:
            raise _bad("body", line, f"lines of at most {MOST_LINE_CHARS} characters")
        if not line.isprintable():
            raise _bad("body", repr(line), "SDP in printable ASCII")
    return lines


def matching(shape: re.Pattern[str], value: str, field: str) -> str:
    """`value`, if it has the shape. Raises Refusal 400."""
    if not shape.fullmatch(value):
        raise _bad(field, value, f"text like {shape.pattern}")
    return value


def _check_address(address: str, candidate: str) -> None:
    if MDNS.fullmatch(address):
        return
    try:
        ip_address(address)
    except ValueError:
        raise _bad("candidate", candidate, "an address that is an IP address or a name below .local") from None


def _head(mid: str, ufrag: str, pwd: str) -> list[str]:
    return ["m=audio 9 UDP/TLS/RTP/SAVPF 0", f"a=mid:{mid}", f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{pwd}"]


def _text(lines: list[str]) -> str:
    return "\r\n".join([*lines, ""])


def _bad(field: str, value: object, allowed: str) -> Refusal:
    return Refusal(
        400, f"{short(field)}: must be {allowed}", field=str(short(field)), value=short(value), allowed=allowed
    )
