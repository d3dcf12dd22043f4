"""`account list`, `show` and `check`: what is told of the records, the broken ones too."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from account_commands import Commands, account, put

from accounts.record import parse_account
from cli.accounts.checking import unspoken
from utils import yaml_text

if TYPE_CHECKING:
    from pathlib import Path

    from small_servers import MakeSettings


@pytest.fixture
def run(make_settings: MakeSettings) -> Commands:
    return Commands(make_settings)


def test_the_list_has_a_row_an_account_and_loses_nothing_at_80_columns(run: Commands, tmp_path: Path) -> None:
    """A broken record has its row too, and is exit code 1."""
    long = "The Harbour's Own Very Long Name & Söhne, since 1899"
    put(account("harbour", name=long, phone_numbers=["+493012345678", "+493012345679"], voice="v" * 30, enabled=False))
    put(account("quay"))
    told = run("list")
    assert told.code == 0
    assert told.output.split()[:6] == ["id", "name", "enabled", "numbers", "voice", "version"]
    assert max(map(len, told.output.splitlines())) <= 80
    for part in ("harbour", "no", "+493012345678", "+493012345679", "quay", "yes", "the service's"):
        assert part in told.output
    assert told.output.count("v") >= 30
    (tmp_path / "accounts/zoo.yaml").write_text("name: Zoo\n")
    broken = run("list")
    assert broken.code == 1
    assert "zoo" in broken.output


def test_the_list_for_programs(run: Commands, tmp_path: Path) -> None:
    """One object an account; a broken one says its problems."""
    put(account("harbour", phone_numbers=["+493012345678"], hosts=["harbour.example.com"]))
    (tmp_path / "accounts/zoo.yaml").write_text("name: Zoo\ninstructions: x\n")
    told = run("list", "--json")
    assert told.code == 1
    harbour, zoo = json.loads(told.output)
    version = harbour.pop("version")
    assert isinstance(version, int)
    assert harbour == {
        "id": "harbour",
        "name": "Harbour",
        "enabled": True,
        "phone_numbers": ["+493012345678"],
        "hosts": ["harbour.example.com"],
        "voice": None,
    }
    assert zoo["problems"] == ["zoo.yaml:1: greeting: missing; it has to be there"]


def test_show_tells_what_is_the_services_own(run: Commands) -> None:
    """As comments, so that what is printed can be read again as the record."""
    put(account("harbour", voice="nora", profile="fast"))
    told = run("show", "harbour").output
    own = {line.split()[1]: line.split(maxsplit=2)[2] for line in told.splitlines() if line.startswith("#   ")}
    assert own == {
        "language_hints:": "[ar, en]",
        "llm_model:": "gpt-4o-mini",
        "stt_model:": "stt-rt-v5",
        "tts_model:": "eleven_flash_v2_5",
        "max_tokens:": "180",
        "tools:": "[opening_hours]",
        "max_calls:": "no limit but a worker's own (25)",
        "max_call_s:": "no limit",
    }
    assert parse_account(yaml_text.load(told)[0].value) == account("harbour", voice="nora", profile="fast")


def test_check_reads_everything(run: Commands, tmp_path: Path) -> None:
    """A line a problem; warnings alone are no failure."""
    put(account("harbour", phone_numbers=["+493012345678"], tools=["opening_hours", "refund"]))
    put(account("quay", greeting="Hello 😀, see https://quay.example now."))
    told = run("check")
    assert told.code == 0
    assert told.output.splitlines()[:3] == [
        "harbour: warning: tools: got 'refund', allowed: the agent's (opening_hours)",
        "quay: warning: greeting: no voice can say 'https://quay.example', '😀'; allowed: words and punctuation",
        "2 accounts: 0 problems, 2 warnings.",
    ]
    assert "Not checked: whether the provider has the voices" in told.output
    same_number = "name: Zoo\ninstructions: x\ngreeting: Hello.\nphone_numbers: [+493012345678]\n"
    (tmp_path / "accounts/zoo.yaml").write_text(same_number)
    (tmp_path / "accounts/yak.yaml").write_text("name: [\n")
    told = run("check")
    assert told.code == 1
    assert "4 accounts: 2 problems, 2 warnings." in told.output
    assert re.search(r"^zoo: .*phone_numbers: got '\+493012345678', allowed: .*harbour", told.output, re.MULTILINE)
    assert re.search(r"^yak: broken: yak.yaml:2: not readable as YAML", told.output, re.MULTILINE)
    assert run("check", "quay").output.splitlines()[1] == "1 account: 0 problems, 1 warning."


@pytest.mark.parametrize(
    ("greeting", "odd"),
    [
        ("Hello, this is Nora! It's 24/7: €5 (or 50 %), isn't it? Hello {name}.", []),
        ("مرحباً بكم في الميناء، كيف أساعدك؟", []),
        ("کار\u200cکرد. Добрый день. 您好。", []),
        ("*Hello* <b>you</b> #1", ["*", "<", ">", "#"]),
        ("Hello \u2764\ufe0f 😀😀 www.quay.example", ["www.quay.example", "\u2764", "😀"]),
    ],
)
def test_what_no_voice_can_say(greeting: str, odd: list[str]) -> None:
    """Signs and markup, each once; words of any script and their punctuation are fine."""
    assert unspoken(greeting) == odd
