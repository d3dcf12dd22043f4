"""What can go wrong while browsing.

BrowsingError
 +- BrowserStartError     there is no Chromium, or it does not start
 +- RefusedAddressError   a URL, or an address behind it, that pages may not reach
 +- NavigationError       the site did not answer, or not with a page
 +- PageTimeoutError      the page did not answer in time
 +- PageClosedError       the page is closed
 |   +- PageCrashedError  its renderer is gone
 +- UnknownRefError       no such link, button or field on the page
 +- FieldError            this value does not go into this field
"""

from __future__ import annotations


class BrowsingError(Exception):
    """Its text can be told to a language model: it holds nothing that the page wrote but a URL."""


class BrowserStartError(BrowsingError):
    pass


class RefusedAddressError(BrowsingError):
    pass


class NavigationError(BrowsingError):
    pass


class PageTimeoutError(BrowsingError):
    pass


class PageClosedError(BrowsingError):
    pass


class PageCrashedError(PageClosedError):
    pass


class UnknownRefError(BrowsingError):
    pass


class FieldError(BrowsingError):
    pass
