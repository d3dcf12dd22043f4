"""Why a server could not be reached, in words, with what helps."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from cli.checks.result import CheckResult, fail

if TYPE_CHECKING:
    from collections.abc import Mapping

NETWORK_ERRORS = (aiohttp.ClientError, OSError, TimeoutError, UnicodeError)
"""What a request may end with when the server, the network or the address is at fault."""


def unreachable(name: str, variable: str, url: str, error: BaseException, limit_s: float) -> CheckResult:
    """A failed check for a request to `url`, which `variable` holds, that ended with `error`."""
    place = _place(url)
    match error:
        case aiohttp.ClientConnectorDNSError():
            return fail(
                name,
                f"no address for {urlsplit(url).hostname}",
                f"Correct the host in {variable}, or this machine's DNS",
            )
        case aiohttp.ClientConnectorCertificateError():
            return fail(
                name,
                f"{place} has a certificate that is not trusted",
                f"Use the name that the certificate is for in {variable}, or add its issuer to this machine",
            )
        case aiohttp.ClientSSLError():
            return fail(
                name,
                f"{place} does not speak TLS",
                f"Correct the scheme or the port in {variable}: ws:// and http:// are without TLS",
            )
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            return fail(name, f"{place} refuses connections", f"Start that server, or correct {variable}")
        case TimeoutError():
            return fail(
                name,
                f"no answer from {place} within {limit_s:g} s",
                f"Look whether a firewall is between or the server is overloaded; else correct {variable}",
            )
        case aiohttp.WSServerHandshakeError() | aiohttp.ClientResponseError():
            return fail(
                name, f"{place} answers {error.status}", f"Correct {variable}: this is not the server it should be"
            )
        case _:
            return fail(name, f"{place} breaks the connection ({type(error).__name__})", f"Correct {variable}")


def refused(
    name: str, status: int, remedies: Mapping[int, str], *, otherwise: str = "Look at the provider's status page"
) -> CheckResult:
    """A failed check for an answer that is not the wanted one; `remedies` by HTTP status."""
    return fail(name, f"answers {status}", remedies.get(status, otherwise))


def _place(url: str) -> str:
    """Host and port, without what else a URL may hold."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme in ("https", "wss") else 80)
    return f"{parts.hostname}:{port}"
