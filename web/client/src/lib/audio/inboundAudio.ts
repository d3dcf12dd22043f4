// What a connection's statistics say of the sound that came in, between two looks at them.
//
// All names in quotes are those of W3C's "Identifiers for WebRTC's Statistics API".

/** Sums over the time between two looks; of several streams (an agent that was replaced) together. */
export interface InboundAudio {
  /** "packetsReceived", "packetsLost" of inbound-rtp. Lost ones that come late count back, so it may be below 0. */
  received: number;
  lost: number;
  /** "totalSamplesReceived": all that were played, made up ones included. */
  samples: number;
  /** "concealedSamples" - "silentConcealedSamples": made up, and where sound should have been. */
  concealed: number;
  /** "concealmentEvents": runs of made up samples. */
  events: number;
  /** "jitterBufferDelay" (s, summed over samples) and "jitterBufferEmittedCount". */
  bufferDelayS: number;
  emitted: number;
  /** "synthesizedSamplesDuration" and "totalSamplesDuration" of media-playout: gaps that this computer made itself, s. */
  synthesizedS: number;
  playedS: number;
}

/** Not sums but what they are now; null where the browser does not say. */
export interface LinkNow {
  /** "jitter" of inbound-rtp, the largest. */
  jitterMs: number | null;
  /** "currentRoundTripTime" of the candidate pair in use. */
  rttMs: number | null;
}

/** Missing in TypeScript's own list. */
interface PlayoutStats extends RTCStats {
  synthesizedSamplesDuration?: number;
  totalSamplesDuration?: number;
}

export const NO_AUDIO: Readonly<InboundAudio> = {
  received: 0,
  lost: 0,
  samples: 0,
  concealed: 0,
  events: 0,
  bufferDelayS: 0,
  emitted: 0,
  synthesizedS: 0,
  playedS: 0,
};

/**
 * Turns totals since the beginning of each stream into what came since the last look.
 *
 * A stream counts from the first look that sees sound of it: Chromium 156 has the wait for its first packet (0.2 s)
 * among the concealed samples. Silence that the agent's DTX leaves out is not in them.
 */
export class InboundAudioReader {
  private totals = new Map<string, InboundAudio>();
  /** One for all streams: the loudspeaker's. */
  private playout: InboundAudio | null = null;

  read(report: RTCStatsReport): { since: InboundAudio; now: LinkNow } {
    const totals = new Map<string, InboundAudio>();
    let since = NO_AUDIO;
    const now: LinkNow = { jitterMs: null, rttMs: null };
    const pairs = new Map<string, RTCIceCandidatePairStats>();
    let selected: string | undefined;
    report.forEach((stats: RTCStats) => {
      if (stats.type === "inbound-rtp" && (stats as RTCInboundRtpStreamStats).kind === "audio") {
        const stream = stats as RTCInboundRtpStreamStats;
        totals.set(stats.id, totalsOf(stream));
        if (stream.jitter !== undefined) now.jitterMs = Math.max(now.jitterMs ?? 0, stream.jitter * 1000);
      } else if (stats.type === "media-playout") {
        const { synthesizedSamplesDuration = 0, totalSamplesDuration = 0 } = stats as PlayoutStats;
        const playout = { ...NO_AUDIO, synthesizedS: synthesizedSamplesDuration, playedS: totalSamplesDuration };
        since = minus(playout, this.playout);
        this.playout = playout;
      } else if (stats.type === "candidate-pair") {
        pairs.set(stats.id, stats as RTCIceCandidatePairStats);
      } else if (stats.type === "transport") {
        selected = (stats as RTCTransportStats).selectedCandidatePairId;
      }
    });
    // Firefox has no transport: there the nominated pair is the one.
    const pair = pairs.get(selected ?? "") ?? [...pairs.values()].find(({ nominated, state }) => nominated && state === "succeeded");
    if (pair?.currentRoundTripTime !== undefined) now.rttMs = pair.currentRoundTripTime * 1000;
    for (const [id, total] of totals) {
      const before = this.totals.get(id);
      if (before !== undefined) since = plus(since, minus(total, before));
      else if (total.emitted === 0) totals.delete(id);
    }
    this.totals = totals;
    return { since, now };
  }
}

export function plus(one: InboundAudio, other: InboundAudio): InboundAudio {
  return each((name) => one[name] + other[name]);
}

/** A stream that has begun anew under the same id counts from its beginning. */
function minus(total: InboundAudio, before: InboundAudio | null): InboundAudio {
  if (before === null) return NO_AUDIO;
  if (total.samples < before.samples || total.received < before.received || total.playedS < before.playedS) return total;
  return each((name) => total[name] - before[name]);
}

function each(value: (name: keyof InboundAudio) => number): InboundAudio {
  const sum = { ...NO_AUDIO };
  for (const name of Object.keys(sum) as (keyof InboundAudio)[]) sum[name] = value(name);
  return sum;
}

function totalsOf(stream: RTCInboundRtpStreamStats): InboundAudio {
  return {
    ...NO_AUDIO,
    received: stream.packetsReceived ?? 0,
    lost: stream.packetsLost ?? 0,
    samples: stream.totalSamplesReceived ?? 0,
    concealed: (stream.concealedSamples ?? 0) - (stream.silentConcealedSamples ?? 0),
    events: stream.concealmentEvents ?? 0,
    bufferDelayS: stream.jitterBufferDelay ?? 0,
    emitted: stream.jitterBufferEmittedCount ?? 0,
  };
}
