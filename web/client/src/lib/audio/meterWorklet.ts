// Runs on the audio thread: how loud a track is, and the exact sample at which its sound begins and ends.
//
// `process` makes no garbage, since a collection there is a gap in the sound: it writes into arrays that were made once
// and reads frame numbers only where it needs them. No closures, no iterators, no objects.

import { BEGAN, CLIPPED, ENDED, LAST_AUDIBLE, NOTHING, PEAK, REPORT_LENGTH, RMS, SAMPLES, UNTIL } from "./meterReport";

declare const currentFrame: number;
declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

const WINDOW = 256; // samples: 5.3 ms at 48 kHz
// The gate of sim/waveform.py, so that the page's figures meet the simulator's: two windows in a row of -45 dBFS open
// it, and it ends with the last window of -51 dBFS before 40 ms below that.
const OPEN = 10 ** (-45 / 20);
const CLOSE = 10 ** (-51 / 20);
const OPEN_WINDOWS = 2;
const HANG_WINDOWS = Math.ceil((0.04 * sampleRate) / WINDOW);
const CLIPPING = 0.99;
// At most 30 a second. HANG_WINDOWS + OPEN_WINDOWS are longer: no report can have two beginnings or two ends.
const REPORT_SAMPLES = sampleRate / 30;
const CANDIDATE = 0;

class Meter extends AudioWorkletProcessor {
  private readonly ring = new Float32Array(WINDOW);
  private readonly report = new Float64Array(REPORT_LENGTH);
  // A frame number that is kept in a field would be a new heap object each time, after six hours of sound.
  private readonly frames = new Float64Array(1);
  private filled = 0;
  private loudWindows = 0;
  private quietWindows = 0;
  private sounding = false;
  private running = true;

  constructor() {
    super();
    this.clear();
    this.report[LAST_AUDIBLE] = NOTHING;
    // Any message is the end.
    this.port.onmessage = () => {
      this.running = false;
    };
  }

  process(inputs: Float32Array[][]): boolean {
    if (!this.running) {
      this.port.postMessage(null);
      return false;
    }
    const input = inputs[0];
    // A source that gives nothing, such as an ended track, has no channel: it is silent.
    const channel = input === undefined || input.length === 0 ? undefined : input[0];
    const count = channel === undefined ? 128 : channel.length;
    for (let index = 0; index < count; index++) {
      this.ring[this.filled++] = channel === undefined ? 0 : (channel[index] as number);
      if (this.filled === WINDOW) {
        this.filled = 0;
        this.judge(index + 1);
      }
    }
    return true;
  }

  /** The ring is full; its last sample is `offset` samples after the beginning of this block. */
  private judge(offset: number): void {
    const { ring, report } = this;
    let squares = 0;
    let peak = report[PEAK] as number;
    for (let index = 0; index < WINDOW; index++) {
      const sample = ring[index] as number;
      const amplitude = sample < 0 ? -sample : sample;
      squares += sample * sample;
      if (amplitude > peak) peak = amplitude;
      if (amplitude >= CLIPPING) report[CLIPPED]! += 1;
    }
    report[PEAK] = peak;
    report[RMS]! += squares;
    report[SAMPLES]! += WINDOW;
    this.gate(squares / WINDOW, offset);
    if ((report[SAMPLES] as number) < REPORT_SAMPLES) return;
    report[RMS] = Math.sqrt((report[RMS] as number) / (report[SAMPLES] as number));
    report[UNTIL] = currentFrame + offset;
    this.port.postMessage(report);
    this.clear();
  }

  private gate(meanSquare: number, offset: number): void {
    const { report, frames } = this;
    if (!this.sounding) {
      if (meanSquare < OPEN * OPEN) {
        this.loudWindows = 0;
        return;
      }
      if (this.loudWindows++ === 0) frames[CANDIDATE] = currentFrame + offset - WINDOW + this.firstAbove(OPEN);
      if (this.loudWindows < OPEN_WINDOWS) return;
      this.sounding = true;
      this.loudWindows = 0;
      report[BEGAN] = frames[CANDIDATE] as number;
    } else if (meanSquare < CLOSE * CLOSE) {
      if (++this.quietWindows < HANG_WINDOWS) return;
      this.sounding = false;
      this.quietWindows = 0;
      report[ENDED] = report[LAST_AUDIBLE] as number;
      report[LAST_AUDIBLE] = NOTHING;
      return;
    }
    this.quietWindows = 0;
    report[LAST_AUDIBLE] = currentFrame + offset - WINDOW + this.lastAbove(CLOSE);
  }

  private firstAbove(amplitude: number): number {
    let index = 0;
    while (index < WINDOW - 1 && this.below(index, amplitude)) index++;
    return index;
  }

  private lastAbove(amplitude: number): number {
    let index = WINDOW - 1;
    while (index > 0 && this.below(index, amplitude)) index--;
    return index;
  }

  private below(index: number, amplitude: number): boolean {
    const sample = this.ring[index] as number;
    return sample < amplitude && sample > -amplitude;
  }

  private clear(): void {
    const { report } = this;
    report[RMS] = 0;
    report[PEAK] = 0;
    report[CLIPPED] = 0;
    report[SAMPLES] = 0;
    report[BEGAN] = NOTHING;
    report[ENDED] = NOTHING;
  }
}

registerProcessor("meter", Meter);
