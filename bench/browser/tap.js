// Runs before the page's own scripts, and measures beside them. `benchWanted` is set before it:
//   record: rate in Hz at which microphone and agent are recorded on one clock; 0: nothing is touched but the click
//   peers: the connections are kept, for their statistics; they are with a `record`, too
//   chirps: the microphone is a source of chirps and no device; ptime: ask for packets of so many ms, 0: as it comes
(() => {
  if (window !== top) return;
  const wanted = { record: 0, peers: false, chirps: false, ptime: 0, ...window.benchWanted };
  const bench = (window.bench = { click: null, tracks: 0, peers: [] });
  document.addEventListener("click", (event) => (bench.click = { stamp: event.timeStamp, handled: performance.now() }), true);
  if (!wanted.record && !wanted.peers) return;

  const Native = RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...options) {
      super(...options);
      bench.peers.push(this);
      this.addEventListener("track", ({ track }) => {
        if (track.kind !== "audio") return;
        bench.tracks += 1;
        if (wanted.record) listen(track, 1);
      });
    }
    setRemoteDescription(description) {
      return super.setRemoteDescription(description?.sdp ? shorter(description) : description);
    }
  };

  // What the other side says of its packets is what this side's encoder follows.
  function shorter({ type, sdp }) {
    if (!wanted.ptime) return { type, sdp };
    const [head, ...media] = sdp.split(/(?=^m=)/m);
    const asked = `a=ptime:${wanted.ptime}\r\na=maxptime:${wanted.ptime}\r\n`;
    return { type, sdp: head + media.map((part) => (part.startsWith("m=audio") ? part + asked : part)).join("") };
  }

  /** What has been heard so far, as the browser sums it up: it grows only while something sounds. */
  bench.energy = async () => {
    let energy = 0;
    for (const peer of bench.peers)
      for (const report of (await peer.getStats()).values())
        if (report.type === "inbound-rtp" && report.kind === "audio") energy += report.totalAudioEnergy ?? 0;
    return energy;
  };
  if (!wanted.record) return;

  const WORKLET = `registerProcessor("pair", class extends AudioWorkletProcessor {
    constructor() { super(); this.fresh(); }
    fresh() { this.pair = [0, 1].map(() => new Int16Array(128 * 64)); this.filled = 0; this.begin = currentFrame; }
    process(inputs) {
      for (const side of [0, 1]) {
        const samples = inputs[side][0];
        if (samples) for (let i = 0; i < 128; i++)
          this.pair[side][this.filled + i] = Math.max(-1, Math.min(1, samples[i])) * 32767;
      }
      this.filled += 128;
      if (this.filled === 128 * 64) { this.port.postMessage({ begin: this.begin, pair: this.pair }); this.fresh(); }
      return true;
    }
  })`;
  const context = new AudioContext({ latencyHint: "interactive", sampleRate: wanted.record });
  const chirps = new GainNode(context);
  const microphone = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  chirps.connect(microphone);
  let node;
  let blocks = [];
  const ready = context.audioWorklet.addModule(URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }))).then(() => {
    node = new AudioWorkletNode(context, "pair", { numberOfInputs: 2, channelCount: 1, channelCountMode: "explicit" });
    node.port.onmessage = ({ data }) => {
      blocks.push(data);
      // The audio clock is read in steps and late: the least difference is the nearest.
      offset = Math.min(offset, performance.now() - context.currentTime * 1000);
    };
    node.connect(new GainNode(context, { gain: 0 })).connect(context.destination);
    chirps.connect(node, 0, 0);
  });
  let offset = Infinity;

  async function listen(track, side) {
    await ready;
    void context.resume();
    new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([track]) }).connect(node, 0, side);
  }

  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    if (wanted.chirps) {
      await ready;
      await context.resume();
      return microphone.stream.clone();
    }
    const stream = await open(constraints);
    void listen(stream.getAudioTracks()[0].clone(), 0);
    return stream;
  };

  /** `count` chirps of 100 ms, from 500 to 2500 Hz, 0.7 to 0.8 s apart; returns when the last one should be back. */
  bench.chirp = async (count) => {
    const rate = context.sampleRate;
    const buffer = new AudioBuffer({ length: rate / 10, sampleRate: rate });
    const samples = buffer.getChannelData(0);
    for (let i = 0; i < samples.length; i++) {
      const at = i / rate;
      samples[i] = 0.5 * Math.sin(2 * Math.PI * (500 * at + 10000 * at * at));
    }
    let at = context.currentTime + 0.3;
    let last;
    for (let number = 0; number < count; number++, at += 0.7 + 0.1 * Math.random()) {
      last = new AudioBufferSourceNode(context, { buffer });
      last.connect(chirps);
      last.start(at);
    }
    await new Promise((over) => (last.onended = over));
    await new Promise((over) => setTimeout(over, 1500));
  };

  /** This browser alone: from one connection to another one in the same page, without a server. */
  bench.alone = async () => {
    await ready;
    await context.resume();
    const [from, to] = [new Native(), new Native()];
    bench.peers.push(from, to);
    from.onicecandidate = ({ candidate }) => void to.addIceCandidate(candidate);
    to.onicecandidate = ({ candidate }) => void from.addIceCandidate(candidate);
    const heard = new Promise((there) => {
      to.ontrack = ({ track }) => {
        const element = new Audio(); // a remote track sounds in no context before an element plays it
        element.srcObject = new MediaStream([track]);
        bench.element = element;
        void listen(track, 1).then(there);
        void element.play();
      };
    });
    from.addTrack(microphone.stream.getAudioTracks()[0], microphone.stream);
    await from.setLocalDescription();
    await to.setRemoteDescription(from.localDescription);
    await to.setLocalDescription();
    await from.setRemoteDescription(shorter(to.localDescription));
    await heard;
    bench.tracks += 1;
  };

  /** Ask every receiver for the shortest jitter buffer. */
  bench.hurry = () => {
    for (const peer of bench.peers) for (const receiver of peer.getReceivers()) receiver.jitterBufferTarget = 0;
  };

  bench.forget = () => void (blocks = []);

  /** Both sides since `forget` as base64 of 16 bit mono; `beginMs`: their first sample on performance.now(). */
  bench.recorded = () => {
    const begin = blocks[0]?.begin ?? 0;
    const sides = [0, 1].map((side) => {
      const bytes = blocks.map(({ pair }) => new Uint8Array(pair[side].buffer));
      let text = "";
      for (const part of bytes) for (let i = 0; i < part.length; i += 8192) text += String.fromCharCode(...part.subarray(i, i + 8192));
      return btoa(text);
    });
    return { rate: context.sampleRate, beginMs: offset + (begin / context.sampleRate) * 1000, microphone: sides[0], agent: sides[1] };
  };

  /** The receiving and the sending side of the connections that carry sound. */
  bench.stats = async () => {
    const found = { jitter_ms_total: 0, emitted: 0, concealed: 0, received: 0, rtt_ms: null, sent: 0 };
    for (const peer of bench.peers) {
      for (const report of (await peer.getStats()).values()) {
        if (report.type === "inbound-rtp" && report.kind === "audio") {
          found.jitter_ms_total += report.jitterBufferDelay * 1000;
          found.emitted += report.jitterBufferEmittedCount;
          found.concealed += report.concealedSamples ?? 0;
          found.received += report.packetsReceived;
        }
        if (report.type === "outbound-rtp" && report.kind === "audio") found.sent += report.packetsSent;
        if (report.type === "candidate-pair" && report.nominated && report.currentRoundTripTime !== undefined)
          found.rtt_ms = report.currentRoundTripTime * 1000;
      }
    }
    return found;
  };
})();
