"""What can be set for the browsing agent, by the environment: BROWSING_START_PAGE and so on."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote_plus

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PLACE = "{words}"


class BrowsingOptions(BaseSettings):
    """Without a start page the agent browses a small garden shop, which it serves itself on 127.0.0.1."""

    model_config = SettingsConfigDict(env_prefix="BROWSING_", env_ignore_empty=True, extra="ignore", frozen=True)

    start_page: str = Field(default="", pattern=r"^(https?://\S+)?$", description="Where each call begins.")
    search: str = Field(
        default="https://html.duckduckgo.com/html/?q={words}",
        pattern=r"^https?://\S*\{words\}\S*$",
        description="The address that searches, with {words} in it; not used in the garden shop.",
    )
    vision: bool = Field(default=False, description="The LLM gets the newest picture of the page, too.")
    width: int = Field(default=1280, ge=320, le=1920, description="Of the browser's window, in pixels.")
    height: int = Field(default=720, ge=240, le=1200, description="Of the browser's window, in pixels.")
    executable: Path | None = Field(default=None, description="The browser; by default Chromium where it is found.")


def search_address(pattern: str, words: str) -> str:
    """The address that searches for `words`."""
    return pattern.replace(PLACE, quote_plus(words))
