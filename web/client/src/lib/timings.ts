// When each step of a call's beginning was done.

import type { Step } from "./transport";

/** Milliseconds from the click; null is "not yet", or "not on this way in". */
export interface Timings {
  token_ms: number | null;
  microphone_ms: number | null;
  joining_ms: number | null;
  posted_ms: number | null;
  answered_ms: number | null;
  connected_ms: number | null;
  agent_track_ms: number | null;
  first_word_ms: number | null;
}

export function blankTimings(): Timings {
  return {
    token_ms: null,
    microphone_ms: null,
    joining_ms: null,
    posted_ms: null,
    answered_ms: null,
    connected_ms: null,
    agent_track_ms: null,
    first_word_ms: null,
  };
}

export const TIMING_OF: Record<Step, keyof Timings> = {
  token: "token_ms",
  joining: "joining_ms",
  posted: "posted_ms",
  answered: "answered_ms",
  connected: "connected_ms",
};
