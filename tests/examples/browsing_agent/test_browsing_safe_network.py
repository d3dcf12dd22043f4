from __future__ import annotations

import pytest

from examples.browsing_agent.browsing_errors import RefusedAddressError
from examples.browsing_agent.safe_network import checked_url, is_allowed, is_public


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    """What the internet routes."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1"),
        *("ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1"),
        *("2002:7f00:1::", "2002:a00:1::1", "not an address", ""),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    """Loopback, private, link-local, carrier's, multicast, reserved; also inside an IPv6 address of transition."""
    assert not is_public(address)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file:///etc/passwd", "scheme 'file'; allowed: http, https"),
        ("data:text/html,x", "scheme 'data'"),
        ("view-source:https://example.org", "scheme 'view-source'"),
        ("chrome://version", "scheme 'chrome'"),
        ("javascript:alert(1)", "scheme 'javascript'"),
        ("java\nscript:alert(1)", "scheme 'javascript'"),
        ("about:blank", "scheme 'about'"),
        ("example.org", "scheme ''"),
        ("http://", "names no host"),
        ("https://user:secret@example.org/", "a user name or password"),
        ("http://10.0.0.1/", "10.0.0.1 is not a public address"),
        ("http://[::1]:8000/", "::1 is not a public address"),
        ("http://example.org:99999/", "is not a URL"),
        ("http://x/" + "a" * 9000, "9009 characters; allowed: up to 8192"),
    ],
)
def test_urls_that_are_refused(url: str, words: str) -> None:
    """The words name what is wrong and what is allowed, and no password."""
    with pytest.raises(RefusedAddressError) as refused:
        checked_url(url, ())
    assert words in str(refused.value)
    assert "allowed" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_the_owner_may_allow_hosts() -> None:
    """With a port, with any port, by a function; nothing beside it."""
    assert checked_url("http://127.0.0.1:8000/a", ["127.0.0.1:8000"]) == "http://127.0.0.1:8000/a"
    assert checked_url("http://[::1]:8000/", ["::1"])
    assert checked_url("http://10.0.0.1/", lambda host, port: (host, port) == ("10.0.0.1", 80))
    assert not is_allowed("127.0.0.1", 8001, ["127.0.0.1:8000"])
    with pytest.raises(RefusedAddressError):
        checked_url("http://127.0.0.1:8001/", ["127.0.0.1:8000"])
