// Text requests to the agent, beside the voice: several in flight, each with exactly one outcome.

import { AiError, type AiErrorKind } from "./channelError";
import type { ChannelEnd, ControlChannel } from "./controlChannel";
import type { Body } from "./frames";

export interface AskOptions {
  signal?: AbortSignal;
  /** From when the request is sent to when its answer is complete. */
  timeoutMs?: number;
  /** Each part of the answer, in order. */
  onPart?(text: string): void;
}

export interface AiClientOptions {
  /** Requests that are sent at once; others wait. */
  mostInFlight?: number;
  mostWaiting?: number;
}

export interface AiFigures {
  asked: number;
  answered: number;
  /** By kind of error. */
  errors: Record<AiErrorKind, number>;
  /** Replies that came after their request had its outcome. */
  late: number;
  /** From sent to complete, of the last answer. */
  answerMs: number | null;
  /** From sent to the first part, of the last answer. */
  firstPartMs: number | null;
}

interface Request {
  readonly id: string;
  readonly text: string;
  readonly onPart: ((text: string) => void) | undefined;
  readonly timeoutMs: number;
  readonly parts: string[];
  readonly withdraw: AbortController;
  sentAtMs: number | null;
  firstPartMs: number | null;
  timer: ReturnType<typeof setTimeout> | undefined;
  settle(outcome: string | AiError): void;
}

const TIMEOUT_MS = 10_000;
const MOST_TEXT_CHARS = 2000;
const DEFAULTS: Required<AiClientOptions> = { mostInFlight: 4, mostWaiting: 64 };
const KINDS: readonly string[] = ["timeout", "cancelled", "refused", "busy", "failed"] satisfies AiErrorKind[];

export class AiClient {
  readonly figures: AiFigures = {
    asked: 0,
    answered: 0,
    errors: { timeout: 0, cancelled: 0, refused: 0, busy: 0, failed: 0 },
    late: 0,
    answerMs: null,
    firstPartMs: null,
  };
  private readonly options: Required<AiClientOptions>;
  private readonly waiting: Request[] = [];
  private readonly inFlight = new Map<string, Request>();
  private readonly leave: () => void;
  private readonly name = crypto.randomUUID().slice(0, 8);
  private count = 0;

  /** Of a channel that it does not close. */
  constructor(
    private readonly channel: ControlChannel,
    options: AiClientOptions = {},
  ) {
    this.options = { ...DEFAULTS, ...options };
    this.leave = channel.on({
      message: (body) => this.read(body),
      state: (state, end) => {
        if (state === "closed") this.failAll(end);
      },
    });
  }

  /** The agent's whole answer, once. Rejects with an `AiError`, once. */
  ask(text: string, { signal, timeoutMs = TIMEOUT_MS, onPart }: AskOptions = {}): Promise<string> {
    this.figures.asked += 1;
    return new Promise((resolve, reject) => {
      this.count += 1;
      const request: Request = {
        id: `${this.name}-${this.count}`,
        text,
        onPart,
        timeoutMs,
        parts: [],
        withdraw: new AbortController(),
        sentAtMs: null,
        firstPartMs: null,
        timer: undefined,
        settle: (outcome) => {
          signal?.removeEventListener("abort", cancel);
          if (typeof outcome === "string") {
            this.figures.answered += 1;
            resolve(outcome);
          } else {
            this.figures.errors[outcome.kind] += 1;
            reject(outcome);
          }
        },
      };
      const cancel = (): void => this.end(request, new AiError("cancelled", "the request was cancelled"), true);
      const refusal = this.refusal(text, signal);
      if (refusal !== null) {
        request.settle(refusal);
        return;
      }
      signal?.addEventListener("abort", cancel);
      this.waiting.push(request);
      this.sendNext();
    });
  }

  /** Requests that have no outcome yet are cancelled; the channel stays open. More than once is allowed. */
  close(): void {
    for (const request of this.open()) this.end(request, new AiError("cancelled", "the client was closed"), true);
    this.leave();
  }

  private refusal(text: string, signal: AbortSignal | undefined): AiError | null {
    if (signal?.aborted === true) return new AiError("cancelled", "the request was cancelled");
    if (this.channel.state === "closed") return new AiError("failed", "the channel is closed");
    // As the service counts: by characters, not by UTF-16 units.
    const length = [...text].length;
    if (text.trim() === "" || length > MOST_TEXT_CHARS) {
      return new AiError("refused", `text: has ${length} characters, allowed: 1 to ${MOST_TEXT_CHARS}`);
    }
    const full = this.waiting.length >= this.options.mostWaiting && this.inFlight.size >= this.options.mostInFlight;
    return full ? new AiError("busy", `more than ${this.options.mostWaiting} requests wait`) : null;
  }

  private sendNext(): void {
    while (this.inFlight.size < this.options.mostInFlight) {
      const request = this.waiting.shift();
      if (request === undefined) return;
      this.inFlight.set(request.id, request);
      const body = { type: "ai_request", id: request.id, text: request.text };
      const onSent = (): void => {
        request.sentAtMs = performance.now();
        request.timer = setTimeout(() => this.timeOut(request), request.timeoutMs);
      };
      this.channel.send(body, { onSent, signal: request.withdraw.signal }).catch((error: unknown) => {
        this.end(request, new AiError("failed", error instanceof Error ? error.message : String(error)), false);
      });
    }
  }

  private timeOut(request: Request): void {
    this.end(request, new AiError("timeout", `no whole answer within ${request.timeoutMs} ms`), true);
  }

  private read(body: Body): void {
    const { type, id } = body;
    if (typeof id !== "string" || !type.startsWith("ai_") || !id.startsWith(`${this.name}-`)) return;
    const request = this.inFlight.get(id);
    if (request === undefined) {
      // Of a request that timed out or was cancelled: the service had not heard of it.
      if (type !== "ai_part") this.figures.late += 1;
    } else if (type === "ai_part") {
      this.readPart(request, body);
    } else if (type === "ai_end") {
      if (body["parts"] === request.parts.length) this.complete(request);
      else this.end(request, new AiError("failed", "a part of the answer is missing"), false);
    } else if (type === "ai_error") {
      const kind = KINDS.includes(String(body["kind"])) ? (body["kind"] as AiErrorKind) : "failed";
      this.end(request, new AiError(kind, String(body["message"] ?? "no reason was given")), false);
    }
  }

  private readPart(request: Request, { index, text }: Body): void {
    if (index !== request.parts.length || typeof text !== "string") {
      this.end(request, new AiError("failed", "a part of the answer is missing"), true);
      return;
    }
    request.parts.push(text);
    if (request.sentAtMs !== null) request.firstPartMs ??= performance.now() - request.sentAtMs;
    try {
      request.onPart?.(text);
    } catch (error) {
      console.warn("onPart of a request failed:", error);
    }
  }

  private complete(request: Request): void {
    if (request.sentAtMs !== null) this.figures.answerMs = performance.now() - request.sentAtMs;
    this.figures.firstPartMs = request.firstPartMs;
    this.forget(request);
    request.settle(request.parts.join(""));
    this.sendNext();
  }

  /** With `tell` the service is told that nobody waits for the answer any more. */
  private end(request: Request, error: AiError, tell: boolean): void {
    if (!this.forget(request)) return;
    // What has not left yet never will; what has, is cancelled there.
    request.withdraw.abort();
    if (tell && request.sentAtMs !== null) {
      this.channel.send({ type: "ai_cancel", id: request.id }).catch(() => undefined);
    }
    request.settle(error);
    this.sendNext();
  }

  /** False if it has its outcome already. */
  private forget(request: Request): boolean {
    clearTimeout(request.timer);
    const place = this.waiting.indexOf(request);
    if (place >= 0) this.waiting.splice(place, 1);
    return this.inFlight.delete(request.id) || place >= 0;
  }

  private failAll(end: ChannelEnd | null): void {
    const closed = new AiError("failed", `the channel was closed (${end ?? "lost"})`);
    for (const request of this.open()) this.end(request, closed, false);
  }

  private open(): Request[] {
    // Those that wait first: the end of one that is in flight would send the next.
    return [...this.waiting, ...this.inFlight.values()];
  }
}
