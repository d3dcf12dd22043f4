// The caller's microphone: opened as the room wants it, and kept through unplugging and a change of mind.

import { type CallFailure, microphoneFailure } from "../failure";
import { RememberedDevice, type SoundDevice, onDevicesChanged, soundDevices } from "./devices";
import { type MicrophoneSound, sameSound } from "./roomSound";

/** Why another track has taken over. */
export type ReplacedBecause = "chosen" | "unplugged" | "sound";

/** What the browser really gave; null where it does not say. Plain data, for the report. */
export interface GrantedSound {
  echo_cancellation: boolean | null;
  noise_suppression: boolean | null;
  auto_gain_control: boolean | null;
  sample_rate_hz: number | null;
  channel_count: number | null;
  latency_ms: number | null;
}

export interface MicrophoneEvents {
  /** Put `track` in place of the one before; that one is stopped when this is done. If it fails, the old one stays. */
  replaced(track: MediaStreamTrack, because: ReplacedBecause): Promise<void> | void;
  /** Unplugged or taken back, and no other one could be opened. One that is plugged in later is taken by itself. */
  lost(failure: CallFailure): void;
  /** The devices have changed, or they have names now. */
  devices?(microphones: SoundDevice[]): void;
}

export const USUAL_SOUND: MicrophoneSound = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Not every browser, nor TypeScript, knows of `latency` (seconds). */
type Settings = MediaTrackSettings & { latency?: number };

/** What `open` throws if the microphone was closed before it was there: nobody has to be told. */
export class MicrophoneClosed extends Error {
  override readonly name = "MicrophoneClosed";
}

/** From one `open` to its `close`. */
class Session {
  closed = false;
  /** One change at a time: each begins with the track that the last one left. */
  private changes: Promise<unknown> = Promise.resolve();

  inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const done = this.changes.then(change);
    this.changes = done.catch(() => undefined);
    return done;
  }
}

export class Microphone {
  private readonly remembered = new RememberedDevice("microphone");
  private sound = USUAL_SOUND;
  private now: MediaStreamTrack | null = null;
  private session: Session | null = null;
  private unfollow: () => void = () => undefined;

  constructor(private readonly events: MicrophoneEvents) {}

  /** The live track, null before `open`, after `close`, and while none is to be had. */
  get track(): MediaStreamTrack | null {
    return this.now;
  }

  get label(): string {
    return this.now?.label ?? "";
  }

  /** The chosen device; empty is the system's default. */
  get chosen(): string {
    return this.remembered.get();
  }

  /** Asks for the permission where it is not given yet. Throws CallFailure; MicrophoneClosed if closed meanwhile. */
  async open(sound: MicrophoneSound = USUAL_SOUND): Promise<MediaStreamTrack> {
    if (this.session !== null) throw new Error("the microphone is open: close it first");
    const session = new Session();
    this.session = session;
    this.sound = sound;
    try {
      return await session.inTurn(async () => {
        const track = await this.requestOr(session, this.chosen);
        this.keep(track);
        this.unfollow = onDevicesChanged(() => void this.devicesChanged(session));
        void this.tellDevices(session);
        return track;
      });
    } catch (error) {
      if (error instanceof MicrophoneClosed) throw error;
      this.close();
      throw microphoneFailure(error);
    }
  }

  /** What the browser gave of what was asked; null while no microphone is open. */
  granted(): GrantedSound | null {
    if (this.now === null) return null;
    const settings: Settings = this.now.getSettings();
    const { echoCancellation: echo, latency } = settings;
    return {
      // Newer browsers name the kind of cancellation instead.
      echo_cancellation: typeof echo === "string" ? true : (echo ?? null),
      noise_suppression: settings.noiseSuppression ?? null,
      auto_gain_control: settings.autoGainControl ?? null,
      sample_rate_hz: settings.sampleRate ?? null,
      channel_count: settings.channelCount ?? null,
      latency_ms: latency === undefined ? null : latency * 1000,
    };
  }

  /** Another device, and for the next calls too; empty for the system's default. Throws CallFailure: then nothing changed. */
  async choose(deviceId: string): Promise<void> {
    const { session } = this;
    if (session !== null) {
      await this.change(session, async () => this.replace(session, await this.request(session, deviceId), "chosen"));
    }
    this.remembered.set(deviceId);
  }

  /**
   * Another way of sounding. Does nothing if it is that way already; throws CallFailure, and then it stays as it is.
   *
   * The track is opened anew beside the old one: Chromium 156 takes applyConstraints with the three and changes nothing
   * (and refuses them as `exact`), while a second track of the same microphone is there in 5 ms.
   */
  async tune(sound: MicrophoneSound): Promise<void> {
    const { session } = this;
    if (session === null) return;
    await this.change(session, async () => {
      if (sameSound(sound, this.sound)) return;
      const before = this.sound;
      this.sound = sound;
      // While none is to be had: the next one will sound like that.
      if (this.now === null) return;
      try {
        await this.replace(session, await this.requestBeside(session, this.now, sound), "sound");
      } catch (error) {
        this.sound = before;
        // The old one may have had to make way.
        if (this.now.readyState !== "live") await this.replace(session, await this.requestOr(session, ""), "sound");
        throw error;
      }
    });
  }

  /** More than once is allowed. */
  close(): void {
    if (this.session !== null) this.session.closed = true;
    this.session = null;
    this.unfollow();
    this.unfollow = () => undefined;
    this.release(this.now);
    this.now = null;
  }

  private async change(session: Session, change: () => Promise<void>): Promise<void> {
    try {
      await session.inTurn(change);
    } catch (error) {
      if (!(error instanceof MicrophoneClosed)) throw microphoneFailure(error);
    }
  }

  /** That device, or the default if it is gone. (As `ideal` Chromium 156 gives the default even if it is there.) */
  private async requestOr(session: Session, deviceId: string): Promise<MediaStreamTrack> {
    if (deviceId === "") return this.request(session, "");
    try {
      return await this.request(session, deviceId);
    } catch (error) {
      const gone = error instanceof DOMException && ["OverconstrainedError", "NotFoundError"].includes(error.name);
      if (gone) return this.request(session, "");
      throw error;
    }
  }

  /** The microphone of `track` with another sound. */
  private async requestBeside(session: Session, track: MediaStreamTrack, sound: MicrophoneSound): Promise<MediaStreamTrack> {
    const deviceId = track.getSettings().deviceId ?? "";
    const beside = await this.requestOr(session, deviceId);
    const { echoCancellation: echo, noiseSuppression: noise, autoGainControl: gain } = beside.getSettings();
    const asked: readonly [unknown, boolean][] = [
      [echo, sound.echoCancellation],
      [noise, sound.noiseSuppression],
      [gain, sound.autoGainControl],
    ];
    if (asked.every(([given, wanted]) => given === undefined || Boolean(given) === wanted)) return beside;
    // Chromium 156 processes two tracks of one microphone alike or the second one not at all: the first makes way.
    beside.stop();
    track.stop();
    return this.requestOr(session, deviceId);
  }

  private async request(session: Session, deviceId: string): Promise<MediaStreamTrack> {
    if (session.closed) throw new MicrophoneClosed();
    const constraints: MediaTrackConstraints & { latency: number } = {
      ...this.sound,
      sampleRate: 48_000,
      channelCount: 1,
      latency: 0.01,
    };
    if (deviceId !== "") constraints.deviceId = { exact: deviceId };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: constraints });
    const [track] = stream.getAudioTracks();
    if (track === undefined) throw new DOMException("the stream has no sound", "NotFoundError");
    if (!session.closed) return track;
    track.stop();
    throw new MicrophoneClosed();
  }

  private async replace(session: Session, track: MediaStreamTrack, because: ReplacedBecause): Promise<void> {
    const before = this.now;
    track.enabled = before?.enabled ?? true;
    try {
      await this.events.replaced(track, because);
    } catch (error) {
      track.stop();
      throw error;
    }
    if (session.closed) {
      track.stop();
      throw new MicrophoneClosed();
    }
    // It may have been muted meanwhile.
    if (before !== null) track.enabled = before.enabled;
    this.keep(track);
    this.release(before);
  }

  private keep(track: MediaStreamTrack): void {
    this.now = track;
    track.addEventListener("ended", this.ended);
  }

  private release(track: MediaStreamTrack | null): void {
    track?.removeEventListener("ended", this.ended);
    track?.stop();
  }

  /** The browser ended the track: unplugged, or the permission taken back. */
  private readonly ended = () => {
    if (this.session !== null) void this.recover(this.session);
  };

  private async recover(session: Session): Promise<void> {
    let known = false;
    try {
      await this.change(session, async () => {
        known = this.now === null;
        if (this.now?.readyState === "live") return;
        try {
          // Whichever there is, but not the one that is gone: the browser's list may still have it.
          await this.replace(session, await this.request(session, ""), "unplugged");
        } catch (error) {
          this.release(this.now);
          this.now = null;
          throw error;
        }
      });
    } catch (failure) {
      if (!session.closed && !known) this.events.lost(failure as CallFailure);
    }
  }

  private async devicesChanged(session: Session): Promise<void> {
    const microphones = await this.tellDevices(session);
    if (!session.closed && this.now?.readyState !== "live" && microphones.length > 0) await this.recover(session);
  }

  private async tellDevices(session: Session): Promise<SoundDevice[]> {
    const microphones = await soundDevices("microphone").catch((): SoundDevice[] => []);
    if (!session.closed) this.events.devices?.(microphones);
    return microphones;
  }
}
