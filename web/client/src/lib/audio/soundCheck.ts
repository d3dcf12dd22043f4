// What is wrong with a microphone's sound: too loud for its range, or not there at all.

const CLIPPING_SHARE = 0.001;
const CLIPPING_OVER_S = 1;
const QUIET_AMPLITUDE = 10 ** (-70 / 20);
/** Exact zeros come from a switch, not from a room. */
const ZEROS_S = 3;
/** A silent room behind noise suppression is as quiet as that, so it counts only until something has been heard. */
const QUIET_S = 8;

export interface SoundCheckEvents {
  /** The share of samples at 0.99 or above in the last second, 0 to 1: told where it is over 0.1 %, and 0 once it is not. */
  clipping?(share: number): void;
  /** "Your microphone seems muted": true after 3 s of zeros, or 8 s below -70 dBFS before anything was heard. */
  silent?(silent: boolean): void;
}

/** What one report of the meter says. */
export interface Loudness {
  peak: number;
  clipped: number;
  samples: number;
  /** Whether something audible began since the last report. */
  began: boolean;
}

export class SoundCheck {
  private clippedSamples = 0;
  private clippingSamples = 0;
  private clipping = false;
  private zeroSamples = 0;
  private quietSamples = 0;
  private silent = false;
  private heard = false;

  constructor(
    private readonly sampleRateHz: number,
    private readonly events: SoundCheckEvents,
  ) {}

  /** `wanted` is false while the page itself mutes the track: then silence is right. */
  take({ peak, clipped, samples, began }: Loudness, wanted: boolean): void {
    this.clippedSamples += clipped;
    this.clippingSamples += samples;
    if (this.clippingSamples >= CLIPPING_OVER_S * this.sampleRateHz) this.judgeClipping();
    this.heard ||= began;
    this.zeroSamples = wanted && peak === 0 ? this.zeroSamples + samples : 0;
    this.quietSamples = wanted && peak < QUIET_AMPLITUDE && !this.heard ? this.quietSamples + samples : 0;
    const silent = this.zeroSamples >= ZEROS_S * this.sampleRateHz || this.quietSamples >= QUIET_S * this.sampleRateHz;
    if (silent !== this.silent) {
      this.silent = silent;
      this.events.silent?.(silent);
    }
  }

  private judgeClipping(): void {
    const share = this.clippedSamples / this.clippingSamples;
    const clipping = share > CLIPPING_SHARE;
    if (clipping || this.clipping) this.events.clipping?.(clipping ? share : 0);
    this.clipping = clipping;
    this.clippedSamples = 0;
    this.clippingSamples = 0;
  }
}
