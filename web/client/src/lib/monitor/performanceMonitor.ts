// What this page measured of its calls, in bounded memory.

import { Recent } from "../audio/recent";
import type { ClearAudioSummary } from "../audio/clearAudio";
import type { GrantedSound } from "../audio/microphone";
import type { ResponseGapsSummary } from "../audio/responseGaps";
import type { CallFailure } from "../failure";
import { type Timings, blankTimings } from "../timings";
import type { Joined, TransportKind } from "../transport";
import type { AttemptName, CallReport, ErrorSeen, Latency, LatencyName, Report } from "./report";

const MOST_GAPS = 200;
const MOST_ERRORS = 50;
const MOST_TIMELINES = 64;
const MOST_NOTICES = 50;
const LONGEST_MESSAGE = 200;

export class PerformanceMonitor {
  private readonly latencies = new Map<LatencyName, Recent>();
  private readonly attempts = new Map<AttemptName, { succeeded: number; failed: number }>();
  private readonly errors: ErrorSeen[] = [];
  private gaps: ResponseGapsSummary | null = null;
  private calls = 0;
  private clickedAtMs = 0;
  private call: CallReport | null = null;
  private start: Record<string, unknown> | null = null;
  private turns: Record<string, unknown>[] = [];
  private leftOut = 0;

  /** One more measurement of `name`; what is no time (negative, not finite) is left out. */
  measured(name: LatencyName, ms: number): void {
    if (!Number.isFinite(ms) || ms < 0) return;
    let recent = this.latencies.get(name);
    if (recent === undefined) this.latencies.set(name, (recent = new Recent()));
    recent.add(ms);
  }

  /** One more attempt that has ended. */
  attempted(name: AttemptName, succeeded: boolean): void {
    const counts = this.attempts.get(name) ?? { succeeded: 0, failed: 0 };
    counts[succeeded ? "succeeded" : "failed"] += 1;
    this.attempts.set(name, counts);
  }

  erred(code: string, message = ""): void {
    push(this.errors, { at_ms: tenths(performance.now()), code, message: message.slice(0, LONGEST_MESSAGE) }, MOST_ERRORS);
  }

  // ---- one call: `Call` tells these -------------------------------------------------------------------------

  begin(transport: TransportKind, clickedAtMs: number): void {
    this.calls += 1;
    this.clickedAtMs = clickedAtMs;
    this.start = null;
    this.turns = [];
    this.leftOut = 0;
    this.call = {
      n: this.calls,
      transport,
      room: null,
      identity: null,
      outcome: "open",
      failure: null,
      began_at: new Date(Date.now() - (performance.now() - clickedAtMs)).toISOString(),
      length_s: 0,
      timings: blankTimings(),
      notices: [],
      microphone: null,
      gaps_ms: [],
      audio: null,
    };
  }

  joined({ room, identity }: Joined): void {
    if (this.call === null) return;
    this.call.room = room;
    this.call.identity = identity;
  }

  /** A step of the call's beginning, ms from the click. */
  reached(name: keyof Timings, ms: number): void {
    if (this.call === null) return;
    const { timings, transport } = this.call;
    timings[name] = ms;
    switch (name) {
      case "token_ms":
        this.measured("livekit.token", ms);
        break;
      case "microphone_ms":
        this.measured("microphone.open", ms);
        break;
      case "posted_ms":
        this.measured("whip.post", ms);
        break;
      case "answered_ms":
        this.measured("whip.answer", ms - (timings.posted_ms ?? Number.NaN));
        break;
      case "connected_ms": {
        const from = transport === "whip" ? timings.posted_ms : timings.token_ms;
        this.measured(`${transport}.connect`, ms - (from ?? Number.NaN));
        break;
      }
      case "first_word_ms":
        this.measured("audio.first_word", ms);
        break;
    }
  }

  granted(sound: GrantedSound | null): void {
    if (this.call !== null) this.call.microphone = sound;
  }

  gap(ms: number): void {
    this.measured("audio.response_gap", ms);
    if (this.call !== null) push(this.call.gaps_ms, tenths(ms), MOST_GAPS);
  }

  noticed(code: string): void {
    if (this.call !== null) push(this.call.notices, { at_ms: tenths(performance.now()), code }, MOST_NOTICES);
  }

  /** The agent's message of topic `firstword.timeline`; what is no JSON object is left out. */
  timeline(message: string): void {
    let parsed: unknown;
    try {
      parsed = JSON.parse(message);
    } catch {
      return;
    }
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return;
    const timeline = parsed as Record<string, unknown>;
    if (timeline.kind === "start") this.start = timeline;
    else if (push(this.turns, timeline, MOST_TIMELINES)) this.leftOut += 1;
  }

  end(
    outcome: "ended" | "failed",
    failure: CallFailure | null,
    audio: ClearAudioSummary | null,
    gaps: ResponseGapsSummary,
  ): void {
    const { call } = this;
    this.gaps = gaps;
    if (call === null || call.outcome !== "open") return;
    call.outcome = outcome;
    call.length_s = seconds(performance.now() - this.clickedAtMs);
    call.failure = failure?.code ?? null;
    call.audio = audio;
    if (failure !== null) this.erred(failure.code, failure.details.message);
    const heard = call.timings.first_word_ms !== null;
    // Who hangs up before anything could be heard has neither succeeded nor failed.
    if (heard || failure !== null) this.attempted("call", heard);
    if (call.timings.connected_ms !== null || failure !== null) {
      this.attempted(call.transport, call.timings.connected_ms !== null);
    }
  }

  // ---- what came of it -------------------------------------------------------------------------------------

  /** A copy, as JSON can carry it. */
  report(): Report {
    const { call } = this;
    const report: Report = {
      v: 1,
      made_at: new Date().toISOString(),
      uptime_s: seconds(performance.now()),
      call:
        call === null || call.outcome !== "open"
          ? call
          : { ...call, length_s: seconds(performance.now() - this.clickedAtMs) },
      latencies: Object.fromEntries([...this.latencies].map(([name, recent]) => [name, latency(recent)])),
      attempts: Object.fromEntries(
        [...this.attempts].map(([name, { succeeded, failed }]) => {
          return [name, { succeeded, failed, share: Math.round((1e4 * succeeded) / (succeeded + failed)) / 1e4 }];
        }),
      ),
      gaps: this.gaps,
      errors: this.errors,
      timelines: this.start === null ? this.turns : [this.start, ...this.turns],
      timelines_left_out: this.leftOut,
    };
    return structuredClone(report);
  }

  /** The report as a file: for the `href` and `download` of a link. */
  downloadable(): { name: string; blob: Blob } {
    const report = this.report();
    const name = `firstword-${report.made_at.slice(0, 19).replaceAll(":", "-")}.json`;
    return { name, blob: new Blob([`${JSON.stringify(report, null, 2)}\n`], { type: "application/json" }) };
  }
}

function latency(recent: Recent): Latency {
  const quantile = (share: number) => {
    const ms = recent.quantile(share);
    return ms === null ? null : tenths(ms);
  };
  return {
    count: recent.count,
    last_ms: recent.last === null ? null : tenths(recent.last),
    p50_ms: quantile(0.5),
    p90_ms: quantile(0.9),
    p99_ms: quantile(0.99),
  };
}

/** Whether the oldest had to go for it. */
function push<Item>(list: Item[], item: Item, most: number): boolean {
  list.push(item);
  if (list.length <= most) return false;
  list.shift();
  return true;
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
