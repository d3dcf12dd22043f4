// One call from the click to its end: idle -> requesting -> connecting -> live -> ended | failed.

import {
  DisconnectReason,
  LocalAudioTrack,
  ParticipantKind,
  type RemoteParticipant,
  type RemoteTrack,
  Room,
  RoomEvent,
  Track,
  createLocalAudioTrack,
} from "livekit-client";
import { CallFailure, connectFailure, connectionLost, microphoneFailure, noAgent, pageServerGone, tokenRefused } from "./failure";
import type { Levels } from "./levels";
import { followLink } from "./playout";
import { type MicrophoneSound, microphoneSound, sameSound } from "./roomSound";
import type { Transcript } from "./transcript";

export type CallState = "idle" | "requesting" | "connecting" | "live" | "ended" | "failed";

/** Milliseconds from the click; null is "not yet". */
export interface Timings {
  token_ms: number | null;
  microphone_ms: number | null;
  joining_ms: number | null;
  connected_ms: number | null;
  agent_track_ms: number | null;
  first_word_ms: number | null;
}

export interface CallEvents {
  changed(): void;
  level(side: "caller" | "agent", level: number): void;
  timeline(message: string): void;
}

interface Ticket {
  url: string;
  token: string;
  room: string;
  identity: string;
}

const AGENT_TIMEOUT_S = 10;
/** An agent that was lost is noticed and replaced by the service within some seconds. */
const NEXT_AGENT_TIMEOUT_S = 25;
const MICROPHONE: MicrophoneSound = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const ROOM = { adaptiveStream: false, dynacast: false, disconnectOnPageLeave: true };

export class Call {
  state: CallState = "idle";
  timings: Timings = blank();
  failure: CallFailure | null = null;
  /** Why the call is over or held up, in words; empty if there is nothing to say. */
  notice = "";
  agentName = "";
  private clickedAt = 0;
  private abort = new AbortController();
  private room = new Room(ROOM);
  private agentTimer: ReturnType<typeof setTimeout> | undefined;
  private closers: (() => void)[] = [];
  /** How the microphone is to sound, and how it does. */
  private sound = { wanted: MICROPHONE, now: MICROPHONE };
  private track: LocalAudioTrack | null = null;

  constructor(
    private readonly levels: Levels,
    private readonly transcript: Transcript,
    private readonly events: CallEvents,
  ) {}

  get active(): boolean {
    return this.state === "requesting" || this.state === "connecting" || this.state === "live";
  }

  /** Names and connections looked up before the click. */
  prepare(url: string): void {
    void this.room.prepareConnection(url);
  }

  /** Run it in the click. Returns when the call is live or has failed. */
  async start(): Promise<void> {
    if (this.active) return;
    this.clickedAt = performance.now();
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.timings = blank();
    this.failure = null;
    this.notice = "";
    this.sound = { wanted: MICROPHONE, now: MICROPHONE };
    this.track = null;
    this.transcript.clear();
    this.levels.resume();
    this.become("requesting");
    try {
      // Side by side: the microphone's permission does not hold up the room, nor the room the microphone.
      await Promise.all([this.join(signal), this.microphone(signal)]);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof CallFailure)) console.error(error);
      this.fail(error instanceof CallFailure ? error : connectFailure("the room", error));
    }
  }

  hangUp(): void {
    if (this.active) this.finish("ended");
  }

  private async join(signal: AbortSignal): Promise<void> {
    const ticket = await requestTicket(signal);
    signal.throwIfAborted();
    this.stamp("token_ms");
    const room = this.listen(ticket, signal);
    this.become("connecting");
    this.stamp("joining_ms");
    this.expectAgent(AGENT_TIMEOUT_S);
    try {
      await room.connect(ticket.url, ticket.token);
    } catch (error) {
      signal.throwIfAborted();
      throw connectFailure(ticket.url, error);
    }
    signal.throwIfAborted();
    this.stamp("connected_ms");
    this.become("live");
    this.sound.wanted = microphoneSound(room.metadata) ?? MICROPHONE;
    this.tune();
  }

  private async microphone(signal: AbortSignal): Promise<void> {
    let track: LocalAudioTrack;
    try {
      track = await createLocalAudioTrack(MICROPHONE);
    } catch (error) {
      signal.throwIfAborted();
      throw microphoneFailure(error);
    }
    if (signal.aborted) {
      track.stop();
      return;
    }
    this.stamp("microphone_ms");
    this.closers.push(() => track.stop());
    this.track = track;
    this.tune();
    void this.measure(track.mediaStreamTrack, "caller", signal);
    // Waits for the connection by itself.
    await this.room.localParticipant.publishTrack(track, { source: Track.Source.Microphone, dtx: true });
  }

  /** Whichever comes last, the room's word or the microphone: the permission is asked for once, and not for the word. */
  private tune(): void {
    const { track, sound } = this;
    if (track === null || sameSound(sound.wanted, sound.now)) return;
    sound.now = sound.wanted;
    // As it was asked for first: a call without this is still a call.
    void track.restartTrack({ ...sound.wanted }).catch((error: unknown) => console.warn("the microphone stays as it is:", error));
  }

  /** A room with everything that can happen in it wired to this call. */
  private listen(ticket: Ticket, signal: AbortSignal): Room {
    const { room } = this;
    room.on(RoomEvent.TrackSubscribed, (track, _, participant) => this.hear(track, participant, signal));
    followLink(room);
    room.on(RoomEvent.ParticipantDisconnected, (participant, reason) => {
      if (participant.kind !== ParticipantKind.AGENT || !this.active) return;
      if (reason === undefined || reason === DisconnectReason.CLIENT_INITIATED) {
        this.notice = "The agent has hung up.";
        this.finish("ended");
      } else {
        this.tell("The agent was lost. Another one is on its way…");
        this.expectAgent(NEXT_AGENT_TIMEOUT_S);
      }
    });
    // The signalling connection notices first; the audio may even go on meanwhile.
    for (const interrupted of [RoomEvent.SignalReconnecting, RoomEvent.Reconnecting] as const) {
      room.on(interrupted, () => this.tell("The connection is interrupted. Reconnecting…"));
    }
    room.on(RoomEvent.Reconnected, () => this.tell(""));
    room.on(RoomEvent.Disconnected, (reason) => {
      if (signal.aborted || this.state !== "live") return;
      if (reason === DisconnectReason.ROOM_DELETED || reason === DisconnectReason.PARTICIPANT_REMOVED) {
        this.notice = "The call was ended by the server.";
        this.finish("ended");
      } else {
        this.fail(connectionLost());
      }
    });
    room.registerTextStreamHandler("lk.transcription", (reader, { identity }) => {
      void this.transcript.read(reader, identity === ticket.identity ? "caller" : "agent").catch(console.warn);
    });
    room.registerTextStreamHandler("firstword.timeline", (reader) => {
      void reader.readAll().then((message) => this.events.timeline(message), console.warn);
    });
    return room;
  }

  private hear(track: RemoteTrack, participant: RemoteParticipant, signal: AbortSignal): void {
    if (track.kind !== Track.Kind.Audio || signal.aborted) return;
    const element = track.attach();
    element.hidden = true;
    document.body.append(element);
    this.closers.push(() => {
      for (const attached of track.detach()) attached.remove();
    });
    if (participant.kind !== ParticipantKind.AGENT) return;
    clearTimeout(this.agentTimer);
    if (this.timings.agent_track_ms === null) this.stamp("agent_track_ms");
    else this.tell("");
    void this.measure(track.mediaStreamTrack, "agent", signal);
  }

  private async measure(track: MediaStreamTrack, side: "caller" | "agent", signal: AbortSignal): Promise<void> {
    try {
      const stop = await this.levels.meter(track, {
        level: (level) => this.events.level(side, level),
        firstAudible: (atMs) => {
          if (side === "agent" && this.timings.first_word_ms === null) this.stamp("first_word_ms", atMs);
        },
      });
      if (signal.aborted) stop();
      else this.closers.push(stop);
    } catch (error) {
      // A call without meters is still a call.
      console.warn("no level meter:", error);
    }
  }

  private stamp(name: keyof Timings, atMs = performance.now()): void {
    this.timings[name] = Math.round((atMs - this.clickedAt) * 10) / 10;
    this.events.changed();
  }

  private expectAgent(limitS: number): void {
    clearTimeout(this.agentTimer);
    this.agentTimer = setTimeout(() => this.fail(noAgent(this.agentName, limitS)), limitS * 1000);
  }

  private tell(notice: string): void {
    if (!this.active) return;
    this.notice = notice;
    this.events.changed();
  }

  private fail(failure: CallFailure): void {
    if (!this.active) return;
    this.failure = failure;
    this.finish("failed");
  }

  private finish(state: "ended" | "failed"): void {
    this.abort.abort();
    clearTimeout(this.agentTimer);
    const room = this.room;
    // The next call finds a fresh room, with no listener of this one.
    this.room = new Room(ROOM);
    for (const close of this.closers.reverse()) close();
    this.closers = [];
    room.removeAllListeners();
    void room.disconnect();
    this.levels.suspend();
    this.events.level("caller", 0);
    this.events.level("agent", 0);
    this.become(state);
  }

  private become(state: CallState): void {
    this.state = state;
    this.events.changed();
  }
}

function blank(): Timings {
  return {
    token_ms: null,
    microphone_ms: null,
    joining_ms: null,
    connected_ms: null,
    agent_track_ms: null,
    first_word_ms: null,
  };
}

async function requestTicket(signal: AbortSignal): Promise<Ticket> {
  let response: Response;
  try {
    response = await fetch("/api/token", { method: "POST", signal });
  } catch {
    signal.throwIfAborted();
    throw pageServerGone();
  }
  const body: unknown = await response.json().catch(() => ({}));
  if (response.ok) return body as Ticket;
  const { error } = body as { error?: { message?: string } };
  throw tokenRefused(response.status, error?.message ?? `HTTP ${response.status}`);
}
