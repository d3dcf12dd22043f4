// Runs on the audio thread: the loudness of a track, and the moment of its first audible sample.

declare const currentTime: number;
declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

const AUDIBLE_RMS = 10 ** (-45 / 20);
const REPORT_EVERY_S = 1 / 30;

class Meter extends AudioWorkletProcessor {
  private squares = 0;
  private samples = 0;
  private heard = false;

  process(inputs: Float32Array[][]): boolean {
    const channel = inputs[0]?.[0];
    if (channel === undefined) return true;
    let squares = 0;
    for (const sample of channel) squares += sample * sample;
    if (!this.heard && squares > channel.length * AUDIBLE_RMS ** 2) {
      this.heard = true;
      const loud = channel.findIndex((sample) => Math.abs(sample) >= AUDIBLE_RMS);
      this.port.postMessage({ firstAudibleAtS: currentTime + loud / sampleRate });
    }
    this.squares += squares;
    this.samples += channel.length;
    if (this.samples >= sampleRate * REPORT_EVERY_S) {
      this.port.postMessage({ rms: Math.sqrt(this.squares / this.samples) });
      this.squares = 0;
      this.samples = 0;
    }
    return true;
  }
}

registerProcessor("meter", Meter);
