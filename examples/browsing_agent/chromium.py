"""Which Chromium, and how it is started so that a page finds nothing but its site."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from examples.browsing_agent.browsing_errors import BrowserStartError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = "install Chromium, or run `uv run playwright install chromium`"
SANDBOX_HOW = "a sandbox needs user namespaces; BrowserManager(sandbox=False) goes without"

UNUSED = (
    # A window's own pages, which nobody sees: one second of CPU a start, and 50 MB.
    "PreloadTopChromeWebUI",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    # What Playwright switches off: of two such flags the last one counts.
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)


def flags(proxy_port: int, mark: str) -> list[str]:
    """`mark` finds the processes again.

    There is no way out but the proxy: names are not resolved here, nothing bypasses it, and WebRTC and QUIC, which are
    UDP, have no way at all.
    """
    return [
        f"--proxy-server=http://127.0.0.1:{proxy_port}",
        "--proxy-bypass-list=<-loopback>",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        "--force-webrtc-ip-handling-policy",
        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        f"--disable-features={','.join(UNUSED)}",
        "--disable-notifications",
        "--disable-sync",
        "--mute-audio",
        "--no-first-run",
        f"--browsing-agent={mark}",
    ]


UNWANTED = ["--disable-popup-blocking", "--disable-ipc-flooding-protection"]
"""Playwright switches these protections off for tests."""


def found_chromium(executable: Path | None, own: Path) -> Path:
    """The user's, the system's, or Playwright's `own`. Raises `BrowserStartError`."""
    if executable is not None:
        if not os.access(executable, os.X_OK):
            raise BrowserStartError(f"executable: {executable} is no program; allowed: a Chromium, or None")
        return executable
    system = next((path for name in NAMES if (path := shutil.which(name))), None)
    if system is not None:
        return Path(system)
    if own.is_file():
        return own
    raise BrowserStartError(f"no Chromium: {HOW}")
