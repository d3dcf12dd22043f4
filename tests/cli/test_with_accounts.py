"""When a service answers for accounts: what the settings name, or what lies beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from livekit.agents import Agent

from accounts.manager import AccountManager
from cli.start import start
from cli.with_accounts import with_accounts
from service import Accounts, Brief, Choice, Service

if TYPE_CHECKING:
    from livekit.agents import JobContext

    from tests.conftest import MakeSettings


class Own(Accounts):
    async def find(self, context: JobContext, choice: Choice) -> Brief:
        raise LookupError


SERVICE = Service(agent=lambda: Agent(instructions="Answer."), greeting="Hello.")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_accounts_and_experiments_the_service_stays_as_it_is(make_settings: MakeSettings) -> None:
    """The default address of a file that is not there names nothing, and makes nothing."""
    assert with_accounts(SERVICE, make_settings()) is SERVICE
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("file", ["accounts.db", "experiments.yaml"])
def test_what_lies_in_the_folder_counts(make_settings: MakeSettings, file: str) -> None:
    """`account add` has made the one, the user has written the other."""
    Path(file).touch()
    assert isinstance(with_accounts(SERVICE, make_settings()).accounts, AccountManager)


@pytest.mark.parametrize(
    "named",
    [{"accounts_url": "sqlite:///later.db"}, {"accounts_url": "folder:later"}, {"experiments": "openers=off"}],
    ids=str,
)
def test_what_is_set_counts_wherever_it_leads(make_settings: MakeSettings, named: dict[str, str]) -> None:
    """A database that is made later is no reason to answer for nobody for ever."""
    assert isinstance(with_accounts(SERVICE, make_settings(**named)).accounts, AccountManager)


def test_an_address_that_names_no_store_is_told_without_its_secret(make_settings: MakeSettings) -> None:
    """One line with the variable's name, and what is allowed."""
    with pytest.raises(ValueError, match=r"^ACCOUNTS_URL: got mysql.*allowed: sqlite") as caught:
        with_accounts(SERVICE, make_settings(accounts_url="mysql://desk:hidden@host/desk"))
    assert "hidden" not in str(caught.value)


def test_a_lookup_of_the_services_own_stands(make_settings: MakeSettings) -> None:
    """Whatever lies in the folder."""
    Path("accounts.db").touch()
    own = replace(SERVICE, accounts=Own())
    assert with_accounts(own, make_settings()) is own


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"accounts_url": "mysql://desk:hidden@host/desk"}, "ACCOUNTS_URL: got mysql"),
        ({"experiments_file": "broken.yaml"}, "broken.yaml"),
    ],
    ids=["address", "experiments"],
)
async def test_what_cannot_be_used_keeps_the_worker_from_starting(
    make_settings: MakeSettings, capsys: pytest.CaptureFixture[str], named: dict[str, str], said: str
) -> None:
    """Exit code 2 and a line that names it, before a call is taken; nothing of a secret."""
    Path("broken.yaml").write_text("openers: 5\n", encoding="utf-8")
    settings = make_settings(
        livekit_url="ws://127.0.0.1:9",
        livekit_api_key="key",
        livekit_api_secret="secret",
        openai_api_key="k",
        soniox_api_key="k",
        eleven_api_key="k",
        openai_base_url="http://127.0.0.1:9/v1",
        soniox_base_url="ws://127.0.0.1:9",
        elevenlabs_base_url="http://127.0.0.1:9/v1",
        max_retries=0,
        http_timeout=0.5,
        greeting_cache="off",
        openers=False,
        **named,
    )
    service = replace(SERVICE, accounts=AccountManager(SERVICE.agent, SERVICE.greeting))
    assert await start(service, settings, announce=False) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "hidden" not in told
