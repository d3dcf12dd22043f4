// What PerformanceMonitor tells: `report()`, the file for download, and the beacon. Version 1; web/reports reads it.

import type { ClearAudioSummary } from "../audio/clearAudio";
import type { GrantedSound } from "../audio/microphone";
import type { ResponseGapsSummary } from "../audio/responseGaps";
import type { FailureCode } from "../failure";
import type { Timings } from "../timings";
import type { TransportKind } from "../transport";

/** What is measured, each in milliseconds. */
export const LATENCIES = [
  /** Click to the POST sent; POST to its answer, and to the connection. */
  "whip.post",
  "whip.answer",
  "whip.connect",
  /** Click to the token; token to the connection. */
  "livekit.token",
  "livekit.connect",
  /** Click to the microphone, with the time in which the person was asked. */
  "microphone.open",
  /** The control channel: opening it, and a heartbeat there and back. */
  "websocket.connect",
  "websocket.round_trip",
  /** A request in writing: to its first part, and to its end. */
  "ai.first_part",
  "ai.answer",
  /** Click to the agent's first audible sample; the caller's last sample to the agent's next one. */
  "audio.first_word",
  "audio.response_gap",
] as const;
export type LatencyName = (typeof LATENCIES)[number];

/** What succeeds or fails. A call is a success when the agent was heard. */
export const ATTEMPTS = ["call", "whip", "livekit", "websocket", "ai"] as const;
export type AttemptName = (typeof ATTEMPTS)[number];

/** Over the newest 512; null where there is none. */
export interface Latency {
  count: number;
  last_ms: number | null;
  p50_ms: number | null;
  p90_ms: number | null;
  p99_ms: number | null;
}

export interface Attempts {
  succeeded: number;
  failed: number;
  /** Of all that ended, 0 to 1; null before the first. */
  share: number | null;
}

/** `at_ms` is on the clock of performance.now(): from when the page was opened. */
export interface ErrorSeen {
  at_ms: number;
  code: string;
  message: string;
}

export interface CallReport {
  /** Of this page, from 1. */
  n: number;
  transport: TransportKind;
  /** Null if the caller did not get in. */
  room: string | null;
  identity: string | null;
  outcome: "open" | "ended" | "failed";
  failure: FailureCode | null;
  /** ISO 8601, of this computer's clock. */
  began_at: string;
  /** From the click, s. */
  length_s: number;
  timings: Timings;
  notices: { at_ms: number; code: string }[];
  microphone: GrantedSound | null;
  /** The newest 200 response gaps of this call, ms. */
  gaps_ms: number[];
  /** At the call's end. */
  audio: ClearAudioSummary | null;
}

export interface Report {
  v: 1;
  made_at: string;
  /** Since the page was opened, s. */
  uptime_s: number;
  /** The call that goes on, or the last one. */
  call: CallReport | null;
  latencies: Partial<Record<LatencyName, Latency>>;
  attempts: Partial<Record<AttemptName, Attempts>>;
  /** Over all calls of the page; as it was at the last call's end. */
  gaps: ResponseGapsSummary | null;
  /** The newest 50. */
  errors: ErrorSeen[];
  /** The agent's own timelines of this call, as they came: its start, and the newest 64 turns. */
  timelines: Record<string, unknown>[];
  /** How many timelines there were that are not here. */
  timelines_left_out: number;
}
