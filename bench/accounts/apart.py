"""Calls of different accounts at the same time: are words, voice, instructions, tools and transcript each its own?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bench.accounts.asked import OPENER, read_asked
from bench.accounts.house import DEFAULT_GREETING, DEFAULT_INSTRUCTIONS, TOOLS, tools_of
from bench.accounts.results import Apart
from bench.accounts.scene import OWN
from bench.accounts.visit import FAILURES, QUESTIONS, told, visit
from sim.speech.library import load_speech

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from accounts.record import Account
    from bench.accounts.asked import Asked
    from bench.accounts.scene import Scene
    from bench.accounts.visit import Said


@dataclass(frozen=True)
class Talk:
    """One of the calls of a round. `number`: of the LLM's answer that this caller heard."""

    account: Account
    question: str
    greeting: Said
    number: int
    answer: Said


@dataclass
class Mixed:
    """What was heard or asked that belongs to somebody else, a line each."""

    words: list[str] = field(default_factory=list[str])
    voice: list[str] = field(default_factory=list[str])
    instructions: list[str] = field(default_factory=list[str])
    tools: list[str] = field(default_factory=list[str])
    transcript: list[str] = field(default_factory=list[str])


async def measure_apart(scene: Scene, rounds: Iterable[Sequence[int]]) -> tuple[Apart, list[str]]:
    """Each round's accounts are called at once. The second value: calls that were not completed, a line each."""
    mixed, failed, talks = Mixed(), list[str](), list[Talk]()
    for numbers in rounds:
        accounts = [scene.accounts[number] for number in numbers]
        spoken = await asyncio.gather(
            *(_talk(scene, account, question) for account, question in zip(accounts, QUESTIONS, strict=False))
        )
        whole = [each for each in spoken if isinstance(each, Talk)]
        failed += [each for each in spoken if isinstance(each, str)]
        for talk in whole:
            await _check_voice(scene, talk, accounts, mixed)
        talks += whole
    asked = read_asked(scene.files.asked)
    check_requests(asked, (*scene.accounts, *scene.versions), mixed)
    check_talks(talks, {each.number: each for each in asked}, mixed)
    lines = {name: tuple(found) for name, found in vars(mixed).items()}
    unclear = scene.voices.count(None)
    apart = Apart(len(talks), len(asked), len(scene.voices) - unclear, unclear)
    return replace(apart, **lines), failed


def check_requests(asked: Iterable[Asked], accounts: Iterable[Account], mixed: Mixed) -> None:
    """Whether each request is of one piece: instructions, tools and greeting of the same account. Pure."""
    by_instructions = {account.instructions: account for account in accounts}
    for request in asked:
        account = by_instructions.get(request.instructions)
        if account is None and request.instructions != DEFAULT_INSTRUCTIONS:
            mixed.instructions.append(f"answer {request.number}: instructions of nobody: {request.instructions[:80]!r}")
            continue
        allowed = tuple(sorted(TOOLS)) if account is None else tools_of(account)
        name = "the service" if account is None else account.id
        if request.tools != allowed:
            mixed.tools.append(f"answer {request.number}, {name}: got {request.tools}, allowed: {allowed}")
        greeting = DEFAULT_GREETING if account is None else account.greeting
        # A caller who speaks into it has heard no more than its beginning.
        if request.said and not greeting.startswith(request.said[0].strip()):
            mixed.transcript.append(f"answer {request.number}, {name}: {request.said[0]!r} was said before it")


def check_talks(talks: Iterable[Talk], asked: Mapping[int, Asked], mixed: Mixed) -> None:
    """Whether each caller was greeted and answered as the one whom they called, and heard by nobody else. Pure."""
    recordings = load_speech()
    for talk in talks:
        account, request = talk.account, asked[talk.number]
        if talk.greeting.words != account.greeting:
            mixed.words.append(f"{account.id}: heard {talk.greeting.words!r}")
        if request.instructions != account.instructions:
            mixed.instructions.append(f"{account.id}: answer {talk.number} is of {request.instructions[:60]!r}")
        others = [recordings[name].text for name in QUESTIONS if name != talk.question]
        heard = " ".join(request.heard)
        mixed.transcript += [f"{account.id}: the LLM was told {text!r}" for text in others if text in heard]


async def _talk(scene: Scene, account: Account, question: str) -> Talk | str:
    try:
        async with visit(scene.place, scene.worker.agent_name, account.id) as call:
            greeting = await call.greeted()
            number, answer = await call.ask(question)
            return Talk(account, question, greeting, number, answer)
    except FAILURES as error:
        return f"{account.id}, at once with others: {told(error)}"
    finally:
        scene.told()


async def _check_voice(scene: Scene, talk: Talk, accounts: Sequence[Account], mixed: Mixed) -> None:
    """Of the greeting and of the answer, beside the voices of all who were called at that moment."""
    own = talk.account
    others = {each.id: each.voice or "" for each in accounts if each.voice != own.voice}
    for said, words in ((talk.greeting, own.greeting), (talk.answer, OPENER)):
        line = await scene.whose(said, words, {OWN: own.voice or "", **others})
        mixed.voice += [f"{own.id}: {line}"] if line else []
