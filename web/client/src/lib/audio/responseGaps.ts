// The response gap as this browser heard it: the caller's last spoken sample to the agent's first audible one.

import type { LevelsEvents } from "./levels";
import { Recent } from "./recent";

/** An onset sooner after the agent's own last sound is the same speech going on. */
const PAUSE_MS = 200;
/** Later than this the agent speaks of its own accord. */
const LONGEST_MS = 30_000;

export type SpeechEdges = Required<Pick<LevelsEvents, "speechBegan" | "speechEnded">>;

/** In milliseconds, rounded to 0.1; null where there is none yet. The quantiles are over the newest 512. */
export interface Running {
  count: number;
  last_ms: number | null;
  p50_ms: number | null;
  p90_ms: number | null;
}

export interface ResponseGapsSummary {
  response_gap: Running;
  first_word: Running;
  /** How often the agent began while the caller spoke: no gaps. */
  talked_over: number;
  /** How often the caller began while the agent spoke: no gaps. */
  interruptions: number;
}

/**
 * Give `caller` and `agent` to the meters of the two sides; the figures go on over all calls of the page.
 *
 * A gap is counted at the agent's first onset after the caller ended, if the agent had been silent since before that end.
 * What the caller says into the agent's speech counts only if the agent was silent before the caller was; the agent's
 * own pauses, an onset while the caller speaks, and one after 30 s do not.
 *
 * Resolution: both meters run on one audio clock, so a gap is good to about a window of the meter (5.3 ms).
 * Bias: the caller's sample is dated when the browser hands it over, after the microphone's latency (about 10 ms and
 * what the sound card adds); the agent's before it is played. At the mouth and the ear a gap is longer by both, and
 * shorter by nothing. A microphone that hears the agent (no echo cancellation) makes the agent's own words the
 * caller's, and a room louder than -51 dBFS never falls silent: then no gaps are counted, rather than wrong ones.
 */
export class ResponseGaps {
  readonly caller: SpeechEdges = {
    speechBegan: (atMs) => this.callerBegan(atMs),
    speechEnded: (atMs) => this.callerEnded(atMs),
  };
  readonly agent: SpeechEdges = {
    speechBegan: (atMs) => this.agentBegan(atMs),
    speechEnded: (atMs) => {
      this.agentSpeaks = false;
      this.agentEndedMs = atMs;
    },
  };
  private readonly gaps = new Recent();
  private readonly firstWords = new Recent();
  private talkedOver = 0;
  private interruptions = 0;
  private callerSpeaks = false;
  private agentSpeaks = false;
  private agentEndedMs = Number.NEGATIVE_INFINITY;
  /** The caller's last sample, while nothing answered it. */
  private unansweredMs: number | null = null;
  /** The agent's onset in what looked like the caller's speech: an end is known only 40 ms after it. */
  private earlyMs: number | null = null;

  /** `counted` hears of each gap. */
  constructor(private readonly counted?: (gapMs: number) => void) {}

  /** What one call said and did not answer is nothing to the next one. */
  newCall(): void {
    this.callerSpeaks = false;
    this.agentSpeaks = false;
    this.agentEndedMs = Number.NEGATIVE_INFINITY;
    this.unansweredMs = null;
    this.earlyMs = null;
  }

  /** From the click, or from where else the page counts. */
  firstWord(ms: number): void {
    this.firstWords.add(ms);
  }

  summary(): ResponseGapsSummary {
    return {
      response_gap: running(this.gaps),
      first_word: running(this.firstWords),
      talked_over: this.talkedOver,
      interruptions: this.interruptions,
    };
  }

  private callerBegan(atMs: number): void {
    this.callerSpeaks = true;
    this.unansweredMs = null;
    // Between two words of the agent it is in the middle of its speech as well.
    if (this.agentSpeaks || atMs - this.agentEndedMs < PAUSE_MS) this.interruptions += 1;
  }

  private callerEnded(atMs: number): void {
    this.callerSpeaks = false;
    const early = this.earlyMs;
    this.earlyMs = null;
    if (early !== null && early >= atMs) {
      this.count(early - atMs);
      return;
    }
    if (early !== null) this.talkedOver += 1;
    this.unansweredMs = atMs;
  }

  private agentBegan(atMs: number): void {
    this.agentSpeaks = true;
    const sameSpeech = atMs - this.agentEndedMs < PAUSE_MS;
    if (this.callerSpeaks) {
      if (!sameSpeech) this.earlyMs ??= atMs;
      return;
    }
    const unanswered = this.unansweredMs;
    this.unansweredMs = null;
    if (unanswered === null || sameSpeech || this.agentEndedMs > unanswered) return;
    this.count(atMs - unanswered);
  }

  private count(gapMs: number): void {
    if (gapMs > LONGEST_MS) return;
    this.gaps.add(gapMs);
    this.counted?.(gapMs);
  }
}

function running(numbers: Recent): Running {
  const rounded = (ms: number | null) => (ms === null ? null : Math.round(ms * 10) / 10);
  return {
    count: numbers.count,
    last_ms: rounded(numbers.last),
    p50_ms: rounded(numbers.quantile(0.5)),
    p90_ms: rounded(numbers.quantile(0.9)),
  };
}
