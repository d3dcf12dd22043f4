// The way in by livekit-client, which is fetched when it is needed: the page is drawn without it.

import type { Joined, Transport, TransportEvents } from "../transport";
import type { LiveRoom } from "./liveRoom";
import { requestTicket } from "./ticket";

export interface LiveKitOptions {
  /** Where a token is asked for: `POST`, answered by `{url, token, room, identity}`. */
  tokenUrl?: string;
  /** Of the LiveKit server, if it is known before the call: names and connections are then looked up by `prepare`. */
  url?: string;
  /** The caller's, for the agent. */
  name?: string;
}

export class LiveKitTransport implements Transport {
  readonly kind = "livekit";
  private room: LiveRoom | null = null;
  private loading: Promise<LiveRoom> | null = null;
  private closed = false;
  private muted = false;
  private readonly end = new AbortController();

  constructor(
    private readonly events: TransportEvents,
    private readonly options: LiveKitOptions = {},
  ) {}

  /** Fetches livekit-client and looks up the server: best when the page is idle, or the pointer is near the button. */
  prepare(): void {
    // Met again by `open`, which tries once more.
    this.load().then((room) => this.options.url !== undefined && room.prepare(this.options.url), () => undefined);
  }

  async open(microphone: Promise<MediaStreamTrack>, signal: AbortSignal): Promise<Joined> {
    // Its failure is met below; until then nobody awaits it.
    microphone.catch(() => undefined);
    try {
      const loading = this.load();
      // Side by side: the microphone's permission does not hold up the room, nor the room the microphone.
      const held = Promise.all([loading, microphone]).then(([room, track]) => room.hold(track, this.muted));
      held.catch(() => undefined);
      // Who refuses the microphone is told at once, and not when the room's answer is there.
      const refused = microphone.then(() => new Promise<never>(() => undefined));
      const [room, ticket] = await Promise.race([Promise.all([loading, this.ticket(signal)]), refused]);
      signal.throwIfAborted();
      const joined = this.join(room, ticket, signal);
      joined.catch(() => undefined);
      // Not sooner: its negotiation would hold up the one that brings the agent's voice. What is said meanwhile is held.
      const published = Promise.all([held, joined]).then(() => room.publish());
      published.catch(() => undefined);
      const [there] = await Promise.all([joined, published]);
      return there;
    } catch (error) {
      this.close(false);
      signal.throwIfAborted();
      throw error;
    }
  }

  async replaceMicrophone(track: MediaStreamTrack): Promise<void> {
    await this.room?.replace(track);
  }

  async setMuted(muted: boolean): Promise<void> {
    this.muted = muted;
    await this.room?.setMuted(muted);
  }

  async stats(): Promise<RTCStatsReport | null> {
    return (await this.room?.stats()) ?? null;
  }

  close(_leaving: boolean): void {
    if (this.closed) return;
    this.closed = true;
    this.end.abort();
    this.room?.close();
  }

  private async ticket(signal: AbortSignal): ReturnType<typeof requestTicket> {
    const ticket = await requestTicket(this.options.tokenUrl ?? "/api/token", this.options.name ?? "", signal);
    this.events.step("token", performance.now());
    return ticket;
  }

  private async join(room: LiveRoom, first: Awaited<ReturnType<typeof requestTicket>>, signal: AbortSignal): Promise<Joined> {
    this.events.step("joining", performance.now());
    let ticket = first;
    if (!(await room.connect(ticket.url, ticket.token, signal))) {
      // It was too old when it got there: a computer that slept meanwhile. The next one is not.
      ticket = await this.ticket(signal);
      await room.connect(ticket.url, ticket.token, signal, true);
    }
    const { room: name, identity, token } = ticket;
    return { room: name, identity, token };
  }

  private load(): Promise<LiveRoom> {
    this.loading ??= import("./liveRoom").then(
      ({ LiveRoom }) => {
        const room = new LiveRoom(this.events);
        this.room = room;
        if (this.closed) room.close();
        return room;
      },
      (error: unknown) => {
        this.loading = null;
        throw error;
      },
    );
    return this.loading;
  }
}
