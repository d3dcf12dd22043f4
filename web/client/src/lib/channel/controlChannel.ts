// A WebSocket beside the voice that loses no message: what is not acknowledged is sent again, also over the next
// connection. Each message arrives once and in order, or its sender is told that it may not have.

import { ChannelError } from "./channelError";
import { CLOSE, type Body, type ServerFrame, VERSION, readFrame, retryAfterS } from "./frames";
import { Inbox, Outbox, type Parcel } from "./sequence";

export type ChannelState = "connecting" | "open" | "away" | "closed";

/**
 * Why the channel is closed for good. refused: the service does not want this page; overloaded: it has no room, also
 * after all attempts; lost: it could not be reached, also after all attempts; expired: it does not know the session any
 * more; replaced: the participant has opened another channel; closed: `close` was called, or the page has gone.
 */
export type ChannelEnd = "refused" | "overloaded" | "lost" | "expired" | "replaced" | "closed";

export interface ChannelEvents {
  /** `end` with the state "closed" only; `words` are the service's, for developers. */
  state?(state: ChannelState, end: ChannelEnd | null, words: string): void;
  message?(body: Body): void;
}

export interface ChannelOptions {
  heartbeatMs?: number;
  /** Without a word for so long, the peer is dead. */
  deadPeerMs?: number;
  /** From the attempt to the welcome. */
  connectMs?: number;
  /** A hello without an answer is sent again. */
  helloMs?: number;
  attempts?: number;
  firstDelayMs?: number;
  longestDelayMs?: number;
  /** A message without acknowledgement is sent again. */
  resendMs?: number;
  ackDelayMs?: number;
  mostWaiting?: number;
  mostFrameBytes?: number;
  /** Whether the channel closes with the page. */
  closeOnPageHide?: boolean;
  /** 0 to 1, for the jitter. */
  random?(): number;
}

export interface SendOptions {
  /** When it leaves for the first time. */
  onSent?(): void;
  /** An abort takes it back, unless it has left. */
  signal?: AbortSignal;
}

export interface ChannelFigures {
  /** From the first attempt to the first welcome. */
  openedMs: number | null;
  /** Of the last ping that was answered at its first try. */
  roundTripMs: number | null;
  connections: number;
  sent: number;
  resent: number;
  received: number;
}

const DEFAULTS: Required<ChannelOptions> = {
  heartbeatMs: 30_000,
  deadPeerMs: 45_000,
  connectMs: 10_000,
  helloMs: 2000,
  attempts: 5,
  firstDelayMs: 1000,
  longestDelayMs: 30_000,
  resendMs: 1000,
  ackDelayMs: 20,
  mostWaiting: 256,
  mostFrameBytes: 16 * 1024,
  closeOnPageHide: true,
  random: Math.random,
};
const JITTER = 0.25;
// Of the frame around a message, with the longest numbers.
const ENVELOPE_BYTES = 90;
// A ping that may be lost is repeated so often before the peer is taken for dead.
const PINGS = 3;

export class ControlChannel {
  state: ChannelState = "connecting";
  readonly figures: ChannelFigures = { openedMs: null, roundTripMs: null, connections: 0, sent: 0, resent: 0, received: 0 };
  private readonly options: Required<ChannelOptions>;
  private readonly url: string;
  private readonly client = crypto.randomUUID();
  private readonly listeners = new Set<ChannelEvents>();
  private readonly outbox: Outbox;
  private readonly inbox = new Inbox();
  private readonly begunAtMs = performance.now();
  private socket: WebSocket | null = null;
  private resume: string | null = null;
  private attempt = 0;
  private heardAtMs = 0;
  private pingedAtMs = 0;
  private pings = 0;
  private ackDueMs = Infinity;
  private connectTimer: ReturnType<typeof setTimeout> | undefined;
  private helloTimer: ReturnType<typeof setTimeout> | undefined;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private pumpTimer: ReturnType<typeof setTimeout> | undefined;
  private pumpAtMs = Infinity;

  /**
   * Connects at once. `url`: of the service's `/api/channel`, also relative to the page. `token`: the participant's JWT;
   * it is used until the service has answered once.
   */
  constructor(
    url: string | URL,
    private readonly token: string,
    options: ChannelOptions = {},
  ) {
    this.options = { ...DEFAULTS, ...options };
    const absolute = new URL(url, location.href);
    absolute.protocol = absolute.protocol.replace(/^http/, "ws");
    this.url = absolute.href;
    this.outbox = new Outbox(this.options.mostWaiting, this.options.resendMs);
    addEventListener("online", this.hurry);
    if (this.options.closeOnPageHide) addEventListener("pagehide", this.hidden);
    this.connect();
  }

  /** Listens until the returned function is called. */
  on(events: ChannelEvents): () => void {
    this.listeners.add(events);
    return () => this.listeners.delete(events);
  }

  /**
   * Resolves when the message has arrived. Rejects with a `ChannelError`; one that was under way when the channel closed
   * may have arrived. While the connection is away, messages wait; of too many, the oldest is refused.
   */
  send(body: Body, { onSent, signal }: SendOptions = {}): Promise<void> {
    if (this.state === "closed") return Promise.reject(new ChannelError("closed", "the channel is closed"));
    if (signal?.aborted === true) return Promise.reject(new ChannelError("withdrawn", "the message was withdrawn"));
    const bytes = new TextEncoder().encode(JSON.stringify(body)).length + ENVELOPE_BYTES;
    if (bytes > this.options.mostFrameBytes) {
      const allowed = this.options.mostFrameBytes;
      return Promise.reject(new ChannelError("too-large", `the message has ${bytes} bytes, allowed: ${allowed}`));
    }
    return new Promise((resolve, reject) => {
      const withdrawn = (): void => {
        if (this.outbox.withdraw(parcel)) parcel.refused(new ChannelError("withdrawn", "the message was withdrawn"));
      };
      const done = (settle: () => void): void => {
        signal?.removeEventListener("abort", withdrawn);
        settle();
      };
      const parcel: Parcel = {
        body,
        seq: 0,
        sentAtMs: null,
        times: 0,
        sent: () => onSent?.(),
        acknowledged: () => done(resolve),
        refused: (error) => done(() => reject(error)),
      };
      signal?.addEventListener("abort", withdrawn);
      const oldest = this.outbox.put(parcel);
      oldest?.refused(new ChannelError("overflow", "too many messages wait, this one was the oldest"));
      this.pump();
    });
  }

  /** Ends the session, here and at the service. More than once is allowed. */
  close(): void {
    this.finish("closed", "", CLOSE.finished);
  }

  private readonly hidden = (): void => this.close();

  /** The network is back: no need to wait any longer. */
  private readonly hurry = (): void => {
    if (this.state === "closed" || this.socket !== null) return;
    clearTimeout(this.retryTimer);
    this.connect();
  };

  private connect(): void {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.pings = 0;
    this.connectTimer = setTimeout(() => this.abandon("no welcome"), this.options.connectMs);
    socket.onopen = () => this.sayHello();
    socket.onmessage = ({ data }: MessageEvent<unknown>) => this.read(data);
    socket.onclose = ({ code, reason }) => this.lost(code, reason);
  }

  private sayHello(): void {
    const { resume, token, client } = this;
    const known = resume === null ? { token, client } : { resume };
    this.write({ frame: "hello", v: VERSION, ...known, received: this.inbox.received });
    this.helloTimer = setTimeout(() => this.sayHello(), this.options.helloMs);
  }

  private read(data: unknown): void {
    const frame = readFrame(data);
    if (frame === null) {
      this.abandon("a frame that is none");
      return;
    }
    this.heardAtMs = performance.now();
    if (frame.frame === "pong" && this.pings === 1) this.figures.roundTripMs = this.heardAtMs - this.pingedAtMs;
    this.pings = 0;
    if (frame.frame === "welcome") {
      this.welcomed(frame);
    } else if (this.state === "open") {
      if (this.arrived(frame.ack) && frame.frame === "message") this.take(frame.seq, frame.body);
    }
    // Anything before the welcome is sent again after it.
  }

  private welcomed({ resume, received }: ServerFrame & { frame: "welcome" }): void {
    clearTimeout(this.helloTimer);
    if (this.state === "open") return; // the answer to a hello that was sent again
    clearTimeout(this.connectTimer);
    if (!this.arrived(received)) return;
    this.resume = resume;
    this.attempt = 0;
    this.figures.connections += 1;
    this.figures.openedMs ??= this.heardAtMs - this.begunAtMs;
    this.outbox.reconnected();
    this.become("open");
    this.pump();
  }

  private take(seq: number, body: Body): void {
    // Also for one that came twice: the acknowledgement was lost.
    this.ackDueMs = Math.min(this.ackDueMs, this.heardAtMs + this.options.ackDelayMs);
    for (const ready of this.inbox.take(seq, body)) {
      this.figures.received += 1;
      this.tell((events) => events.message?.(ready));
    }
    this.pump();
  }

  /** False if the service acknowledges what was never sent: nothing that it says can be used. */
  private arrived(ack: number): boolean {
    const parcels = this.outbox.acknowledged(ack);
    if (parcels === null) {
      this.finish("refused", `the service acknowledges message ${ack}, which was never sent`, CLOSE.abandoned);
      return false;
    }
    for (const parcel of parcels) parcel.acknowledged();
    if (parcels.length > 0) this.pump();
    return true;
  }

  /** Sends what is due, and comes back when something will be. */
  private pump(): void {
    if (this.state !== "open") return;
    const now = performance.now();
    for (const parcel of this.outbox.takeDue(now)) {
      const again = parcel.times > 1;
      this.figures[again ? "resent" : "sent"] += 1;
      this.write({ frame: "message", seq: parcel.seq, ack: this.takeAck(), body: parcel.body });
      if (!again) parcel.sent();
    }
    if (this.ackDueMs <= now) this.write({ frame: "ack", ack: this.takeAck() });
    this.beat(now);
    this.schedule();
  }

  private beat(now: number): void {
    if (now - this.heardAtMs >= this.options.deadPeerMs) {
      this.abandon("the peer is dead");
    } else if (now >= this.nextPingMs()) {
      this.pings += 1;
      this.pingedAtMs = now;
      this.write({ frame: "ping", ack: this.takeAck() });
    }
  }

  private nextPingMs(): number {
    const { heartbeatMs, deadPeerMs } = this.options;
    if (this.pings === 0) return this.heardAtMs + heartbeatMs;
    return this.pingedAtMs + Math.max(1, deadPeerMs - heartbeatMs) / PINGS;
  }

  private schedule(): void {
    if (this.state !== "open") return;
    const dueMs = Math.min(
      this.outbox.nextDueMs(),
      this.ackDueMs,
      this.nextPingMs(),
      this.heardAtMs + this.options.deadPeerMs,
    );
    if (dueMs >= this.pumpAtMs) return; // a pump that comes too early only looks
    clearTimeout(this.pumpTimer);
    this.pumpAtMs = dueMs;
    this.pumpTimer = setTimeout(
      () => {
        this.pumpAtMs = Infinity;
        this.pump();
      },
      Math.max(0, dueMs - performance.now()),
    );
  }

  /** What has come in order, to be told with the next frame: it then needs none of its own. */
  private takeAck(): number {
    this.ackDueMs = Infinity;
    return this.inbox.received;
  }

  private write(frame: Record<string, unknown>): void {
    // A socket that closes swallows it; what matters is sent again.
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  /** This connection is of no use any more. */
  private abandon(words: string): void {
    this.drop(CLOSE.abandoned);
    this.away("lost", words, 0);
  }

  private lost(code: number, words: string): void {
    this.drop(CLOSE.finished);
    const unreadable: readonly number[] = CLOSE.unreadable;
    if (code === CLOSE.unknown) this.finish("expired", words);
    else if (code === CLOSE.replaced) this.finish("replaced", words);
    else if (code === CLOSE.malformed || code === CLOSE.unauthenticated || code === CLOSE.forbidden) {
      this.finish("refused", words);
    } else if (unreadable.includes(code)) this.finish("refused", words || `closed with code ${code}`);
    else if (code === CLOSE.tooMany || code === CLOSE.full) this.away("overloaded", words, retryAfterS(words) * 1000);
    else this.away("lost", words || `closed with code ${code}`, 0);
  }

  private away(end: "lost" | "overloaded", words: string, leastMs: number): void {
    if (this.state === "closed") return;
    const { attempts, firstDelayMs, longestDelayMs, random } = this.options;
    if (this.attempt >= attempts) {
      this.finish(end, words);
      return;
    }
    const backoffMs = Math.min(firstDelayMs * 2 ** this.attempt, longestDelayMs);
    this.attempt += 1;
    const delayMs = Math.max(leastMs, backoffMs) * (1 + JITTER * random());
    this.retryTimer = setTimeout(() => this.connect(), delayMs);
    this.become("away", null, words);
  }

  private finish(end: ChannelEnd, words: string, code: number = CLOSE.finished): void {
    if (this.state === "closed") return;
    this.drop(code);
    clearTimeout(this.retryTimer);
    removeEventListener("online", this.hurry);
    removeEventListener("pagehide", this.hidden);
    this.become("closed", end, words);
    for (const parcel of this.outbox.takeAll()) {
      parcel.refused(new ChannelError("closed", `the channel was closed (${end})`));
    }
    this.listeners.clear();
  }

  /** The socket and its timers; nothing of it is heard any more. */
  private drop(code: number): void {
    clearTimeout(this.connectTimer);
    clearTimeout(this.helloTimer);
    clearTimeout(this.pumpTimer);
    this.pumpAtMs = Infinity;
    this.ackDueMs = Infinity;
    const { socket } = this;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }

  private become(state: ChannelState, end: ChannelEnd | null = null, words = ""): void {
    this.state = state;
    this.tell((events) => events.state?.(state, end, words));
  }

  private tell(what: (events: ChannelEvents) => void): void {
    for (const events of [...this.listeners]) {
      try {
        what(events);
      } catch (error) {
        console.warn("a listener of the control channel failed:", error);
      }
    }
  }
}
