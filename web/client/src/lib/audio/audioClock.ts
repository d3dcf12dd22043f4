// The time of a sample on the clock of performance.now().

const OBSERVED = 128; // about two seconds of two meters' reports

/**
 * Both clocks are looked at together, again and again, and the smallest distance counts: the browser renders sound in
 * bursts (10 ms on Linux), and between two of them currentTime stands still while the other clock goes on. Good to about
 * 1 ms after some reports, and up to one burst late with the first one. The output's latency is not in it.
 */
export class AudioClock {
  private readonly offsetsMs = new Float64Array(OBSERVED).fill(Number.POSITIVE_INFINITY);
  private next = 0;

  constructor(private readonly context: BaseAudioContext) {
    // The context's time stands still while it is suspended.
    context.addEventListener("statechange", () => this.offsetsMs.fill(Number.POSITIVE_INFINITY));
  }

  observe(): void {
    this.offsetsMs[this.next] = performance.now() - this.context.currentTime * 1000;
    this.next = (this.next + 1) % OBSERVED;
  }

  /** Of the beginning of this frame of the context; `observe` must have been called. */
  timeOfMs(frame: number): number {
    return (frame / this.context.sampleRate) * 1000 + Math.min(...this.offsetsMs);
  }
}
