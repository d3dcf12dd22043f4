// How loud each side is, when each begins and ceases to speak, and when the agent was first heard.

import type { AudioClock } from "./audioClock";
import { CallSound } from "./callSound";
import { BEGAN, CLIPPED, ENDED, LAST_AUDIBLE, NOTHING, PEAK, RMS, SAMPLES } from "./meterReport";
import { SoundCheck, type SoundCheckEvents } from "./soundCheck";

/** Times are those of performance.now(), exact to a sample but for the two clocks: see AudioClock. */
export interface LevelsEvents extends SoundCheckEvents {
  /**
   * 27 times a second at 48 kHz, never more than 30: the loudness of all samples since the last time, and their peak's.
   * Both from 0 (-60 dBFS or less) to 1 (full scale).
   */
  level?(level: number, peak: number): void;
  /** Once: the first audible sample. */
  firstAudible?(atMs: number): void;
  /** The first audible sample after a silence: -45 dBFS in two windows of 256 samples. Told about 40 ms later. */
  speechBegan?(atMs: number): void;
  /** The last audible sample before 40 ms of silence (-51 dBFS), told when these are over; also at `stop`. */
  speechEnded?(atMs: number): void;
  /** The browser gives silence instead of the track's sound, or no longer. Not told of `track.enabled`. */
  muted?(muted: boolean): void;
  /** The track is over, and not by its own stop(): unplugged, or the permission taken back. */
  ended?(): void;
}

/** The meters of a page: they run while a call does, on one AudioContext, opened early for the first call. */
export class Levels {
  private sound: CallSound | null = new CallSound();

  /** Call it in the click: a browser starts sound for a person only. */
  resume(): void {
    this.sound ??= new CallSound();
    // Hung up before it ran: that is no news.
    this.sound.context.resume().catch(() => undefined);
  }

  /** At the end of a call: what still measures is stopped, and nothing of it stays. `resume` begins anew. */
  suspend(): void {
    void this.close();
  }

  /** As `suspend`, and done when all is closed. */
  async close(): Promise<void> {
    const { sound } = this;
    this.sound = null;
    await sound?.close();
  }

  /**
   * Measures `track` until the returned function is called, which may be called again, or until `suspend`. Nothing is
   * measured before `resume`. Rejects if the worklet cannot be loaded: a call goes on without it.
   */
  async meter(track: MediaStreamTrack, events: LevelsEvents): Promise<() => void> {
    const { sound } = this;
    if (sound === null) return () => undefined;
    try {
      await sound.ready;
    } catch (error) {
      // The network may be back by the next call.
      if (this.sound === sound) void this.close();
      throw error;
    }
    if (sound.closed) return () => undefined;
    const listener = new Listener(track, sound.context.sampleRate, sound.clock, events);
    try {
      const stop = sound.meter(track, (report) => listener.take(report));
      return () => {
        stop();
        listener.stop();
      };
    } catch (error) {
      listener.stop();
      throw error;
    }
  }
}

/** The meter's reports of one track, as events. */
class Listener {
  private readonly check: SoundCheck;
  private readonly abort = new AbortController();
  private heard = false;
  /** While it sounds: the last audible sample that was reported. */
  private lastAudibleMs: number | null = null;

  constructor(
    private readonly track: MediaStreamTrack,
    sampleRateHz: number,
    private readonly clock: AudioClock,
    private readonly events: LevelsEvents,
  ) {
    this.check = new SoundCheck(sampleRateHz, events);
    const { signal } = this.abort;
    track.addEventListener("mute", () => events.muted?.(true), { signal });
    track.addEventListener("unmute", () => events.muted?.(false), { signal });
    track.addEventListener("ended", () => events.ended?.(), { signal });
  }

  take(report: Float64Array): void {
    this.clock.observe();
    const at = (place: number) => report[place] ?? NOTHING;
    const [began, ended, lastAudible] = [at(BEGAN), at(ENDED), at(LAST_AUDIBLE)];
    // Where a report has both, the end is that of the span before.
    if (ended !== NOTHING) this.events.speechEnded?.(this.clock.timeOfMs(ended));
    if (began !== NOTHING) this.begin(this.clock.timeOfMs(began));
    this.lastAudibleMs = lastAudible === NOTHING ? null : this.clock.timeOfMs(lastAudible);
    this.check.take(
      { peak: at(PEAK), clipped: at(CLIPPED), samples: at(SAMPLES), began: began !== NOTHING },
      this.track.enabled,
    );
    this.events.level?.(loudness(at(RMS)), loudness(at(PEAK)));
  }

  stop(): void {
    this.abort.abort();
    if (this.lastAudibleMs !== null) this.events.speechEnded?.(this.lastAudibleMs);
    this.lastAudibleMs = null;
  }

  private begin(atMs: number): void {
    this.lastAudibleMs = atMs;
    if (!this.heard) {
      this.heard = true;
      this.events.firstAudible?.(atMs);
    }
    this.events.speechBegan?.(atMs);
  }
}

/** An amplitude (0 to 1) as the eye wants it: 0 is -60 dBFS, 1 is full scale. */
export function loudness(amplitude: number): number {
  const dBFS = 20 * Math.log10(Math.max(amplitude, 1e-6));
  return Math.min(1, Math.max(0, (dBFS + 60) / 60));
}
