// One AudioContext with its meters, and how nothing of it stays behind.

import { AudioClock } from "./audioClock";

declare const METER_URL: string;

const RATE_HZ = 48_000;
const END_MS = 1000;

/**
 * For one call, not for the life of the page, because of what Chromium 156 keeps (measured): a context keeps each of its
 * MediaStreamAudioSourceNodes until it is closed, and a meter keeps its context, closed or not, unless its processor has
 * returned false while it was connected and running. A new context with its worklet is there within 20 ms, long before
 * there is a voice to be measured.
 */
export class CallSound {
  readonly context = openContext();
  readonly clock = new AudioClock(this.context);
  readonly ready: Promise<void> = this.context.audioWorklet.addModule(METER_URL);
  closed = false;
  // Silent, but connected: the browser runs only what leads to the output.
  private readonly sink = new GainNode(this.context, { gain: 0 });
  private readonly meters = new Map<AudioWorkletNode, Promise<void>>();
  private readonly stops = new Set<() => void>();

  constructor() {
    this.sink.connect(this.context.destination);
    // Met again, with its cause, by the first meter.
    this.ready.catch(() => undefined);
  }

  /** Hands the meter's reports of `track` to `take` until the returned function is called; `ready` must be done. */
  meter(track: MediaStreamTrack, take: (report: Float64Array) => void): () => void {
    const source = new MediaStreamAudioSourceNode(this.context, { mediaStream: new MediaStream([track]) });
    const meter = new AudioWorkletNode(this.context, "meter", { channelCount: 1, channelCountMode: "explicit" });
    let ended: () => void = () => undefined;
    this.meters.set(meter, new Promise((resolve) => (ended = resolve)));
    meter.port.onmessage = ({ data }: MessageEvent<Float64Array>) => take(data);
    source.connect(meter).connect(this.sink);
    const stop = () => {
      if (!this.stops.delete(stop)) return;
      source.disconnect();
      meter.port.onmessage = ({ data }: MessageEvent<Float64Array | null>) => {
        if (data !== null) return;
        meter.port.onmessage = null;
        meter.port.close();
        meter.disconnect();
        this.meters.delete(meter);
        ended();
      };
      meter.port.postMessage("stop");
    };
    this.stops.add(stop);
    return stop;
  }

  /** More than once is allowed. A context that the browser does not let run is closed after a second. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const stop of [...this.stops]) stop();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, END_MS)));
    await Promise.race([Promise.all(this.meters.values()), late]);
    clearTimeout(timer);
    this.sink.disconnect();
    await this.context.close();
  }
}

function openContext(): AudioContext {
  try {
    return new AudioContext({ latencyHint: "interactive", sampleRate: RATE_HZ });
  } catch {
    return new AudioContext({ latencyHint: "interactive" }); // the rate of the sound card, then
  }
}
