"""The service, and with it the accounts and experiments that the settings name."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config import Settings
    from service import Service


def with_accounts(service: Service, settings: Settings) -> Service:
    """`service` itself if it brings a lookup of its own, or if nothing of accounts or experiments is there.

    An ACCOUNTS_URL that is set counts, wherever it leads; the default one only if its file is there. Raises ValueError
    with one line for an ACCOUNTS_URL that names no store.
    """
    if service.accounts is not None or importlib.util.find_spec("accounts") is None:
        return service
    from accounts.address import exists

    url = settings.accounts_url.get_secret_value()
    try:
        is_there = exists(url)
    except ValueError as error:
        raise ValueError(f"ACCOUNTS_URL: {error}") from None
    is_set = "accounts_url" in settings.model_fields_set
    if not (is_set or is_there or settings.experiments or settings.experiments_file.is_file()):
        return service
    from accounts.manager import AccountManager

    return replace(service, accounts=AccountManager(service.agent, service.greeting))
