// One call from the click to its end: idle -> requesting -> connecting -> live -> ended | failed.

import { ClearAudio, type ClearAudioLook } from "./audio/clearAudio";
import { Levels, type LevelsEvents } from "./audio/levels";
import { Microphone, type MicrophoneEvents, type ReplacedBecause } from "./audio/microphone";
import { ResponseGaps } from "./audio/responseGaps";
import type { MicrophoneSound } from "./audio/roomSound";
import type { CallEvents, CallMicrophone, CallOptions, CallState, CallTransport, Notice, NoticeCode, Side } from "./callOptions";
import { type CallFailure, asFailure, connectionLost, microphoneFailure, noAgent, tokenExpired } from "./failure";
import { sendReport } from "./monitor/beacon";
import { PerformanceMonitor } from "./monitor/performanceMonitor";
import { Playback } from "./playback";
import { ResourceManager } from "./resources";
import { TIMING_OF, type Timings, blankTimings } from "./timings";
import { Transcript } from "./transcript";
import type { CloseReason, Joined, Step, TransportEvents, TransportKind } from "./transport";

export type { CallEvents, CallMicrophone, CallOptions, CallState, CallTransport, Notice, NoticeCode, Side } from "./callOptions";
export type { Timings } from "./timings";

const AGENT_TIMEOUT_S = 10;
/** An agent that was lost is noticed and replaced by the service within some seconds. */
const NEXT_AGENT_TIMEOUT_S = 25;

/** A transport whose events count for as long as `open`. */
interface Line {
  open: boolean;
  transport: CallTransport;
}

/** One after another on one object; what was opened for a call is closed at its end, however it ends. */
export class Call {
  state: CallState = "idle";
  timings: Timings = blankTimings();
  failure: CallFailure | null = null;
  /** Why the call is held up, or over; null if there is nothing to say. */
  notice: Notice | null = null;
  muted = false;
  /** How clearly the agent is heard, once a second; null before it is known. */
  quality: ClearAudioLook | null = null;
  /** What the caller's client got for this call. */
  joined: Joined | null = null;
  /** Of the agent that is called, for the words of a failure. */
  agentName = "";
  readonly transcript: Transcript;
  readonly monitor: PerformanceMonitor;
  readonly microphone: CallMicrophone;
  readonly gaps = new ResponseGaps((gapMs) => this.answered(gapMs));
  private readonly levels: Levels;
  private clickedAtMs = 0;
  private abort = new AbortController();
  private resources = new ResourceManager();
  /** Made before the click by `prepare`. */
  private prepared: Line | null = null;
  private line: Line | null = null;
  private playback: Playback | null = null;
  private clearAudio: ClearAudio | null = null;
  /** Takes the agent's picture back; does nothing while there is none. */
  private unsee: () => void = () => undefined;
  private stopAwaiting: () => void = () => undefined;
  private readonly meters: Record<Side, { track: MediaStreamTrack | null; stop: () => void }> = {
    caller: { track: null, stop: () => undefined },
    agent: { track: null, stop: () => undefined },
  };

  constructor(
    private readonly options: CallOptions,
    private readonly events: CallEvents = {},
  ) {
    this.levels = options.levels ?? new Levels();
    this.transcript = options.transcript ?? new Transcript(() => undefined);
    this.monitor = options.monitor ?? new PerformanceMonitor();
    const microphoneEvents: MicrophoneEvents = {
      replaced: (track, because) => this.replaced(track, because),
      lost: () => this.tell("microphone-lost"),
      devices: (microphones) => this.events.devices?.(microphones),
    };
    this.microphone = options.microphone?.(microphoneEvents) ?? new Microphone(microphoneEvents);
  }

  get active(): boolean {
    return this.state === "requesting" || this.state === "connecting" || this.state === "live";
  }

  /** How this call, or the last one, got in; null before the first. */
  get transport(): TransportKind | null {
    return this.line?.transport.kind ?? null;
  }

  /** What this call has open now, by name: nothing after its end. */
  opened(): Record<string, number> {
    return this.resources.open();
  }

  /** What can be done before the click: run it when the page is idle, or the pointer is near the button. */
  prepare(): void {
    if (this.active) return;
    this.prepared ??= this.dial();
    // What could not be prepared is met again, with its cause, by the call.
    Promise.resolve(this.prepared.transport.prepare?.()).catch(() => undefined);
  }

  /** Another way in was chosen: what was prepared is for the old one. */
  forget(): void {
    if (this.prepared === null) return;
    this.prepared.open = false;
    this.prepared.transport.close(false);
    this.prepared = null;
  }

  /** Run it in the click, with its `event.timeStamp`. Returns when the call is live or has failed. */
  async start(clickedAtMs = performance.now()): Promise<void> {
    if (this.active) return;
    this.clickedAtMs = clickedAtMs;
    this.reset();
    const { signal } = this.abort;
    const { resources } = this;
    const line = this.prepared ?? this.dial();
    this.prepared = null;
    this.line = line;
    this.monitor.begin(line.transport.kind, clickedAtMs);
    this.levels.resume();
    resources.add("levels", () => this.levels.suspend());
    resources.add("transport", (leaving) => line.transport.close(leaving));
    resources.listen(window, "pagehide", () => this.hangUp(true));
    this.playback = new Playback(resources, this.options.speaker, (blocked) =>
      blocked ? this.tell("sound-blocked") : this.untell("sound-blocked"),
    );
    this.become("requesting");
    try {
      const joined = await line.transport.open(this.openMicrophone(resources, signal), signal);
      signal.throwIfAborted();
      this.joined = joined;
      this.monitor.joined(joined);
      this.events.joined?.(joined);
    } catch (error) {
      if (!signal.aborted) this.fail(asFailure(error));
    }
  }

  /** With `leaving` the page is about to go. */
  hangUp(leaving = false): void {
    if (this.active) this.finish("ended", leaving);
  }

  /** The agent hears silence, or the caller again. It may be set before the call and stays for the next one. */
  async setMuted(muted: boolean): Promise<void> {
    this.muted = muted;
    this.applyMuted();
    this.events.changed?.();
    if (this.active) await this.line?.transport.setMuted(muted);
  }

  private reset(): void {
    this.abort = new AbortController();
    this.resources = new ResourceManager();
    this.timings = blankTimings();
    this.failure = null;
    this.notice = null;
    this.quality = null;
    this.joined = null;
    this.clearAudio = null;
    this.transcript.clear();
    this.gaps.newCall();
  }

  private dial(): Line {
    // What an old call's transport still says is not about this one.
    const told =
      <Told extends unknown[]>(tell: (...told: Told) => void) =>
      (...said: Told): void => {
        if (line.open && this.line === line && this.active) tell(...said);
      };
    const events: TransportEvents = {
      step: told((step, atMs) => this.reached(step, atMs)),
      agentTrack: told((track) => this.hear(track)),
      agentPicture: told((track) => this.see(track)),
      agentLost: told(() => {
        this.tell("agent-lost");
        this.awaitAgent(this.options.nextAgentTimeoutS ?? NEXT_AGENT_TIMEOUT_S);
      }),
      interrupted: told(() => this.tell("interrupted")),
      restored: told(() => this.untell("interrupted")),
      closed: told((reason) => this.closed(reason)),
      words: told((part) => this.transcript.put(part)),
      timeline: told((message) => {
        this.monitor.timeline(message);
        this.events.timeline?.(message);
      }),
      sound: told((sound) => this.tune(sound)),
    };
    const line: Line = { open: true, transport: this.options.transport(events) };
    return line;
  }

  private async openMicrophone(resources: ResourceManager, signal: AbortSignal): Promise<MediaStreamTrack> {
    resources.add("microphone", () => this.microphone.close());
    let track: MediaStreamTrack;
    try {
      track = await this.microphone.open();
    } catch (error) {
      signal.throwIfAborted();
      throw microphoneFailure(error);
    }
    signal.throwIfAborted();
    this.stamp("microphone_ms");
    this.monitor.granted(this.microphone.granted());
    this.applyMuted();
    if (this.muted) void this.line?.transport.setMuted(true);
    void this.measure("caller", track);
    return track;
  }

  private applyMuted(): void {
    const { track } = this.microphone;
    if (track !== null) track.enabled = !this.muted;
  }

  private async replaced(track: MediaStreamTrack, because: ReplacedBecause): Promise<void> {
    // The new track takes this over from the old one, which a transport may have switched off as its device went.
    this.applyMuted();
    await this.line?.transport.replaceMicrophone(track);
    if (!this.active) return;
    void this.measure("caller", track);
    this.untell("microphone-lost");
    this.events.microphone?.(because);
    this.events.changed?.();
  }

  private tune(sound: MicrophoneSound): void {
    const tuned = this.microphone.tune(sound).then(() => this.monitor.granted(this.microphone.granted()));
    // As it was asked for first: a call without this is still a call.
    tuned.catch((error: unknown) => console.warn("the microphone stays as it is:", error));
  }

  private reached(step: Step, atMs: number): void {
    this.stamp(TIMING_OF[step], atMs);
    if (step === "connected") {
      this.become("live");
    } else if (this.state === "requesting") {
      this.awaitAgent(this.options.agentTimeoutS ?? AGENT_TIMEOUT_S);
      this.become("connecting");
    }
  }

  private hear(track: MediaStreamTrack): void {
    this.stopAwaiting();
    this.playback?.play(track);
    if (this.timings.agent_track_ms === null) this.stamp("agent_track_ms");
    this.untell("agent-lost");
    void this.measure("agent", track);
    if (this.clearAudio !== null) return;
    const line = this.line;
    const clearAudio = new ClearAudio(
      () => line?.transport.stats() ?? Promise.resolve(null),
      (look) => {
        this.quality = look;
        this.events.quality?.(look);
      },
    );
    this.clearAudio = clearAudio;
    clearAudio.start();
    this.resources.add("clear audio", () => clearAudio.stop());
  }

  private see(track: MediaStreamTrack | null): void {
    this.unsee();
    if (track === null) return;
    this.events.picture?.(track);
    this.unsee = this.resources.add("picture", () => {
      this.unsee = () => undefined;
      this.events.picture?.(null);
    });
  }

  /** Levels and edges of one side's newest track. */
  private async measure(side: Side, track: MediaStreamTrack): Promise<void> {
    const meter = this.meters[side];
    const { resources } = this;
    meter.stop();
    meter.track = track;
    try {
      const stop = await this.levels.meter(track, this.heard(side));
      if (resources.closed || meter.track !== track) {
        stop();
        return;
      }
      meter.stop = resources.add(`meter ${side}`, stop);
    } catch (error) {
      // A call without meters is still a call.
      console.warn("no level meter:", error);
    }
  }

  private heard(side: Side): LevelsEvents {
    const level = (loud: number, peak: number) => this.events.level?.(side, loud, peak);
    if (side === "caller") {
      return {
        ...this.gaps.caller,
        level,
        clipping: (share) => this.events.clipping?.(share),
        silent: (silent) => this.events.silent?.(silent),
      };
    }
    return {
      ...this.gaps.agent,
      level,
      firstAudible: (atMs) => {
        if (this.timings.first_word_ms !== null) return;
        this.stamp("first_word_ms", atMs);
        this.gaps.firstWord(atMs - this.clickedAtMs);
      },
    };
  }

  private answered(gapMs: number): void {
    this.monitor.gap(gapMs);
    this.events.gap?.(gapMs);
  }

  private closed(reason: CloseReason): void {
    if (reason === "lost" || reason === "expired") {
      this.fail(reason === "lost" ? connectionLost() : tokenExpired());
      return;
    }
    this.tell(reason === "agent" ? "agent-hung-up" : "ended-by-server");
    this.finish("ended", false);
  }

  private awaitAgent(limitS: number): void {
    this.stopAwaiting();
    this.stopAwaiting = this.resources.after(limitS * 1000, "agent timer", () => this.fail(noAgent(this.agentName, limitS)));
  }

  private stamp(name: keyof Timings, atMs = performance.now()): void {
    const ms = Math.round((atMs - this.clickedAtMs) * 10) / 10;
    this.timings[name] = ms;
    this.monitor.reached(name, ms);
    this.events.changed?.();
  }

  private tell(code: NoticeCode): void {
    if (!this.active) return;
    this.notice = { code };
    this.monitor.noticed(code);
    this.events.changed?.();
  }

  /** This is over; another notice stays. */
  private untell(code: NoticeCode): void {
    if (this.notice?.code !== code) return;
    this.notice = null;
    this.events.changed?.();
  }

  private fail(failure: CallFailure): void {
    if (!this.active) return;
    if (failure.code === "unexpected") console.warn("the call failed:", failure);
    this.failure = failure;
    this.notice = null;
    this.finish("failed", false);
  }

  private finish(state: "ended" | "failed", leaving: boolean): void {
    this.abort.abort();
    if (this.line !== null) this.line.open = false;
    this.resources.close(leaving);
    this.playback = null;
    for (const meter of Object.values(this.meters)) {
      meter.track = null;
      meter.stop = () => undefined;
    }
    this.monitor.end(state, this.failure, this.clearAudio?.summary() ?? null, this.gaps.summary());
    if (this.options.reportUrl !== undefined && this.joined !== null) {
      sendReport(this.options.reportUrl, this.joined.token, this.monitor.report());
    }
    this.events.level?.("caller", 0, 0);
    this.events.level?.("agent", 0, 0);
    this.become(state);
  }

  private become(state: CallState): void {
    this.state = state;
    this.events.changed?.();
  }
}
