"""A report that nobody measured."""

from __future__ import annotations

from dataclasses import replace

from bench.browser.results import BrowserReport, Click, Cut, Held, Leaks, Load, Round, Talk
from bench.browser.targets import targets
from bench.machine import Machine

MACHINE = Machine(2, "a cpu", "Linux x86_64", "3.11.7", "1.8.9", "1.13.5", 0.5)
SAID = ("When are you open?", "Goodbye.")
CLEAN = Held(3000.0, 100, 40, 1, 2, 1, 0, 8)


def example_report() -> BrowserReport:
    """Everything as it should be."""
    report = BrowserReport(
        "agent.py bench browser",
        MACHINE,
        1,
        "Chromium 156",
        clicks=(
            Click("whip", 90.0, 3.0, 50.0),
            Click("whip", 110.0, 5.0, 60.0),
            Click("whip", 95.0, 4.0, 55.0, is_fresh=True),
            Click("livekit", 150.0, 3.0, 9.0),
            Click("livekit", 170.0, 4.0, 11.0),
            Click("floor", 70.0),
            Click("floor", 80.0),
        ),
        talks=(Talk("whip", SAID, SAID, ("Hello.", "From five."), (900.0, 950.0), (905.0, 948.0)),),
        rounds=(
            Round("this browser alone, no server", (60.0, 62.0), 0, 20.0, 0.5, 90),
            Round("whip, as it comes", (90.0, 92.0, 99.0), 0, 30.0, 1.0, 100),
            Round("livekit, as it comes", (95.0, 96.0, 97.0), 1, 30.0, 1.0, 100),
        ),
        leaks=(Leaks("whip", 500, 500, CLEAN, replace(CLEAN, heap_kb=3100.0), 0, halfway=CLEAN),),
        loads=(Load("livekit", 20, 20, (150.0, 180.0), 0.8),),
        cuts=(
            Cut("whip", 2.0, 0.3, "live", "", "", 0),
            Cut("whip", 40.0, None, "failed", "Reconnecting.", "The connection was lost.", 0),
        ),
    )
    return replace(report, targets=targets(report))
