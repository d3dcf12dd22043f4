// What the caller says before anybody can hear it is held, and sent when somebody can.
//
// It is told late then, and the lateness is taken out of the caller's own pauses. Who says nothing that early, nearly
// everybody, is sent as they speak, with nothing in between.

export interface EarlyVoiceEvents {
  /** Something is said already: send `track` from now on. */
  spoke(): void;
  /** Nothing is owed any more: send the microphone itself. */
  done(): void;
}

/** From the connection to the agent's ears: livekit-server tells the agent of the track, and the agent asks for it. */
const SETTLING_MS = 300;
const LOUD_RMS = 10 ** (-45 / 20);
const LOOK_EVERY_MS = 20;
const LOOK_SAMPLES = 4096;
/** Sound before a word's loud part, and after it. */
const LEAD_S = 0.15;
const TAIL_S = 0.15;
/** A shorter gap is a part of what is said. */
const PAUSE_S = 0.3;
/** Who speaks on for longer than this before being heard is heard from here. */
const MOST_S = 15;

export class EarlyVoice {
  readonly track: MediaStreamTrack;
  private readonly source: MediaStreamAudioSourceNode;
  private readonly meter: AnalyserNode;
  private readonly delay: DelayNode;
  private readonly gate: GainNode;
  private readonly output: MediaStreamAudioDestinationNode;
  private readonly samples = new Float32Array(LOOK_SAMPLES);
  /** When something was said, on the context's clock: begin and end of each part. */
  private readonly said: { beginS: number; endS: number }[] = [];
  private lookedAtS: number;
  private lateS: number | null = null;
  private readonly timer: ReturnType<typeof setInterval>;
  private settling: ReturnType<typeof setTimeout> | undefined;
  private over = false;

  constructor(
    private readonly context: AudioContext,
    microphone: MediaStreamTrack,
    private readonly events: EarlyVoiceEvents,
  ) {
    this.source = new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([microphone]) });
    this.meter = new AnalyserNode(context, { fftSize: LOOK_SAMPLES });
    this.delay = new DelayNode(context, { maxDelayTime: MOST_S });
    this.gate = new GainNode(context, { gain: 0 });
    this.output = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    const track = this.output.stream.getAudioTracks()[0];
    if (track === undefined) throw new Error("the browser gave an audio destination without a track");
    this.track = track;
    this.source.connect(this.meter);
    this.source.connect(this.delay).connect(this.gate).connect(this.output);
    this.lookedAtS = context.currentTime;
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  /** The connection stands. */
  connected(): void {
    this.settling ??= setTimeout(() => this.flow(), SETTLING_MS);
  }

  close(): void {
    if (this.over) return;
    this.over = true;
    clearInterval(this.timer);
    clearTimeout(this.settling);
    for (const node of [this.source, this.meter, this.delay, this.gate]) node.disconnect();
    this.track.stop();
  }

  private flow(): void {
    const first = this.said[0];
    if (first === undefined) {
      this.end();
      return;
    }
    this.goTo(first.beginS - LEAD_S);
    this.gate.gain.value = 1;
  }

  private look(): void {
    const now = this.context.currentTime;
    if (this.loud(now)) this.note(now);
    this.lookedAtS = now;
    if (this.lateS === null) return;
    const playing = now - this.lateS;
    const next = this.said.find(({ endS }) => endS + TAIL_S > playing);
    if (next === undefined) this.end();
    else if (next.beginS - LEAD_S > playing) this.goTo(next.beginS - LEAD_S);
  }

  private loud(now: number): boolean {
    const count = Math.min(LOOK_SAMPLES, Math.round((now - this.lookedAtS) * this.context.sampleRate));
    if (count <= 0) return false;
    this.meter.getFloatTimeDomainData(this.samples);
    let squares = 0;
    for (let at = LOOK_SAMPLES - count; at < LOOK_SAMPLES; at += 1) squares += (this.samples[at] ?? 0) ** 2;
    return squares > count * LOUD_RMS ** 2;
  }

  private note(now: number): void {
    const last = this.said.at(-1);
    if (last !== undefined && this.lookedAtS - last.endS < PAUSE_S) {
      last.endS = now;
      return;
    }
    this.said.push({ beginS: this.lookedAtS, endS: now });
    if (this.said.length === 1) this.events.spoke();
  }

  /** What came in at `atS` goes out now. */
  private goTo(atS: number): void {
    const now = this.context.currentTime;
    this.lateS = Math.min(MOST_S, Math.max(0, now - atS));
    this.delay.delayTime.setValueAtTime(this.lateS, now);
  }

  private end(): void {
    if (this.over) return;
    this.close();
    this.events.done();
  }
}
