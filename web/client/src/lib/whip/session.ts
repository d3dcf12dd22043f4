// One peer connection and its session at a WHIP endpoint: offer and answer, candidates, ICE restart, the end.

import { type Answer, WhipError, ask, letGo } from "./requests";
import { afterRestart, forVoice, fragment, iceSection, withoutCandidates } from "./sdp";

export interface SessionEvents {
  connection(state: RTCPeerConnectionState): void;
  /** The other side has closed the session, on purpose. */
  ended(): void;
  track(track: MediaStreamTrack): void;
  message(text: string): void;
  /** The channel for messages is open. */
  listening(): void;
}

/** Where the session is asked for, and with what. */
export interface Door {
  endpoint: URL;
  headers: Record<string, string>;
  attempts: number;
  limitS: number;
  posted(): void;
}

const PATCH_LIMIT_S = 5;
/** Candidates come in bursts: those of one go together. */
const BURST_MS = 100;
/** Any name that is not one of LiveKit's own channels; the server sends on the first such channel that is opened. */
const CHANNEL = "firstword";
const SDP = "application/sdp";
const FRAGMENT = "application/trickle-ice-sdpfrag";

export class WhipSession {
  readonly peer: RTCPeerConnection;
  readonly sender: RTCRtpSender;
  readonly preparedAtMs = performance.now();
  private readonly channel: RTCDataChannel;
  private readonly decoder = new TextDecoder();
  private offered: Promise<string> | null = null;
  private resource: URL | null = null;
  private headers: Record<string, string> = {};
  private etag: string | null = null;
  private closed = false;
  /** Since the last offer, and not sent yet. */
  private candidates: string[] = [];
  private complete = false;
  private burst: ReturnType<typeof setTimeout> | undefined;
  private patching: Promise<void> = Promise.resolve();
  /** From the offer of new credentials until they are taken: candidates of theirs wait. */
  private restarting = false;

  constructor(
    configuration: RTCConfiguration,
    private readonly events: SessionEvents,
  ) {
    this.peer = new RTCPeerConnection({ ...configuration, bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
    // Its track may come later: the microphone does not hold up the offer.
    this.sender = this.peer.addTransceiver("audio", { direction: "sendrecv" }).sender;
    this.channel = this.peer.createDataChannel(CHANNEL);
    this.channel.binaryType = "arraybuffer";
    this.channel.onopen = () => this.events.listening();
    this.channel.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      this.events.message(typeof data === "string" ? data : this.decoder.decode(data));
    };
    this.peer.ontrack = ({ track }) => this.events.track(track);
    this.peer.onconnectionstatechange = () => this.events.connection(this.peer.connectionState);
    this.peer.onicecandidate = ({ candidate }) => this.found(candidate);
  }

  /** Makes the offer, once. Good before the click: it asks for nothing. */
  offer(): Promise<string> {
    this.offered ??= this.propose({});
    return this.offered;
  }

  /** Sends the offer and takes the answer. Throws WhipError; if `close` came first, also what the browser throws. */
  async open(door: Door): Promise<Answer> {
    this.headers = door.headers;
    const body = forVoice(withoutCandidates(await this.offer()));
    door.posted();
    const answer = await ask(door.endpoint, {
      method: "POST",
      headers: { ...this.headers, "Content-Type": SDP },
      body,
      limitS: door.limitS,
      attempts: door.attempts,
      enough: () => this.closed,
    });
    const location = answer.headers.get("Location");
    this.resource = location === null ? null : new URL(location, answer.url);
    this.etag = answer.headers.get("ETag");
    if (this.closed) {
      // Whoever asked has gone meanwhile: the session is one that nobody wants.
      if (this.resource !== null) letGo(this.resource, this.headers, false);
      throw new WhipError("closed", "closed before the answer came");
    }
    await this.peer.setRemoteDescription({ type: "answer", sdp: forVoice(answer.text) });
    this.watchTheEnd();
    this.trickle();
    return answer;
  }

  /** New ICE for the same session. Throws WhipError. */
  async restart(): Promise<void> {
    if (this.resource === null || this.etag === null) throw new WhipError("refused", "the session knows no ICE restart", 405);
    await this.patching;
    // An offer that did not get through is sent again: another one would change the credentials once more.
    const pending = this.restarting ? this.peer.pendingLocalDescription?.sdp : undefined;
    this.restarting = true;
    if (pending === undefined) {
      this.candidates = [];
      this.complete = false;
    }
    const answer = await ask(this.resource, {
      method: "PATCH",
      headers: { ...this.headers, "Content-Type": FRAGMENT, "If-Match": "*" },
      body: fragment(iceSection(pending ?? (await this.propose({ iceRestart: true })))),
      limitS: PATCH_LIMIT_S,
    });
    if (answer.status !== 200 || !answer.text.includes("ice-ufrag")) {
      throw new WhipError("refused", "the ICE restart was not answered with new credentials", answer.status);
    }
    const known = this.peer.currentRemoteDescription?.sdp ?? "";
    await this.peer.setRemoteDescription({ type: "answer", sdp: afterRestart(known, answer.text) });
    this.etag = answer.headers.get("ETag") ?? this.etag;
    this.restarting = false;
    this.trickle();
  }

  /** Whether the other side has closed it. */
  get ended(): boolean {
    return this.sender.transport?.state === "closed";
  }

  /** False while there is no channel to send on. */
  send(text: string): boolean {
    if (this.channel.readyState !== "open") return false;
    this.channel.send(text);
    return true;
  }

  /** At once. An answer that is still on its way is given back when it comes. */
  close(leaving: boolean): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.burst);
    this.channel.onopen = this.channel.onmessage = null;
    this.peer.ontrack = this.peer.onconnectionstatechange = this.peer.onicecandidate = null;
    if (this.sender.transport !== null) this.sender.transport.onstatechange = null;
    if (this.resource !== null && !this.ended) letGo(this.resource, this.headers, leaving);
    this.peer.close();
  }

  private async propose(options: RTCOfferOptions): Promise<string> {
    const offer = await this.peer.createOffer(options);
    await this.peer.setLocalDescription(offer);
    return offer.sdp ?? "";
  }

  private watchTheEnd(): void {
    const transport = this.sender.transport;
    if (transport === null) return;
    transport.onstatechange = () => {
      if (transport.state === "closed") this.events.ended();
    };
  }

  private found(candidate: RTCIceCandidate | null): void {
    if (candidate === null || candidate.candidate === "") this.complete = true;
    else this.candidates.push(candidate.candidate);
    clearTimeout(this.burst);
    this.burst = setTimeout(() => this.trickle(), BURST_MS);
  }

  /** Tells the server what is known and not yet told, in one PATCH after another. */
  private trickle(): void {
    if (this.closed || this.restarting || this.resource === null || this.etag === null) return;
    if (this.candidates.length === 0 && !this.complete) return;
    const { resource, etag } = this;
    const body = fragment(iceSection(this.peer.localDescription?.sdp ?? ""), this.candidates, this.complete);
    this.candidates = [];
    this.complete = false;
    const headers = { ...this.headers, "Content-Type": FRAGMENT, "If-Match": etag };
    this.patching = this.patching
      .then(() => ask(resource, { method: "PATCH", headers, body, limitS: PATCH_LIMIT_S, attempts: 2 }))
      .then(
        () => undefined,
        (error: unknown) => {
          // Without them the server learns the addresses from what arrives, as a rule: the call may well go on.
          if (!this.closed) console.warn("the server did not take the ICE candidates:", error);
        },
      );
  }
}
