// One way into a call, as the call sees it: livekit-client or plain WHIP.

import type { MicrophoneSound } from "./audio/roomSound";
import type { WordsPart } from "./transcript";

export type TransportKind = "livekit" | "whip";

/** Why there is no connection any more. */
export type CloseReason = "server" | "agent" | "lost" | "expired";

/** What the caller's client got for this call. */
export interface Joined {
  room: string;
  identity: string;
  /** The participant's JWT: it opens the control channel and signs the report. */
  token: string;
}

/** When each step of getting in was done, on the clock of performance.now(). */
export type Step = "token" | "joining" | "connected" | "posted" | "answered";

export interface TransportEvents {
  step(step: Step, atMs: number): void;
  /** The agent's voice, not yet played by anything. Again if the agent was replaced. */
  agentTrack(track: MediaStreamTrack): void;
  /** What the agent shows, as video that is not yet played by anything; null when it shows nothing any more. */
  agentPicture?(track: MediaStreamTrack | null): void;
  /** The agent was lost and another one is awaited. */
  agentLost(): void;
  interrupted(): void;
  restored(): void;
  /** Once, and nothing after it. Not told of a `close` of the page's own. */
  closed(reason: CloseReason): void;
  words(part: WordsPart): void;
  /** A message of topic `firstword.timeline`, JSON. */
  timeline(message: string): void;
  /** What the room says of the microphone's sound. */
  sound(sound: MicrophoneSound): void;
}

export interface Transport {
  readonly kind: TransportKind;
  /**
   * Gets in. `microphone` may come later than the connection, and may fail: then so does `open`. Throws `CallFailure`;
   * an abort of `signal` throws its reason and leaves nothing behind.
   */
  open(microphone: Promise<MediaStreamTrack>, signal: AbortSignal): Promise<Joined>;
  /** Another microphone in a running call. */
  replaceMicrophone(track: MediaStreamTrack): Promise<void>;
  /** The other side hears silence; the microphone stays open. */
  setMuted(muted: boolean): Promise<void>;
  /** Of the connection that carries the agent's voice; null before there is one. */
  stats(): Promise<RTCStatsReport | null>;
  /** At once; more than once is allowed. With `leaving` the page is about to go: what is sent must outlive it. */
  close(leaving: boolean): void;
}
