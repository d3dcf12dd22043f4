// What the page's address asks for.

import type { TransportKind } from "../lib/transport";

export interface Plan {
  readonly calls: number;
  readonly transport: TransportKind;
  /** Between the beginnings of two calls, ms. */
  readonly staggerMs: number;
  /** How long a call goes on after its first word, ms. */
  readonly stayMs: number;
  /** Without a click: a test does not click, and a person who only looks should not call anybody. */
  readonly starts: boolean;
}

const LIMITS = {
  calls: { usual: 10, least: 1, most: 500 },
  stagger_ms: { usual: 250, least: 0, most: 60_000 },
  stay_ms: { usual: 5000, least: 0, most: 3_600_000 },
} as const;

/** `?calls=20&transport=whip&stagger_ms=250&stay_ms=5000`. Throws an Error that names the field, the value, what is allowed. */
export function readPlan(query: URLSearchParams): Plan {
  const transport = query.get("transport") ?? "livekit";
  if (transport !== "livekit" && transport !== "whip") throw new Error(`transport: got "${transport}", allowed: livekit, whip`);
  return {
    calls: count(query, "calls"),
    transport,
    staggerMs: count(query, "stagger_ms"),
    stayMs: count(query, "stay_ms"),
    starts: query.has("calls"),
  };
}

function count(query: URLSearchParams, field: keyof typeof LIMITS): number {
  const { usual, least, most } = LIMITS[field];
  const text = query.get(field);
  if (text === null) return usual;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) throw new Error(`${field}: got "${text}", allowed: a whole number from ${least} to ${most}`);
  return value;
}
