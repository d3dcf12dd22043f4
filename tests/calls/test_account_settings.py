"""What an account says of a call reaches the providers, the caller's ear and the record; the next call has its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from service import Accounts, Brief, Choice, Service
from sim.providers import SimulatedProviders
from tests.harness import KEY, quick_profile, run_worker, settings_for
from turns.voice_agent import VoiceAgent

if TYPE_CHECKING:
    from livekit.agents import JobContext

    from config import Settings
    from observe.observer import CallRecord
    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings
    from tests.harness import Recorder

OWN = "This is the service."
HARBOUR = "This is the harbour. We are here from five to eleven."


class Desk(VoiceAgent):
    """Remembers with what it has been given to speak."""

    used: dict[str, Any]

    async def on_enter(self) -> None:
        session: Any = self.session
        self.used = {"llm": session.llm.model, "tts": session.tts.model, "voice": session.tts._opts.voice_id}
        self.used |= {"stt": session.stt._params.model, "hints": session.stt._params.language_hints}


class Book(Accounts):
    """The account is the job's metadata; each has the settings that it is given here."""

    def __init__(self, **changes: object) -> None:
        self.changes = changes
        self.brief: dict[str, object] = {}
        self.desks: list[Desk] = []
        self.ends: list[CallRecord] = []

    def choose(self, context: JobContext, settings: Settings) -> Choice:
        return Choice(settings.model_copy(update={"voice_first": False}), {"voice": "late"})

    async def find(self, context: JobContext, choice: Choice) -> Brief:
        self.desks.append(Desk(instructions="Answer shortly."))
        if not context.job.metadata:
            return Brief(self.desks[-1], OWN)
        settings = choice.settings.model_copy(update=self.changes)
        labels = {"account": context.job.metadata}
        return Brief(self.desks[-1], HARBOUR, settings, labels, **self.brief)  # pyright: ignore[reportArgumentType]  # each test its own

    def ended(self, call: CallRecord) -> None:
        self.ends.append(call)


def service_with(book: Book, recorder: Recorder) -> Service:
    return Service(
        agent=lambda: VoiceAgent(instructions="Answer."),
        greeting=OWN,
        accounts=book,
        observers=lambda _context: [recorder],
    )


async def test_a_calls_own_settings_reach_its_providers_and_no_other_call(
    livekit: LocalLiveKit, sim: SimulatedProviders, recorder: Recorder, make_settings: MakeSettings
) -> None:
    """Voice, models and languages of the account; the next call, without one, has the service's."""
    theirs = {"tts_voice": "ada", "tts_model": "slow", "llm_model": "gpt-4o", "stt_model": "stt-x", "max_tokens": 50}
    book = Book(**theirs, language_hints=("de",))
    settings = settings_for(make_settings, livekit, sim)
    async with run_worker(service_with(book, recorder), settings, livekit) as worker:
        for metadata, greeting in (("harbour", HARBOUR), ("", OWN)):
            async with worker.caller(await worker.open_room(metadata=metadata)) as caller:
                await caller.first_word(timeout_s=10)
                await caller.text(lambda text, said=greeting: text.text == said, timeout_s=5)
            await recorder.until("ended", len(book.desks))
        await worker.idle()
        theirs_key = worker.kit.greeting_key(HARBOUR, settings.model_copy(update=theirs))
        assert theirs_key != worker.kit.greeting_key(HARBOUR)
        assert worker.kit.greetings.peek(theirs_key) is not None
        assert worker.kit.greetings.peek(worker.kit.greeting_key(HARBOUR)) is None

    assert book.desks[0].used == {
        "llm": "gpt-4o",
        "tts": "slow",
        "voice": "ada",
        "stt": "stt-x",
        "hints": ["de"],
    }
    assert book.desks[1].used == {
        "llm": settings.llm_model,
        "tts": settings.tts_model,
        "voice": settings.tts_voice,
        "stt": settings.stt_model,
        "hints": list(settings.language_hints),
    }


async def test_what_was_chosen_and_who_was_called_is_in_the_record(
    livekit: LocalLiveKit, sim: SimulatedProviders, recorder: Recorder, make_settings: MakeSettings
) -> None:
    """The labels of both; a setting that is read before the account is known counts, too."""
    book = Book()
    async with run_worker(service_with(book, recorder), settings_for(make_settings, livekit, sim), livekit) as worker:
        async with worker.caller(await worker.open_room(metadata="harbour")) as caller:
            await caller.first_word(timeout_s=10)
        call = await recorder.until("ended")
        await worker.idle()
    assert call.labels == {"voice": "late", "account": "harbour"}
    assert book.ends == [call]


async def test_a_refused_caller_is_told_and_let_go(
    livekit: LocalLiveKit, sim: SimulatedProviders, recorder: Recorder, make_settings: MakeSettings
) -> None:
    """The greeting is heard, then the call ends by itself and its room is closed."""
    book = Book()
    book.brief = {"hangs_up": True}
    async with run_worker(service_with(book, recorder), settings_for(make_settings, livekit, sim), livekit) as worker:
        async with worker.caller(await worker.open_room(metadata="harbour")) as caller:
            await caller.text(lambda text: text.text == HARBOUR, timeout_s=10)
            call = await recorder.until("ended")
            await worker.idle()
        assert await worker.rooms() == []
    assert (call.ended_by, call.errors) == ("refused", [])


async def test_a_call_has_its_longest_length(
    livekit: LocalLiveKit, sim: SimulatedProviders, recorder: Recorder, make_settings: MakeSettings
) -> None:
    """The agent says goodbye and hangs up; nothing counts as an error."""
    book = Book()
    book.brief = {"max_call_s": 1.0}
    async with run_worker(service_with(book, recorder), settings_for(make_settings, livekit, sim), livekit) as worker:
        async with worker.caller(await worker.open_room(metadata="harbour")) as caller:
            await caller.first_word(timeout_s=10)
            call = await recorder.until("ended")
        await worker.idle()
    assert (call.ended_by, call.errors) == ("limit", [])
    assert call.duration_s >= 1.0


async def test_the_first_caller_of_an_account_hears_its_greeting_while_it_is_spoken(
    livekit: LocalLiveKit, recorder: Recorder, make_settings: MakeSettings
) -> None:
    """The voice speaks hardly faster than it is heard: the first word comes before the last one is there. Then all of
    it is heard once, and is kept for the next caller.
    """
    quick = quick_profile()
    slow = replace(quick, tts=replace(quick.tts, realtime_factor=1.5))
    async with SimulatedProviders(profile=slow, api_key=KEY) as sim:
        settings = settings_for(make_settings, livekit, sim)
        async with run_worker(service_with(Book(), recorder), settings, livekit) as worker:
            key = worker.kit.greeting_key(HARBOUR)
            async with worker.caller(await worker.open_room(metadata="harbour")) as caller:
                await caller.first_word(timeout_s=10)
                assert worker.kit.greetings.peek(key) is None
                await caller.quiet(1500)
                heard_s = sum((end or begin) - begin for track in caller.heard() for begin, end in track.spans())
            kept = worker.kit.greetings.peek(key)
            await worker.idle()
    assert kept is not None
    assert heard_s == pytest.approx(kept.duration_ms / 1000, rel=0.15)
