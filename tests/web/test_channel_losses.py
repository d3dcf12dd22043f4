"""What the page's control channel and its requests make of a connection that loses messages and breaks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sim.flaky_socket import FlakySocket, Losses
from tests.web.browser import chromium
from tests.web.channel_page import channel_server, open_page, reversed_text, reversed_words, token

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

REQUESTS = 204
LOSSES = Losses(message=3, connection=10, cut_after=120)
# Every 12th request is never answered, every 8th is cancelled by the page: each has one outcome nevertheless.
ASK_ALL = """
async ([url, token, count]) => {
  window.connect(url, token, { attempts: 30, resendMs: 30, helloMs: 30 }, { mostWaiting: 1000, mostInFlight: 8 });
  const { ai } = window;
  const outcomes = Array.from({ length: count }, () => []);
  await Promise.all(outcomes.map((outcome, n) => {
    const silent = n % 12 === 5;
    const stop = new AbortController();
    const parts = [];
    const text = `${silent ? "silent " : ""}n${n} of ${count}`;
    const asked = ai.ask(text, {
      signal: stop.signal,
      timeoutMs: silent ? 300 : 40000,
      onPart: (part) => { parts.push(part); if (n % 8 === 3) stop.abort(); },
    });
    return asked.then(
      (answer) => outcome.push({ answer, parts }),
      (error) => outcome.push({ error: error.kind, parts }),
    );
  }));
  window.channel.close();
  return { outcomes, figures: ai.figures, channel: window.channel.figures };
}
"""


async def answers(text: str) -> AsyncGenerator[str]:
    if text.startswith("silent"):
        yield "I begin, "
        await asyncio.Event().wait()
    async for part in reversed_words(text):
        yield part


async def test_each_request_has_exactly_one_outcome_whatever_is_lost() -> None:
    """Every third message and every tenth connection lost, each connection cut after 120 messages, 204 requests.

    Those that are answered get the right text from its parts in order; the silent ones time out; those cancelled at
    their first part are cancelled. The service has had each request once, and nothing is left there.
    """
    async with (
        channel_server(answers) as server,
        FlakySocket(server.channel_url, LOSSES) as relay,
        chromium() as browser,
    ):
        page = await browser.new_page()
        await open_page(page, server.url)
        told = await page.evaluate(ASK_ALL, [relay.url, token(), REQUESTS])
        while len(server.channel.sessions):
            await asyncio.sleep(0.01)  # the page has closed it
        asked = list(server.answering.asked)
        open_answers = server.answering.open

    print(relay.counts, told["channel"])
    outcomes = told["outcomes"]
    assert [len(outcome) for outcome in outcomes] == [1] * REQUESTS
    for number, [outcome] in enumerate(outcomes):
        text = f"n{number} of {REQUESTS}"
        if number % 8 == 3:
            assert outcome.get("error") == "cancelled", (number, outcome)
        elif number % 12 == 5:
            assert outcome == {"error": "timeout", "parts": outcome["parts"]}, (number, outcome)
            assert outcome["parts"] in ([], ["I begin, "])
        else:
            assert outcome.get("answer") == reversed_text(text), (number, outcome)
            assert "".join(outcome["parts"]) == outcome["answer"]
    assert len(asked) == len(set(asked))
    assert open_answers == 0
    assert relay.counts.connections >= 20
    assert relay.counts.broken >= 20
    assert relay.counts.lost >= 200, relay
    assert told["channel"]["resent"] > 0


ECHO = """
async ([url, token, count]) => {
  window.connect(url, token, { mostWaiting: 1000, attempts: 30 });
  const numbers = Array.from({ length: count }, (_, n) => n);
  const sent = numbers.map((n) => window.channel.send({ type: "ai_request", id: `r${n}`, text: `n${n}` }));
  await Promise.all(sent);
}
"""


async def test_messages_arrive_once_and_in_order_in_both_directions() -> None:
    """100 messages each way, the page's faster than the window."""

    async def echo(text: str) -> AsyncGenerator[str]:
        yield text

    async with (
        channel_server(echo) as server,
        FlakySocket(server.channel_url, LOSSES) as relay,
        chromium() as browser,
    ):
        page = await browser.new_page()
        await open_page(page, server.url)
        await page.evaluate(ECHO, [relay.url, token(), 100])
        await page.wait_for_function("() => window.bodies.filter((body) => body.type !== 'ai_part').length === 100")
        bodies = await page.evaluate("() => window.bodies")
    # More than eight at once are refused as busy, by a message each: those that came through came in order.
    asked = [int(text[1:]) for text in server.answering.asked]
    assert asked == sorted(set(asked))
    ends = [body["id"] for body in bodies if body["type"] != "ai_part"]
    assert sorted(ends) == sorted({f"r{number}" for number in range(100)})
    answered = [body["id"][1:] for body in bodies if body["type"] == "ai_part"]
    assert sorted(map(int, answered)) == asked
