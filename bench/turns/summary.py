"""A side's samples as the figures that are told of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.stats import Quantiles, quantiles
from bench.turns.corpus import PAUSES_MS, has_filler
from bench.turns.results import gaps_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.turns.results import Cost, SideResult, Turn


@dataclass(frozen=True)
class Share:
    """`count` of `n`."""

    count: int
    n: int

    @property
    def rate(self) -> float | None:
        return self.count / self.n if self.n else None


@dataclass(frozen=True)
class Summary:
    """Times in ms. What was not measured is None, or a share of 0.

    `gap`: plain questions. `pause_gap`: sentences with a pause, those that were not cut off; `pause_gap_by_pause`: by
    its length in ms, as `cut_off_by_pause`. `overhead_ms`: the p50 of `gap` less LLM and TTS. `opener` and `no_opener`:
    `gap` and `arabic_gap` divided by whether the reply began from memory. `cut_off`: English sentences with a pause;
    `filler_cut_off`: those of them that have it behind a filler. `lost`: turns without an answer. `to_a_part`: answers
    to a part of a sentence, of those with a pause. `false_a_minute`: noises that were false interruptions, a minute of
    the agent's speech; `own_a_minute`: its stops without any noise. `echo_a_minute`: its stops for its own echo, those
    for good too; `echo_broken`: replies that did not come to their end for it; `echo_answered`: those that it answered
    itself. `llm_calls`: a sentence, in plain questions; `pause_llm_calls`: in those with a pause.
    """

    gap: Quantiles | None
    pause_gap: Quantiles | None
    pause_gap_by_pause: dict[int, Quantiles | None]
    arabic_gap: Quantiles | None
    overhead_ms: float | None
    opener: Quantiles | None
    no_opener: Quantiles | None
    opener_hits: Share
    cut_off: Share
    cut_off_by_pause: dict[int, Share]
    filler_cut_off: Share
    arabic_cut_off: Share
    lost: Share
    to_a_part: Share
    false_a_minute: float | None
    own_a_minute: float | None
    noises: Share
    hesitations: Share
    noise_minutes: float
    echo_a_minute: float | None
    echo_broken: Share
    echo_answered: Share
    barge_in: Quantiles | None
    barge_ins_by_when: dict[str, Quantiles | None]
    unanswered: Share
    llm_calls: float | None
    pause_llm_calls: float | None
    llm_tokens: float | None
    log_lines_a_minute: float | None
    calls: int


def summarize(side: SideResult, providers_ms: float, pauses_ms: Iterable[int] = PAUSES_MS) -> Summary:
    """`pauses_ms`: the lengths of which each has figures of its own."""
    gap = quantiles(gaps_ms(side.of("gap")))
    paused = [turn for turn in side.turns if turn.pause_ms is not None and turn.part == "pause"]
    by_pause = {pause: [turn for turn in paused if turn.pause_ms == pause] for pause in pauses_ms}
    quick = side.of("gap", "arabic")
    noisy = [reply for reply in side.long_replies if reply.noises]
    alone = [reply for reply in side.long_replies if not reply.noises]
    made = [noise for reply in noisy for noise in reply.noises]
    noisy_s, alone_s = (sum(reply.heard_s for reply in replies) for replies in (noisy, alone))
    echoes = side.echo_replies
    broken = sum(not each.whole for each in echoes)
    stopped = sum(noise.stopped for noise in made)
    quick_costs = [cost for cost in side.costs if cost.part in ("gap", "arabic")]
    sentences = sum(cost.sentences for cost in quick_costs)
    return Summary(
        gap=gap,
        pause_gap=quantiles(gaps_ms(paused)),
        pause_gap_by_pause={pause: quantiles(gaps_ms(turns)) for pause, turns in by_pause.items()},
        arabic_gap=quantiles(gaps_ms(side.of("arabic"))),
        overhead_ms=None if gap is None else gap.p50_ms - providers_ms,
        opener=quantiles(gaps_ms(turn for turn in quick if turn.opener)),
        no_opener=quantiles(gaps_ms(turn for turn in quick if turn.opener is False)),
        opener_hits=Share(sum(turn.opener is True for turn in quick), sum(turn.opener is not None for turn in quick)),
        cut_off=_cut_off(paused),
        cut_off_by_pause={pause: _cut_off(turns) for pause, turns in by_pause.items()},
        filler_cut_off=_cut_off(turn for turn in paused if has_filler(turn.recording)),
        arabic_cut_off=_cut_off(turn for turn in side.of("arabic") if turn.pause_ms is not None),
        lost=Share(sum(turn.outcome == "lost" for turn in side.turns), len(side.turns)),
        to_a_part=Share(sum(turn.to_a_part for turn in paused), len(paused)),
        false_a_minute=_a_minute(stopped, noisy_s),
        own_a_minute=_a_minute(sum(reply.stops for reply in alone), alone_s),
        noises=Share(stopped, len(made)),
        hesitations=Share(sum(noise.hesitated for noise in made), len(made)),
        noise_minutes=noisy_s / 60,
        echo_a_minute=_a_minute(sum(each.stops for each in echoes) + broken, sum(each.heard_s for each in echoes)),
        echo_broken=Share(broken, len(echoes)),
        echo_answered=Share(sum(each.answers > 0 for each in echoes), len(echoes)),
        barge_in=quantiles([each.stop_ms for each in side.barge_ins]),
        barge_ins_by_when={
            when: quantiles([each.stop_ms for each in side.barge_ins if each.when == when])
            for when in ("early", "late")
        },
        unanswered=Share(sum(not each.answered for each in side.barge_ins), len(side.barge_ins)),
        llm_calls=_calls_a_sentence(quick_costs),
        pause_llm_calls=_calls_a_sentence([cost for cost in side.costs if cost.part == "pause"]),
        llm_tokens=None if not sentences else sum(cost.llm_tokens for cost in quick_costs) / sentences,
        log_lines_a_minute=_a_minute(side.log_lines, side.call_s),
        calls=len(side.costs),
    )


def _cut_off(turns: Iterable[Turn]) -> Share:
    counted = list(turns)
    return Share(sum(turn.outcome == "cut off" for turn in counted), len(counted))


def _a_minute(events: int, duration_s: float) -> float | None:
    return None if duration_s <= 0 else events * 60 / duration_s


def _calls_a_sentence(costs: Sequence[Cost]) -> float | None:
    sentences = sum(cost.sentences for cost in costs)
    return sum(cost.llm_calls for cost in costs) / sentences if sentences else None
