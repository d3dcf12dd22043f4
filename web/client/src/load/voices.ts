// A caller's voice without a microphone: bursts of a tone, so that the line is neither silent nor one endless sound.

import type { CallMicrophone } from "../lib/call";

const HZ = 220;
const BURST_S = 0.6;
const PAUSE_S = 1.4;

/** One source for all calls: each has a track of its own of it. */
export class Voices {
  private readonly output: MediaStreamAudioDestinationNode;

  constructor(context: AudioContext) {
    const rate = context.sampleRate;
    const buffer = new AudioBuffer({ length: Math.round(rate * (BURST_S + PAUSE_S)), sampleRate: rate });
    const samples = buffer.getChannelData(0);
    for (let index = 0; index < rate * BURST_S; index++) samples[index] = 0.3 * Math.sin((2 * Math.PI * HZ * index) / rate);
    const source = new AudioBufferSourceNode(context, { buffer, loop: true });
    this.output = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    source.connect(this.output);
    source.start();
  }

  /** As a call uses a microphone; nobody is asked for a permission. */
  microphone(): CallMicrophone {
    let track: MediaStreamTrack | null = null;
    const [source] = this.output.stream.getAudioTracks();
    return {
      get track() {
        return track;
      },
      granted: () => null,
      open: async () => {
        if (source === undefined) throw new Error("the source of sound has no track");
        track = source.clone();
        return track;
      },
      close: () => {
        track?.stop();
        track = null;
      },
      tune: async () => undefined,
      choose: async () => undefined,
    };
  }
}
