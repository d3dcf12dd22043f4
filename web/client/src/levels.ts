// How loud each side is, and when the agent was first heard.

declare const METER_URL: string;

interface MeterMessage {
  rms?: number;
  firstAudibleAtS?: number;
}

export interface MeterEvents {
  /** 0 to 1, about 30 times a second: the loudness between -60 and 0 dBFS. */
  level(level: number): void;
  /** Once: the time of the first sample above -45 dBFS, on the clock of performance.now(). */
  firstAudible?(atMs: number): void;
}

/** One AudioContext for the life of the page; it runs only while a call does. */
export class Levels {
  private readonly context = new AudioContext({ latencyHint: "interactive" });
  private readonly ready = this.context.audioWorklet.addModule(METER_URL);
  // Silent, but connected: the browser runs only what leads to the output.
  private readonly sink = new GainNode(this.context, { gain: 0 });

  constructor() {
    this.sink.connect(this.context.destination);
    // Met again, with its cause, by the first meter.
    this.ready.catch(() => undefined);
  }

  /** Call it in the click: a browser starts sound for a person only. */
  resume(): void {
    void this.context.resume();
  }

  suspend(): void {
    void this.context.suspend();
  }

  /** Measures `track` until the returned function is called. */
  async meter(track: MediaStreamTrack, events: MeterEvents): Promise<() => void> {
    await this.ready;
    const source = new MediaStreamAudioSourceNode(this.context, { mediaStream: new MediaStream([track]) });
    const meter = new AudioWorkletNode(this.context, "meter", { channelCount: 1, channelCountMode: "explicit" });
    meter.port.onmessage = ({ data }: MessageEvent<MeterMessage>) => {
      if (data.rms !== undefined) events.level(levelOf(data.rms));
      if (data.firstAudibleAtS !== undefined) {
        // The message was under way for a while: count back on the audio clock.
        const agoMs = (this.context.currentTime - data.firstAudibleAtS) * 1000;
        events.firstAudible?.(performance.now() - agoMs);
      }
    };
    source.connect(meter).connect(this.sink);
    return () => {
      meter.port.onmessage = null;
      meter.disconnect();
      source.disconnect();
    };
  }
}

function levelOf(rms: number): number {
  const dBFS = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.min(1, Math.max(0, (dBFS + 60) / 60));
}
