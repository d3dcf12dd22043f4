"""A call that Nora hands to Sam: heard by its caller from the question to the booked table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.agents.llm import ChatMessage

from examples.tools_and_handoff.agent import (
    GREETING,
    OPENERS,
    PATIENCE,
    PUT_THROUGH,
    SAM_HERE,
    SAMS_VOICE,
    Bookings,
    FrontDesk,
)
from examples.tools_and_handoff.bench_calls import TEXT_LATE_S
from examples.tools_and_handoff.booking_system import BookingSystem
from examples.tools_and_handoff.hearing import said_to_the_end, spans_of
from examples.tools_and_handoff.silences import longest_silence_s, silence_before_s
from service import Service
from tests.harness import run_worker, settings_for

if TYPE_CHECKING:
    from sim.caller import Caller
    from sim.livekit_server import LocalLiveKit
    from sim.providers import SimulatedProviders
    from sim.speech.library import Recording
    from tests.conftest import MakeSettings


LOOKING_S = 2.0


async def test_the_caller_is_put_through_and_gets_a_table(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
) -> None:
    """One question is enough: Nora hands over, Sam greets, looks, tells, and books after a yes.

    All on one track and one stream of the STT, in this order, with no silence as long as the tool.
    """
    system = BookingSystem(takes_s=(LOOKING_S, LOOKING_S))
    desk = FrontDesk(system)
    service = Service(agent=lambda: desk, greeting=GREETING, openers=OPENERS)
    streams_before = sim.stats["soniox"]["streams"]
    async with run_worker(service, settings_for(make_settings, livekit, sim), livekit) as worker:
        async with worker.caller(await worker.open_room()) as caller:
            await caller.first_word(timeout_s=10)
            await caller.quiet(400)
            session = desk.session
            asked = await caller.say(speech["book_table"].pcm, 16_000)
            hello = await caller.text(lambda text: text.text == SAM_HERE, timeout_s=15)
            offer = await caller.text(lambda text: text.text.endswith("Shall I confirm it?"), timeout_s=15)
            await said_to_the_end(caller, offer.began_at, timeout_s=15)
            spans = spans_of(caller)
            await caller.say(speech["yes_please"].pcm, 16_000)
            await caller.text(lambda text: "Booked is a table for 2" in text.text, timeout_s=15)
            sam = session.current_agent
            memory = worker.kit.greetings.peek(
                worker.kit.greeting_key(SAM_HERE, worker.kit.settings.model_copy(update={"tts_voice": SAMS_VOICE}))
            )
            assert len(caller.heard()) == 1
        await worker.idle()

    said = told(caller)
    assert said[:3] == [GREETING, PUT_THROUGH, SAM_HERE]
    assert said[3] in PATIENCE.fillers
    assert said.index(offer.text) < next(place for place, text in enumerate(said) if "Booked is" in text)
    assert len(system.booked) == 1

    assert sim.stats["soniox"]["streams"] - streams_before == 1
    assert memory is not None
    assert isinstance(sam, Bookings)
    words = [(item.role, item.text_content) for item in sam.chat_ctx.items if isinstance(item, ChatMessage)]
    assert ("assistant", GREETING) in words
    assert ("user", "Can I book a table for two tomorrow at seven?") in words

    handed_s = silence_before_s(spans, hello.began_at - TEXT_LATE_S)
    assert handed_s is not None
    assert handed_s < LOOKING_S / 2
    assert longest_silence_s(spans, asked.last_audible_sample_at, offer.began_at) < LOOKING_S


def told(caller: Caller) -> list[str]:
    """What the agents' words were on the caller's screen, in order."""
    return [text.text for text in caller.texts if text.identity.startswith("agent")]
