// WHIP's requests over HTTP: what is worth repeating is repeated, a bounded number of times.

export type WhipErrorKind =
  /** The endpoint's answer, see `status`. */
  | "refused"
  /** The request did not get through, or no answer came in time. */
  | "unanswered"
  /** There was an answer, but there is no connection for the media. */
  | "unconnected"
  /** The other side ended the session. */
  | "ended"
  /** By a `close` of one's own, or not open at all. */
  | "closed";

export class WhipError extends Error {
  constructor(
    readonly kind: WhipErrorKind,
    /** Of a refusal the endpoint's own words, where it has some. */
    message: string,
    /** Of HTTP; 0 if nothing was refused. */
    readonly status = 0,
    /** How long the endpoint wants to be left alone; null if it did not say. */
    readonly retryAfterS: number | null = null,
  ) {
    super(message);
    this.name = "WhipError";
  }

  /** Whether it may be otherwise in a moment. */
  get passing(): boolean {
    return this.kind === "unanswered" || this.kind === "unconnected" || PASSING.has(this.status);
  }
}

/** A good one, read to its end. */
export interface Answer {
  status: number;
  headers: Headers;
  /** Where it came from, after redirections. */
  url: string;
  text: string;
}

export interface Asking {
  method: "POST" | "PATCH" | "DELETE";
  headers: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
  /** For one attempt, not for all of them. */
  limitS: number;
  attempts?: number;
  /** Asked before a repetition, which is not made if it says true. */
  enough?(): boolean;
}

const PASSING = new Set([408, 425, 429, 502, 503, 504]);
const FIRST_PAUSE_S = 0.5;
/** Who is told to wait longer than this is told so, and waits no more. */
const LONGEST_PAUSE_S = 5;
const LONGEST_WORDS = 200;

/** Throws WhipError, and the reason of `signal` when that is aborted. */
export async function ask(url: string | URL, asking: Asking): Promise<Answer> {
  const attempts = asking.attempts ?? 1;
  for (let attempt = 1; ; attempt += 1) {
    asking.signal?.throwIfAborted();
    let failure: WhipError;
    try {
      const answer = await once(url, asking);
      if (answer.status >= 200 && answer.status < 300) return answer;
      failure = refused(answer);
    } catch (error) {
      asking.signal?.throwIfAborted();
      failure = new WhipError("unanswered", error instanceof Error ? error.message : String(error));
    }
    const pauseS = Math.max(failure.retryAfterS ?? 0, FIRST_PAUSE_S * 2 ** (attempt - 1));
    if (!failure.passing || attempt >= attempts || pauseS > LONGEST_PAUSE_S) throw failure;
    await pause(pauseS * 1000, asking.signal);
    if (asking.enough?.()) throw failure;
  }
}

/** Not awaited by anyone; `leaving`: it is sent even if the page is gone by then. */
export function letGo(url: string | URL, headers: Record<string, string>, leaving: boolean): void {
  // That the session is over already, or the network is, changes nothing: the server forgets it by itself.
  fetch(url, { method: "DELETE", headers, keepalive: leaving }).catch(() => undefined);
}

/** Whatever the endpoint says, within the limit for all of it. */
async function once(url: string | URL, { method, headers, body, signal, limitS }: Asking): Promise<Answer> {
  const limit = new AbortController();
  const stop = (): void => limit.abort(signal?.reason);
  const timer = setTimeout(() => limit.abort(new Error(`no answer within ${limitS} s`)), limitS * 1000);
  signal?.addEventListener("abort", stop);
  try {
    const response = await fetch(url, { method, headers, body, signal: limit.signal, cache: "no-store" });
    const text = await response.text();
    return { status: response.status, headers: response.headers, url: response.url, text };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

function refused({ status, headers, text }: Answer): WhipError {
  const words = told(text) ?? text.trim().slice(0, LONGEST_WORDS);
  const message = words === "" ? `HTTP ${status}` : words;
  return new WhipError("refused", message, status, retryAfterS(headers.get("Retry-After"), Date.now()));
}

/** The words of `{"error": {"message": ...}}`, `{"error": ...}` or RFC 9457's `{"detail": ...}`. */
function told(body: string): string | null {
  try {
    const { error, detail } = JSON.parse(body) as { error?: { message?: unknown } | string; detail?: unknown };
    const words = typeof error === "object" ? error.message : (error ?? detail);
    return typeof words === "string" ? words : null;
  } catch {
    return null;
  }
}

/** Seconds from now of a Retry-After header, which is a number of seconds or a date; null if it is neither. */
export function retryAfterS(header: string | null, nowMs: number): number | null {
  const given = header?.trim() ?? "";
  if (/^\d+$/.test(given)) return Number(given);
  const atMs = Date.parse(given);
  return Number.isNaN(atMs) ? null : Math.max(0, (atMs - nowMs) / 1000);
}

/** Throws the reason of `signal` when that is aborted meanwhile. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
  signal?.throwIfAborted();
}
