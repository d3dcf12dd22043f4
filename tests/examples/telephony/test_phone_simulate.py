"""What the README says to run, as it stands there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from phone_setup import ROOT, run_module

from examples.telephony.simulate import main

if TYPE_CHECKING:
    import pytest

README = (ROOT / "examples" / "telephony" / "README.md").read_text(encoding="utf-8")


async def test_the_command_of_the_readme() -> None:
    """Calls in and out without a key: the first words, the keys, the transfer, the busy line."""
    command = re.search(r"^uv run -m (examples\.telephony) (simulate)$", README, re.MULTILINE)
    assert command is not None
    code, told = await run_module(command[1], command[2])
    assert code == 0, told
    for happened in (
        "the first word",
        "Thank you. Booking 4 2 7",
        "to tel:+4930123450; here the call is over",
        "the line is busy (SIP 486 Busy Here)",
        "by the callee",
    ):
        assert happened in told, told


def test_an_argument_that_it_does_not_have(capsys: pytest.CaptureFixture[str]) -> None:
    """It is named, with exit code 2."""
    assert main(["--loud"]) == 2
    assert "simulate: got '--loud', allowed: nothing" in capsys.readouterr().err
