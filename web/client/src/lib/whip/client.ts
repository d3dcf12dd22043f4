// A voice call by WHIP (RFC 9725) with nothing but the browser: usable with any endpoint that answers with sound.

import { iceServers } from "./links";
import { type Answer, WhipError, pause } from "./requests";
import { WhipSession } from "./session";

export type WhipState = "new" | "connecting" | "connected" | "interrupted" | "closed";
export type WhipStep = "posted" | "answered" | "connected";

export interface WhipOptions {
  /** Without them those are taken that the endpoint announces, for an ICE restart and for a later session. */
  iceServers?: RTCIceServer[] | undefined;
  iceCandidatePoolSize?: number | undefined;
  iceTransportPolicy?: RTCIceTransportPolicy | undefined;
  /** Sent as `Authorization: Bearer`. */
  token?: string | undefined;
  /** Of a POST, where repeating it is worth while: the network, 408, 425, 429, 502, 503, 504. */
  attempts?: number;
  /** For the answer to one POST. */
  answerLimitS?: number;
  /** From the answer to the connection. */
  connectLimitS?: number;
  /** So long a connection may be away before ICE is restarted: most come back by themselves. */
  patienceS?: number;
  /** So long it is tried to get a lost connection back. */
  recoveryLimitS?: number;
  /** Whether a session that cannot be had back is replaced by a new one. */
  reopen?: boolean;
}

export interface WhipEvents {
  /** `error` says why it is closed; null after a `close` of one's own. */
  state?(state: WhipState, error: WhipError | null): void;
  /** Of the first session only, on the clock of performance.now(). */
  step?(step: WhipStep, atMs: number): void;
  /** The other side's sound. Again for each new session. */
  track?(track: MediaStreamTrack): void;
  message?(text: string): void;
  /** Messages can come now. Again for each new session. */
  listening?(): void;
}

const DEFAULTS = { attempts: 3, answerLimitS: 20, connectLimitS: 15, patienceS: 2, recoveryLimitS: 45, reopen: true };
/** What was gathered before may belong to a network that is left since. */
const PREPARED_GOOD_MS = 60_000;
const RESTARTED_LIMIT_S = 6;
const LONGEST_PAUSE_S = 3;

export class WhipClient {
  state: WhipState = "new";
  private readonly endpoint: URL;
  private readonly options: WhipOptions & typeof DEFAULTS;
  private readonly configuration: RTCConfiguration;
  private readonly over = new AbortController();
  private session: WhipSession | null = null;
  /** A session that is to take the place of `session` once it is connected. */
  private next: WhipSession | null = null;
  private sent: MediaStreamTrack | null = null;
  private patience: ReturnType<typeof setTimeout> | undefined;
  private recovering = false;
  private opened = false;

  /** `endpoint` may be relative to the page. */
  constructor(
    endpoint: string | URL,
    private readonly events: WhipEvents = {},
    options: WhipOptions = {},
  ) {
    this.endpoint = new URL(endpoint, location.href);
    this.options = { ...DEFAULTS, ...options };
    const { iceServers, iceCandidatePoolSize, iceTransportPolicy } = options;
    this.configuration = {
      ...(iceServers && { iceServers }),
      ...(iceCandidatePoolSize && { iceCandidatePoolSize }),
      ...(iceTransportPolicy && { iceTransportPolicy }),
    };
  }

  /** Makes the offer already, with no microphone and no request. Optional, before `open`; `close` undoes it. */
  async prepare(): Promise<void> {
    if (this.state !== "new") return;
    this.session ??= this.create();
    await this.session.offer();
  }

  /**
   * Returns the endpoint's answer when the connection stands. Throws WhipError, or the reason of `signal`; then all is
   * closed. Once: a client is good for one call.
   */
  async open(signal?: AbortSignal): Promise<Answer> {
    if (this.state !== "new") throw new WhipError("closed", `open: the client is ${this.state}, must be new`);
    signal?.throwIfAborted();
    const stop = (): void => this.close();
    signal?.addEventListener("abort", stop);
    this.become("connecting");
    try {
      if (this.session !== null && performance.now() - this.session.preparedAtMs > PREPARED_GOOD_MS) {
        this.session.close(false);
        this.session = null;
      }
      this.session ??= this.create();
      await this.session.sender.replaceTrack(this.sent);
      const answer = await this.enter(this.session, this.options.attempts, true);
      this.become("connected");
      return answer;
    } catch (error) {
      const asked = this.over.signal.aborted;
      const failure = asWhipError(error);
      this.finish(false, asked ? null : failure);
      signal?.throwIfAborted();
      throw asked ? new WhipError("closed", "closed while it was being opened") : failure;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /** What the other side hears, from now on and in each session to come; null is nothing. At any time. */
  async send(track: MediaStreamTrack | null): Promise<void> {
    this.sent = track;
    await Promise.all([this.session?.sender.replaceTrack(track), this.next?.sender.replaceTrack(track)]);
  }

  /** A text for the other side; false if it could not be sent. */
  tell(message: string): boolean {
    return this.session?.send(message) ?? false;
  }

  /** A session in the place of this one, which is closed when the new one stands. Throws WhipError. */
  async replace(): Promise<Answer> {
    if (!this.opened || this.state === "closed") throw new WhipError("closed", `replace: the client is ${this.state}`);
    this.next?.close(false);
    const next = (this.next = this.create());
    try {
      await next.sender.replaceTrack(this.sent);
      const answer = await this.enter(next, 1, false);
      if (this.next !== next) throw new WhipError("closed", "replaced meanwhile");
      this.next = null;
      const former = this.session;
      this.session = next;
      former?.close(false);
      this.become("connected");
      return answer;
    } catch (error) {
      const newest = this.next === next;
      if (newest) this.next = null;
      next.close(false);
      if (newest && this.session?.ended) this.finish(false, endedByServer());
      throw error;
    }
  }

  async stats(): Promise<RTCStatsReport | null> {
    return (await this.session?.peer.getStats()) ?? null;
  }

  /** At once; more than once is allowed. `leaving`: the page is about to go, the server is told nevertheless. */
  close(leaving = false): void {
    this.finish(leaving, null);
  }

  private create(): WhipSession {
    const session: WhipSession = new WhipSession(this.configuration, {
      connection: (state) => {
        if (session === this.session && this.opened) this.follow(state);
      },
      ended: () => {
        // A session that is about to be replaced may end before: some servers keep one of each caller.
        if (session === this.session && this.opened && this.next === null) this.finish(false, endedByServer());
      },
      track: (track) => this.events.track?.(track),
      message: (message) => this.events.message?.(message),
      listening: () => this.events.listening?.(),
    });
    return session;
  }

  /** From the offer to the connection. */
  private async enter(session: WhipSession, attempts: number, first: boolean): Promise<Answer> {
    const { token } = this.options;
    const answered = session.open({
      endpoint: this.endpoint,
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
      attempts,
      limitS: this.options.answerLimitS,
      posted: () => first && this.events.step?.("posted", performance.now()),
    });
    const answer = await this.unless(answered);
    if (first) this.events.step?.("answered", performance.now());
    if (this.options.iceServers === undefined) this.learn(session, answer.headers.get("Link"));
    await this.unless(connected(session.peer, this.options.connectLimitS, this.over.signal));
    if (first) this.events.step?.("connected", performance.now());
    this.opened = true;
    return answer;
  }

  /** What is awaited, or at once the end of the client. */
  private async unless<Value>(awaited: Promise<Value>): Promise<Value> {
    const { signal } = this.over;
    awaited.catch(() => undefined); // whatever comes of it after the end
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      signal.addEventListener("abort", stop);
      awaited.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
    });
  }

  private learn(session: WhipSession, link: string | null): void {
    const announced = iceServers(link);
    if (announced.length === 0) return;
    try {
      // For what is gathered later, which is at an ICE restart.
      session.peer.setConfiguration({ ...session.peer.getConfiguration(), iceServers: announced });
      this.configuration.iceServers = announced;
    } catch (error) {
      console.warn("the endpoint announces ICE servers that the browser does not take:", error);
    }
  }

  private follow(connection: RTCPeerConnectionState): void {
    clearTimeout(this.patience);
    if (connection === "connected") {
      this.become("connected");
    } else if (connection === "disconnected") {
      this.become("interrupted");
      this.patience = setTimeout(() => void this.recover(), this.options.patienceS * 1000);
    } else if (connection === "failed") {
      this.become("interrupted");
      void this.recover();
    }
  }

  private async recover(): Promise<void> {
    if (this.recovering || this.state !== "interrupted") return;
    this.recovering = true;
    const { signal } = this.over;
    const untilMs = performance.now() + this.options.recoveryLimitS * 1000;
    let failure: WhipError | null = null;
    let restartable = true;
    try {
      for (let attempt = 0; this.state === "interrupted"; attempt += 1) {
        const leftMs = untilMs - performance.now();
        if (leftMs <= 0) throw failure ?? new WhipError("unconnected", "the connection could not be restored");
        const pauseS = attempt === 0 ? 0 : Math.max(failure?.retryAfterS ?? 0, Math.min(2 ** (attempt - 2), LONGEST_PAUSE_S));
        await this.online(Math.min(pauseS * 1000, leftMs));
        if (this.state !== "interrupted") return;
        try {
          if (restartable) await this.restart();
          else await this.replace();
        } catch (error) {
          signal.throwIfAborted();
          failure = asWhipError(error);
          // Only what a later attempt may find changed is tried again; a restart that is refused makes way at once.
          if (!failure.passing && (!restartable || !this.options.reopen)) throw failure;
          if (!failure.passing) restartable = false;
        }
      }
    } catch (error) {
      if (!signal.aborted) this.finish(false, asWhipError(error));
    } finally {
      this.recovering = false;
    }
  }

  private async restart(): Promise<void> {
    const { session } = this;
    if (session === null) return;
    await this.unless(session.restart());
    try {
      await this.unless(connected(session.peer, RESTARTED_LIMIT_S, this.over.signal));
      this.become("connected");
    } catch (error) {
      this.over.signal.throwIfAborted();
      if (!(error instanceof WhipError)) throw error;
    }
  }

  /** A pause, which ends when the browser says that the network is back. */
  private async online(limitMs: number): Promise<void> {
    const back = new AbortController();
    const stop = (): void => back.abort();
    window.addEventListener("online", stop);
    this.over.signal.addEventListener("abort", stop);
    await pause(limitMs, back.signal).catch(() => undefined);
    window.removeEventListener("online", stop);
    this.over.signal.removeEventListener("abort", stop);
    this.over.signal.throwIfAborted();
  }

  private finish(leaving: boolean, error: WhipError | null): void {
    if (this.state === "closed") return;
    clearTimeout(this.patience);
    this.over.abort(new WhipError("closed", "closed"));
    this.next?.close(leaving);
    this.session?.close(leaving);
    this.next = this.session = this.sent = null;
    this.become("closed", error);
  }

  private become(state: WhipState, error: WhipError | null = null): void {
    if (this.state === state || this.state === "closed") return;
    this.state = state;
    this.events.state?.(state, error);
  }
}

/** Throws WhipError if it is not so within the limit, or will not be. */
async function connected(peer: RTCPeerConnection, limitS: number, signal: AbortSignal): Promise<void> {
  const heard = new AbortController();
  try {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (peer.connectionState === "connected") resolve();
        if (peer.connectionState === "failed") reject(new WhipError("unconnected", "no way to the media server was found"));
      };
      const timer = setTimeout(() => reject(new WhipError("unconnected", `no connection within ${limitS} s`)), limitS * 1000);
      heard.signal.addEventListener("abort", () => clearTimeout(timer));
      peer.addEventListener("connectionstatechange", look, { signal: heard.signal });
      signal.addEventListener("abort", () => reject(signal.reason as Error), { signal: heard.signal });
      look();
    });
  } finally {
    heard.abort();
  }
}

function endedByServer(): WhipError {
  return new WhipError("ended", "ended by the server");
}

/** What the browser throws at a description or a candidate is the endpoint's fault. */
function asWhipError(error: unknown): WhipError {
  return error instanceof WhipError ? error : new WhipError("refused", error instanceof Error ? error.message : String(error));
}
