// What the page's server gives a caller for one call.

import { pageServerGone, tokenRefused } from "../failure";
import type { Joined } from "../transport";

export interface Ticket extends Joined {
  /** Of the LiveKit server, for its clients. */
  url: string;
}

/** Asks `tokenUrl`. Throws CallFailure, and the reason of `signal` when that is aborted. */
export async function requestTicket(tokenUrl: string, name: string, signal: AbortSignal): Promise<Ticket> {
  const body = name === "" ? null : JSON.stringify({ name });
  let response: Response;
  try {
    response = await fetch(tokenUrl, { method: "POST", body, signal, cache: "no-store" });
  } catch {
    signal.throwIfAborted();
    throw pageServerGone();
  }
  const answer: unknown = await response.json().catch(() => ({}));
  signal.throwIfAborted();
  if (response.ok) return answer as Ticket;
  const { error } = answer as { error?: { message?: string } };
  const retryAfterS = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const message = error?.message ?? `HTTP ${response.status}`;
  throw tokenRefused(response.status, message, Number.isNaN(retryAfterS) ? null : retryAfterS);
}
