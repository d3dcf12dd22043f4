// One room of livekit-client: this module is where the SDK comes in.

import {
  ConnectionError,
  ConnectionErrorReason,
  DisconnectReason,
  EngineEvent,
  LocalAudioTrack,
  ParticipantKind,
  type RemoteParticipant,
  RemoteTrack,
  Room,
  RoomEvent,
  Track,
  setLogLevel,
} from "livekit-client";
import { microphoneSound } from "../audio/roomSound";
import { connectFailure, tokenExpired } from "../failure";
import type { CloseReason, TransportEvents } from "../transport";
import { followLink } from "./playout";
import { TranscriptStreams } from "./textStreams";

setLogLevel("warn");
// What livekit-client 2.23 registers for the garbage collector refers to the room: each one is kept for good, with its
// connections and tracks. Without the registry it takes its listener for devices back at the end of the call.
Room.cleanupRegistry = false;

// The call itself hangs up when the page goes.
const OPTIONS = { adaptiveStream: false, dynacast: false, disconnectOnPageLeave: false };

export class LiveRoom {
  private readonly room = new Room(OPTIONS);
  private readonly others: HTMLMediaElement[] = [];
  private microphone: LocalAudioTrack | null = null;
  private publishing: Promise<unknown> = Promise.resolve();
  private voice: RemoteTrack | null = null;
  private early: MediaStreamTrack | null = null;
  private prepared = false;
  private picture: RemoteTrack | null = null;
  private muted = false;
  private connected = false;
  private over = false;

  constructor(private readonly events: TransportEvents) {
    this.listen();
  }

  /** Once: the pointer comes near the button in the moment of the click, too. */
  prepare(url: string): void {
    if (this.over || this.prepared) return;
    this.prepared = true;
    void this.room.prepareConnection(url).catch(() => undefined);
  }

  /** False if the server does not take this token and `last` is not set. Throws CallFailure. */
  async connect(url: string, token: string, signal: AbortSignal, last = false): Promise<boolean> {
    try {
      await this.room.connect(url, token);
    } catch (error) {
      signal.throwIfAborted();
      const refused =
        error instanceof ConnectionError && error.reason === ConnectionErrorReason.NotAllowed && error.status === 401;
      if (refused && !last) return false;
      throw refused ? tokenExpired() : connectFailure(url, error);
    }
    signal.throwIfAborted();
    this.connected = true;
    this.events.step("connected", performance.now());
    this.tellSound();
    return true;
  }

  /** The caller's voice. What they say before the connection is up is recorded, and reaches the agent as well. */
  hold(media: MediaStreamTrack, muted: boolean): void {
    if (this.over) return;
    this.microphone = new LocalAudioTrack(media, undefined, true);
    this.muted = muted;
    // livekit-client sends it when an agent is there; RoomIO puts it before the sound of the track.
    if (!this.connected) this.microphone.startPreConnectBuffer();
  }

  /** Waits for the connection. */
  async publish(): Promise<void> {
    if (this.over || this.microphone === null) return;
    const options = { source: Track.Source.Microphone, dtx: true };
    this.publishing = this.room.localParticipant.publishTrack(this.microphone, options);
    await this.publishing;
    await this.applyMuted();
  }

  async replace(media: MediaStreamTrack): Promise<void> {
    await this.publishing;
    if (this.over || this.microphone === null) return;
    await this.microphone.replaceTrack(media, true);
    // livekit-client mutes a track whose device has gone.
    await this.applyMuted();
  }

  async setMuted(muted: boolean): Promise<void> {
    this.muted = muted;
    await this.publishing;
    await this.applyMuted();
  }

  async stats(): Promise<RTCStatsReport | undefined> {
    return this.voice?.getRTCStatsReport();
  }

  close(): void {
    if (this.over) return;
    this.over = true;
    this.room.removeAllListeners();
    for (const element of this.others) element.remove();
    this.microphone?.stopPreConnectBuffer();
    void this.room.disconnect().catch(() => undefined);
    // It does so itself, but not for a room that was never connected.
    navigator.mediaDevices?.removeEventListener("devicechange", this.room["handleDeviceChange"]);
  }

  private async applyMuted(): Promise<void> {
    if (this.over || this.microphone === null || this.microphone.isMuted === this.muted) return;
    await (this.muted ? this.microphone.mute() : this.microphone.unmute());
  }

  private listen(): void {
    const { room, events } = this;
    followLink(room);
    // livekit-client tells of a track once it has noticed the connection, for which it looks each 50 ms.
    room.engine.on(EngineEvent.MediaTrackAdded, (media, stream) => this.hearEarly(media, stream));
    room.on(RoomEvent.TrackSubscribed, (track, _, participant) => this.hear(track, participant));
    room.on(RoomEvent.TrackUnsubscribed, (track) => {
      if (track !== this.picture) return;
      this.picture = null;
      events.agentPicture?.(null);
    });
    room.on(RoomEvent.ParticipantDisconnected, ({ kind }, reason) => {
      if (kind !== ParticipantKind.AGENT) return;
      // Without a reason it is livekit-client itself, which forgets all before it connects anew: the agent may stay.
      if (reason === DisconnectReason.CLIENT_INITIATED) this.finish("agent");
      else events.agentLost();
    });
    // The signalling connection notices first; the audio may even go on meanwhile.
    for (const interrupted of [RoomEvent.SignalReconnecting, RoomEvent.Reconnecting] as const) {
      room.on(interrupted, () => events.interrupted());
    }
    room.on(RoomEvent.Reconnected, () => events.restored());
    room.on(RoomEvent.RoomMetadataChanged, () => this.tellSound());
    room.on(RoomEvent.Disconnected, (reason) => {
      // Before that it is `connect` that fails.
      if (this.connected) this.finish(reasonOf(reason));
    });
    const streams = new TranscriptStreams((part) => events.words(part));
    room.registerTextStreamHandler("lk.transcription", (reader, { identity }) => {
      const who = identity === room.localParticipant.identity ? "caller" : "agent";
      void streams.read(reader, who).catch(console.warn);
    });
    room.registerTextStreamHandler("firstword.timeline", (reader) => {
      void reader.readAll().then((message) => this.over || events.timeline(message), console.warn);
    });
  }

  private hearEarly(media: MediaStreamTrack, stream: MediaStream): void {
    if (this.over || this.connected || media.kind !== "audio") return;
    const [sid] = stream.id.split("|");
    const sender = [...this.room.remoteParticipants.values()].find((participant) => participant.sid === sid);
    if (sender?.kind !== ParticipantKind.AGENT) return;
    this.early = media;
    this.events.agentTrack(media);
  }

  private hear(track: RemoteTrack, { kind }: RemoteParticipant): void {
    if (track.kind === Track.Kind.Video && kind === ParticipantKind.AGENT) {
      this.picture = track;
      this.events.agentPicture?.(track.mediaStreamTrack);
    }
    if (track.kind !== Track.Kind.Audio) return;
    if (kind === ParticipantKind.AGENT) {
      this.voice = track;
      if (track.mediaStreamTrack !== this.early) this.events.agentTrack(track.mediaStreamTrack);
      return;
    }
    // Somebody else who is in the room.
    const element = track.attach();
    element.hidden = true;
    document.body.append(element);
    this.others.push(element);
  }

  private tellSound(): void {
    const sound = microphoneSound(this.room.metadata);
    if (sound !== null) this.events.sound(sound);
  }

  private finish(reason: CloseReason): void {
    if (this.over) return;
    this.close();
    this.events.closed(reason);
  }
}

function reasonOf(reason: DisconnectReason | undefined): CloseReason {
  switch (reason) {
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
    case DisconnectReason.PARTICIPANT_REMOVED:
    case DisconnectReason.DUPLICATE_IDENTITY:
      return "server";
    default:
      return "lost";
  }
}
