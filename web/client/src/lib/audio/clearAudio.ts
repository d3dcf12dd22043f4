// The clear-audio check: once a second, what of the agent's voice arrived and what had to be made up.

import { type AudioFault, type AudioGrade, type AudioMeasures, gradeOf } from "./audioGrade";
import { type InboundAudio, InboundAudioReader, type LinkNow, NO_AUDIO, plus } from "./inboundAudio";
import { Recent } from "./recent";

const EVERY_MS = 1000;
/** The grade is of the last five seconds: one lost packet is no news. */
const GRADED = 5;
/** Two minutes. */
const HISTORY = 120;

/** One look. Measures are of the time since the last one; the grade is of the last five. */
export interface ClearAudioLook extends AudioMeasures {
  /** On the clock of performance.now(). */
  at_ms: number;
  /** How long a sample waited in the jitter buffer: Δ jitterBufferDelay / Δ jitterBufferEmittedCount. */
  buffer_ms: number | null;
  /** Runs of made up samples, where sound should have been. */
  dropouts: number;
  grade: AudioGrade;
  /** Which measure made the grade; null where it is good. */
  fault: AudioFault | null;
}

/** Of the whole call: shares over all of it, times as quantiles. Plain data, for the report. */
export interface ClearAudioSummary {
  /** How many looks there were, and how many of them with which grade. */
  looks: number;
  good: number;
  fair: number;
  poor: number;
  /** By the same limits as each look's, from the figures below (times: p90). */
  grade: AudioGrade;
  fault: AudioFault | null;
  packets_received: number;
  packets_lost: number;
  lost_share: number | null;
  concealed_share: number | null;
  dropouts: number;
  playout_gap_share: number | null;
  /** Seconds in which nothing at all arrived. */
  stalled_s: number;
  jitter_ms: Spread;
  buffer_ms: Spread;
  rtt_ms: Spread;
}

export interface Spread {
  p50: number | null;
  p90: number | null;
}

export class ClearAudio {
  /** The newest two minutes, in order. */
  readonly history: ClearAudioLook[] = [];
  private readonly reader = new InboundAudioReader();
  private readonly newest: InboundAudio[] = [];
  private total: InboundAudio = NO_AUDIO;
  private dropouts = 0;
  /** Looks in a row that found no packet, and all of them. */
  private stalled = { inARow: 0, ever: 0 };
  private readonly grades: Record<AudioGrade, number> = { good: 0, fair: 0, poor: 0 };
  private readonly jitter = new Recent();
  private readonly buffer = new Recent();
  private readonly rtt = new Recent();
  private timer: ReturnType<typeof setInterval> | undefined;
  private looking = false;

  /** `stats` as a Transport has it: of the connection that carries the agent's voice, null while there is none. */
  constructor(
    private readonly stats: () => Promise<RTCStatsReport | null>,
    private readonly looked?: (look: ClearAudioLook) => void,
  ) {}

  /** Until `stop`, once a second; a second look at the same time waits for nobody. */
  start(): void {
    this.timer ??= setInterval(() => void this.look(), EVERY_MS);
  }

  /** More than once is allowed. */
  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  summary(): ClearAudioSummary {
    const { total, grades } = this;
    const [jitter, buffer, rtt] = [spread(this.jitter), spread(this.buffer), spread(this.rtt)];
    const measures = measuresOf(total, { jitterMs: jitter.p90, rttMs: rtt.p90 }, null);
    const { lost_share, concealed_share, playout_gap_share } = measures;
    return {
      looks: grades.good + grades.fair + grades.poor,
      ...grades,
      ...gradeOf(measures),
      packets_received: total.received,
      packets_lost: Math.max(0, total.lost),
      lost_share,
      concealed_share,
      dropouts: this.dropouts,
      playout_gap_share,
      stalled_s: this.stalled.ever,
      jitter_ms: jitter,
      buffer_ms: buffer,
      rtt_ms: rtt,
    };
  }

  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      const report = await this.stats();
      if (report !== null && this.timer !== undefined) this.take(report);
    } catch {
      // The connection is being closed or made anew: there is nothing to see in this second.
    } finally {
      this.looking = false;
    }
  }

  private take(report: RTCStatsReport): void {
    const { since, now } = this.reader.read(report);
    // No stream yet, or none any more.
    if (since.samples === 0 && since.received === 0) return;
    const stalled = since.received === 0;
    this.stalled = { inARow: stalled ? this.stalled.inARow + 1 : 0, ever: this.stalled.ever + (stalled ? 1 : 0) };
    const stalledS = (this.stalled.inARow * EVERY_MS) / 1000;
    this.total = plus(this.total, since);
    push(this.newest, since, GRADED);
    const dropouts = since.concealed > 0 ? since.events : 0;
    this.dropouts += dropouts;
    const bufferMs = share(since.bufferDelayS, since.emitted, 1000);
    if (now.jitterMs !== null) this.jitter.add(now.jitterMs);
    if (now.rttMs !== null) this.rtt.add(now.rttMs);
    if (bufferMs !== null) this.buffer.add(bufferMs);
    const graded = gradeOf(measuresOf(this.newest.reduce(plus), now, stalledS));
    this.grades[graded.grade] += 1;
    const look: ClearAudioLook = {
      at_ms: performance.now(),
      ...measuresOf(since, now, stalledS),
      buffer_ms: bufferMs,
      dropouts,
      ...graded,
    };
    push(this.history, look, HISTORY);
    this.looked?.(look);
  }
}

function measuresOf(sum: InboundAudio, now: LinkNow, stalledS: number | null): AudioMeasures {
  const lost = Math.max(0, sum.lost);
  return {
    lost_share: share(lost, lost + sum.received),
    concealed_share: share(sum.concealed, sum.samples),
    jitter_ms: now.jitterMs,
    rtt_ms: now.rttMs,
    playout_gap_share: share(sum.synthesizedS, sum.playedS),
    stalled_s: stalledS,
  };
}

function share(part: number, whole: number, times = 1): number | null {
  return whole > 0 ? Math.max(0, (part / whole) * times) : null;
}

function spread(numbers: Recent): Spread {
  return { p50: numbers.quantile(0.5), p90: numbers.quantile(0.9) };
}

function push<Item>(list: Item[], item: Item, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}
