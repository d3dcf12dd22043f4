// Into a call by plain WHIP, through the page's own server: one request, and no SDK.

import { agentNotHeard } from "../failure";
import type { MicrophoneSound } from "../audio/roomSound";
import type { CloseReason, Joined, Transport, TransportEvents } from "../transport";
import { AgentWatch } from "./agentWatch";
import { WhipClient, type WhipState, type WhipStep } from "./client";
import { EarlyVoice } from "./earlyVoice";
import { whipFailure } from "./failures";
import { readMessage } from "./messages";
import type { Answer, WhipError } from "./requests";
import { sendsAudio } from "./sdp";

export interface WhipTransportOptions {
  endpoint?: string;
  /** The caller's, shown in the room. */
  name?: string;
  iceServers?: RTCIceServer[] | undefined;
  iceCandidatePoolSize?: number | undefined;
  iceTransportPolicy?: RTCIceTransportPolicy | undefined;
  /** How the room wants the microphone to sound; livekit-client reads it in the room, by WHIP the page has to tell. */
  sound?: MicrophoneSound | null;
  /** Where what is said too early is held; one of its own without it. It has to run. */
  context?: AudioContext | undefined;
}

/** Anything: the agent sends what waits when it hears that the channel is open. */
const LISTENING = JSON.stringify({ topic: "firstword.listening" });

export class WhipTransport implements Transport {
  readonly kind = "whip";
  private readonly client: WhipClient;
  private readonly watch: AgentWatch;
  private microphone: MediaStreamTrack | null = null;
  private early: EarlyVoice | null = null;
  private ownContext: AudioContext | null = null;
  private voice: MediaStreamTrack | null = null;
  private muted = false;
  private live = false;
  /** Ends an `open` whose connection is over before the microphone is there. */
  private broken: ((error: unknown) => void) | null = null;
  private over = false;

  constructor(
    private readonly events: TransportEvents,
    private readonly options: WhipTransportOptions = {},
  ) {
    const { endpoint = "/api/whip", name = "", iceServers, iceCandidatePoolSize, iceTransportPolicy } = options;
    const url = new URL(endpoint, location.href);
    if (name !== "") url.searchParams.set("name", name);
    const whip = {
      state: (state: WhipState, error: WhipError | null) => this.follow(state, error),
      step: (step: WhipStep, atMs: number) => {
        // Sound takes a moment to start: from now on, but not before the request is out.
        if (step === "posted") setTimeout(() => this.sounds());
        this.events.step(step, atMs);
      },
      track: (track: MediaStreamTrack) => this.hear(track),
      message: (message: string) => this.read(message),
      listening: () => void this.client.tell(LISTENING),
    };
    this.client = new WhipClient(url, whip, {
      iceServers,
      iceCandidatePoolSize,
      iceTransportPolicy,
      // A new session would be another room, with an agent who knows nothing of this call.
      reopen: false,
    });
    this.watch = new AgentWatch(() => this.client.stats(), {
      lost: () => this.events.agentLost(),
      // The page's server connects the next agent with the session that there is (web/whip/voice.py).
      back: () => this.voice !== null && this.events.agentTrack(this.voice),
    });
  }

  /** What can be done before the click; it needs no permission. */
  async prepare(): Promise<void> {
    await this.client.prepare();
  }

  async open(microphone: Promise<MediaStreamTrack>, signal: AbortSignal): Promise<Joined> {
    signal.throwIfAborted();
    const stop = (): void => this.close(false);
    signal.addEventListener("abort", stop);
    try {
      const broken = new Promise<never>((_, reject) => (this.broken = reject));
      const [answer] = await Promise.race([
        Promise.all([this.client.open(signal), microphone.then((track) => this.speak(track))]),
        broken,
      ]);
      if (!sendsAudio(answer.text)) throw agentNotHeard();
      this.live = true;
      if (this.options.sound) this.events.sound(this.options.sound);
      if (this.client.state === "interrupted") this.events.interrupted();
      else this.watch.start();
      return joined(answer);
    } catch (error) {
      this.close(false);
      signal.throwIfAborted();
      throw whipFailure(error);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  async replaceMicrophone(track: MediaStreamTrack): Promise<void> {
    this.endEarly();
    this.microphone = track;
    track.enabled = !this.muted;
    await this.client.send(track);
  }

  async setMuted(muted: boolean): Promise<void> {
    this.muted = muted;
    if (this.microphone !== null) this.microphone.enabled = !muted;
    return Promise.resolve();
  }

  stats(): Promise<RTCStatsReport | null> {
    return this.client.stats();
  }

  close(leaving: boolean): void {
    this.over = true;
    this.watch.stop();
    this.endEarly();
    this.client.close(leaving);
    this.microphone = this.voice = null;
  }

  private async speak(track: MediaStreamTrack): Promise<void> {
    if (this.over) return;
    this.microphone = track;
    track.enabled = !this.muted;
    this.hold(track);
    await this.client.send(track);
  }

  /** Until the agent hears: see earlyVoice.ts. A call in which that cannot be done is still a call. */
  private hold(track: MediaStreamTrack): void {
    try {
      const context = this.sounds();
      if (context === null) return;
      const early = new EarlyVoice(context, track, {
        spoke: () => void this.client.send(early.track),
        done: () => {
          this.endEarly();
          void this.client.send(track);
        },
      });
      this.early = early;
      if (this.client.state === "connected") early.connected();
    } catch (error) {
      console.warn("what is said before the connection is not sent:", error);
    }
  }

  private sounds(): AudioContext | null {
    if (this.over || this.live) return null;
    return this.options.context ?? (this.ownContext ??= new AudioContext());
  }

  private endEarly(): void {
    this.early?.close();
    this.early = null;
    void this.ownContext?.close();
    this.ownContext = null;
  }

  private hear(track: MediaStreamTrack): void {
    this.voice = track;
    this.events.agentTrack(track);
  }

  private read(message: string): void {
    const told = readMessage(message);
    if (told === null) return;
    if ("words" in told) this.events.words(told.words);
    else this.events.timeline(told.timeline);
  }

  private follow(state: WhipState, error: WhipError | null): void {
    if (state === "connected") this.early?.connected();
    if (this.over) return;
    if (!this.live) {
      if (state === "closed") this.broken?.(error);
    } else if (state === "interrupted") {
      this.watch.stop();
      this.events.interrupted();
    } else if (state === "connected") {
      this.watch.start();
      this.events.restored();
    } else if (state === "closed") {
      this.end(reason(error));
    }
  }

  private end(why: CloseReason): void {
    if (this.over) return;
    this.close(false);
    this.events.closed(why);
  }
}

function reason(error: WhipError | null): CloseReason {
  if (error?.kind === "ended") return "server";
  return error?.status === 401 || error?.status === 403 ? "expired" : "lost";
}

function joined({ headers }: Answer): Joined {
  const given = (name: string): string => headers.get(`X-Firstword-${name}`) ?? "";
  return { room: given("Room"), identity: given("Identity"), token: given("Token") };
}
