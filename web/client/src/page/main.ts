// The page. What stays the same for those who test it or put their own look on it:
//
// - The buttons named Talk and Hang up (`#talk`, one button) and Mute and Unmute (`#mute`), in the page's language.
// - `?transport=livekit|whip`: the way in, livekit without it. `?lang=en|ar`: the language, the browser's without it.
// - `document.body.dataset.state`: idle, requesting, connecting, live, ended or failed.
// - `window.firstword`, below.

import { followPermission, onDevicesChanged, soundDevices } from "../lib/audio/devices";
import { Levels } from "../lib/audio/levels";
import { Microphone, USUAL_SOUND } from "../lib/audio/microphone";
import { microphoneSound } from "../lib/audio/roomSound";
import { Speaker } from "../lib/audio/speaker";
import { Call, type CallState, type NoticeCode, type Timings } from "../lib/call";
import { type FailureCode, asFailure } from "../lib/failure";
import { LiveKitTransport } from "../lib/livekit/liveKitTransport";
import type { Report } from "../lib/monitor/report";
import { type Line, Transcript } from "../lib/transcript";
import type { TransportEvents, TransportKind } from "../lib/transport";
import { WhipTransport } from "../lib/whip/transport";
import { find } from "./dom";
import { wantedLanguage } from "./language";
import { Page } from "./page";
import { type Info, askService } from "./service";
import { Writing } from "./writing";

declare global {
  interface Window {
    /** What the page knows, for tests and for the curious. Codes, no words. */
    readonly firstword: {
      readonly state: CallState;
      readonly timings: Timings;
      readonly transcript: readonly Line[];
      readonly transport: TransportKind;
      readonly notice: NoticeCode | null;
      readonly failure: FailureCode | null;
      /** The PerformanceMonitor's report as it is now: see lib/monitor/report.ts. */
      report(): Report;
    };
  }
}

const way: TransportKind = new URLSearchParams(location.search).get("transport") === "whip" ? "whip" : "livekit";
let info: Info = {};
let permission: PermissionState | null = null;
let asked = USUAL_SOUND;
/** Whether what belongs to a call is still to be ended with it. */
let calling = false;

const speaker = new Speaker();
const transcript = new Transcript((line) => page.line(line));
let microphone: Microphone;
const call = new Call(
  {
    transport: wayIn,
    levels: new Levels(),
    transcript,
    speaker,
    microphone: (events) => (microphone = new Microphone(events)),
    reportUrl: "/api/report",
  },
  {
    changed: show,
    level: (side, level, peak) => page.level(side, level, peak),
    clipping: (share) => page.clipping(share),
    silent: (silent) => page.silent(silent),
    quality: (look) => {
      page.heard(look);
      tellSound();
    },
    picture: (track) => page.pictureIs(track),
    gap: () => page.latencies(call.gaps.summary()),
    timeline: (message) => {
      if (!page.timelineMessage(message)) console.warn("a timeline that this page cannot show:", message);
    },
    devices: () => void tellDevices(),
    joined: (joined) => {
      tellSound();
      if (info.channel === true) writing.open(joined);
    },
  },
);
const page = new Page({
  talk: (atMs) => {
    page.clear();
    asked = USUAL_SOUND;
    // Whoever muted the last call did not mean this one.
    void call.setMuted(false);
    void call.start(atMs);
  },
  nearTalk: () => call.prepare(),
  hangUp: () => call.hangUp(),
  setMuted: (muted) => void call.setMuted(muted),
  chooseMicrophone: (id) => void microphone.choose(id).then(tellDevices, refuse),
  chooseSpeaker: (id) => void speaker.choose(id).then(tellDevices, refuse),
  chooseTransport: (kind) => {
    const here = new URL(location.href);
    here.searchParams.set("transport", kind);
    location.assign(here);
  },
  download,
});
const writing = new Writing(call.monitor, (ask) => page.ask.show(ask));

Object.defineProperty(window, "firstword", {
  value: {
    get state() {
      return call.state;
    },
    get timings() {
      return { ...call.timings };
    },
    get transcript() {
      return transcript.lines.map((line) => ({ ...line }));
    },
    get transport() {
      return way;
    },
    get notice() {
      return call.notice?.code ?? null;
    },
    get failure() {
      return call.failure?.code ?? null;
    },
    report: () => call.monitor.report(),
  } satisfies Window["firstword"],
});

find<HTMLSelectElement>("transport").value = way;
page.speak(wantedLanguage(location.search, navigator.languages));
void followPermission((state) => {
  permission = state;
  show();
  void tellDevices();
});
onDevicesChanged(() => void tellDevices());
show();
void prepare();

function show(): void {
  const { state, timings, failure, notice, muted } = call;
  page.show({ state, timings, failure, notice, muted, permission });
  // After the call has counted what it tells of.
  if (timings.first_word_ms !== null) queueMicrotask(() => page.latencies(call.gaps.summary()));
  if (call.active) calling = true;
  else if (calling) {
    calling = false;
    writing.close();
    call.prepare();
  }
}

/** What the click would otherwise wait for, after the first paint. */
async function prepare(): Promise<void> {
  info = await askService();
  call.agentName = info.agent_name ?? "";
  page.providersAre(info.providers ?? []);
  requestAnimationFrame(() => setTimeout(() => call.prepare()));
}

function wayIn(events: TransportEvents): LiveKitTransport | WhipTransport {
  const heard: TransportEvents = {
    ...events,
    sound: (sound) => {
      asked = sound;
      events.sound(sound);
    },
  };
  return way === "whip"
    ? new WhipTransport(heard, {
        iceServers: info.ice_servers,
        iceCandidatePoolSize: info.ice_pool_size,
        sound: microphoneSound(info.room_metadata),
      })
    : new LiveKitTransport(heard, { ...(info.livekit_url === undefined ? {} : { url: info.livekit_url }) });
}

function tellSound(): void {
  const given = microphone.granted();
  if (given !== null) page.soundIs(asked, given);
}

async function tellDevices(): Promise<void> {
  // A page that is not served securely has no devices.
  const list = (kind: "microphone" | "speaker") => soundDevices(kind).catch(() => []);
  const [microphones, speakers] = await Promise.all([list("microphone"), list("speaker")]);
  page.devicesAre(
    { devices: microphones, chosen: microphone.chosen },
    speaker.supported ? { devices: speakers, chosen: speaker.chosen } : null,
  );
}

function refuse(error: unknown): void {
  page.refusedDevice(asFailure(error));
}

function download(): void {
  const { name, blob } = call.monitor.downloadable();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // Not at once: the browser may still be reading.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
