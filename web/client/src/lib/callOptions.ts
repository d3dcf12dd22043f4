// What a call is told, and what it tells.

import type { ClearAudioLook } from "./audio/clearAudio";
import type { SoundDevice } from "./audio/devices";
import type { Levels } from "./audio/levels";
import type { Microphone, MicrophoneEvents, ReplacedBecause } from "./audio/microphone";
import type { Speaker } from "./audio/speaker";
import type { PerformanceMonitor } from "./monitor/performanceMonitor";
import type { Transcript } from "./transcript";
import type { Joined, Transport, TransportEvents } from "./transport";

export type CallState = "idle" | "requesting" | "connecting" | "live" | "ended" | "failed";

export type NoticeCode =
  /** The connection is interrupted, and is being repaired. */
  | "interrupted"
  /** The agent was lost; another one is awaited. */
  | "agent-lost"
  /** The browser plays nothing before the person has clicked or pressed a key once more. */
  | "sound-blocked"
  /** Unplugged or taken back, and there is no other one; one that is plugged in later is taken by itself. */
  | "microphone-lost"
  /** These two say why the call is over. */
  | "agent-hung-up"
  | "ended-by-server";

export interface Notice {
  readonly code: NoticeCode;
}

export type Side = "caller" | "agent";

export interface CallEvents {
  /** Something that `Call` shows of itself is another now. */
  changed?(): void;
  /** About 27 times a second, both from 0 to 1; 0 and 0 at the end. */
  level?(side: Side, level: number, peak: number): void;
  /** The caller's share of clipped samples in the last second; 0 when it is over. */
  clipping?(share: number): void;
  /** "Your microphone seems muted", and that it no longer does. Not told of `setMuted`. */
  silent?(silent: boolean): void;
  /** Once a second while the agent is connected. */
  quality?(look: ClearAudioLook): void;
  /** How long the agent took to answer, as this browser heard it. */
  gap?(gapMs: number): void;
  /** What the agent shows, as video; null when it shows nothing any more, and at the end of the call. */
  picture?(track: MediaStreamTrack | null): void;
  /** The agent's message of topic `firstword.timeline`, JSON. */
  timeline?(message: string): void;
  /** The devices have changed, or they have names now. */
  devices?(microphones: SoundDevice[]): void;
  /** Another track has taken over. */
  microphone?(because: ReplacedBecause): void;
  /** The caller is in: the control channel can be opened with this token. */
  joined?(joined: Joined): void;
}

/** A microphone as a call uses one: `Microphone`, or a source of sound of your own. */
export type CallMicrophone = Pick<Microphone, "open" | "close" | "tune" | "granted" | "choose" | "track">;

/** A way in; one with `prepare` does before the click what it can. */
export type CallTransport = Transport & { prepare?(): void | Promise<void> };

export interface CallOptions {
  /** A new one for each call, e.g. `(events) => new LiveKitTransport(events)`. */
  transport(events: TransportEvents): CallTransport;
  /** The page's own, so that all of its calls share one AudioContext. */
  levels?: Levels;
  transcript?: Transcript;
  monitor?: PerformanceMonitor;
  speaker?: Speaker;
  microphone?(events: MicrophoneEvents): CallMicrophone;
  /** How long an agent is awaited, and another one after it was lost: 10 and 25 seconds. */
  agentTimeoutS?: number;
  nextAgentTimeoutS?: number;
  /** Where the report goes at the end of each call; without it nowhere. */
  reportUrl?: string;
}
