// The page: its one button, and what the call shows while it goes on.

import { setLogLevel } from "livekit-client";
import { Call, type CallState, type Timings } from "./call";
import { Levels } from "./levels";
import { TimelineView } from "./timeline";
import { type Line, Transcript } from "./transcript";
import { element, milliseconds } from "./waterfall";

declare global {
  interface Window {
    /** What the page knows, for tests and for the curious. */
    firstword: { readonly state: CallState; readonly timings: Timings; readonly transcript: readonly Line[] };
  }
}

interface Info {
  livekit_url?: string;
  agent_name?: string;
  providers?: { role: string; name: string; mode: "real" | "simulated" }[];
}

setLogLevel("warn");

const find = <Found extends HTMLElement>(id: string): Found => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as Found;
};

const talk = find<HTMLButtonElement>("talk");
const lines = new Map<Line, HTMLElement>();
const timeline = new TimelineView(find("timeline"));
const transcript = new Transcript(showLine);
const call = new Call(new Levels(), transcript, {
  changed: show,
  level: (side, level) => find(`level-${side}`).style.setProperty("--level", level.toFixed(3)),
  timeline: (message) => {
    if (timeline.receive(message)) show();
    else console.warn("a timeline that this page cannot show:", message);
  },
});

window.firstword = {
  get state() {
    return call.state;
  },
  get timings() {
    return { ...call.timings };
  },
  get transcript() {
    return transcript.lines.map((line) => ({ ...line }));
  },
};

talk.addEventListener("click", () => {
  if (call.active) {
    call.hangUp();
    return;
  }
  lines.clear();
  find("transcript").replaceChildren();
  timeline.clear();
  void call.start();
});
// The server hears of it at once, not by a timeout; a page that comes back from the cache is ready for a new call.
window.addEventListener("pagehide", () => call.hangUp());
void tellAbout();
show();

function show(): void {
  document.body.dataset.state = call.state;
  talk.textContent = call.active ? "Hang up" : call.state === "idle" ? "Talk" : "Talk again";
  find("status").textContent = status();
  showNumber();
  setText("notice", call.notice);
  find("failure").hidden = call.failure === null;
  find("failure-title").textContent = call.failure?.title ?? "";
  find("failure-advice").textContent = call.failure?.advice ?? "";
  timeline.draw(call.timings);
  find("timeline-empty").hidden = find("timeline").childElementCount > 0;
  find("transcript-empty").hidden = transcript.lines.length > 0;
}

function status(): string {
  switch (call.state) {
    case "idle":
      return "Ready";
    case "requesting":
      return "Opening the call";
    case "connecting":
      return "Joining";
    case "live":
      return call.timings.agent_track_ms === null ? "Waiting for the agent" : "Live";
    case "ended":
      return "Call ended";
    case "failed":
      return "No call";
  }
}

/** The one number; before there is one, a headline, and for a failure its own words. */
function showNumber(): void {
  const { first_word_ms: fromClick, joining_ms: joining } = call.timings;
  const heard = fromClick !== null;
  find("headline").hidden = heard;
  find("hero").hidden = !heard && call.failure !== null;
  find("number").hidden = !heard;
  if (!heard || joining === null) {
    find("headline").textContent = headline();
    find("caption").textContent = call.state === "idle" ? "Press Talk, allow the microphone, and listen." : "";
    return;
  }
  const [digits = "", unit = ""] = milliseconds(fromClick).split(" ");
  find("digits").textContent = digits;
  find("unit").textContent = unit;
  const second = element("span", "second");
  second.append(element("b", "", milliseconds(fromClick - joining)), " from joining");
  find("caption").replaceChildren("to first word, from the click", second);
}

function headline(): string {
  switch (call.state) {
    case "idle":
      return "How long until the agent speaks?";
    case "ended":
      return "The call ended before the first word.";
    default:
      return "Listening for the first word";
  }
}

function showLine(line: Line): void {
  let item = lines.get(line);
  if (item === undefined) {
    item = element("li", `line ${line.who}`);
    const text = element("p", "text");
    text.dir = "auto";
    item.append(element("span", "who", line.who === "caller" ? "You" : "Agent"), text);
    lines.set(line, item);
    find("transcript").append(item);
  }
  const text = item.lastElementChild;
  if (text !== null) text.textContent = line.text;
  item.classList.toggle("interim", !line.final);
  // A screen reader hears a line once, when it stands.
  item.ariaHidden = line.final ? null : "true";
  find("transcript-empty").hidden = true;
  const list = find("transcript");
  list.scrollTop = list.scrollHeight;
}

/** What the server knows before a call: where LiveKit is, and which providers are real. */
async function tellAbout(): Promise<void> {
  const response = await fetch("/api/info").catch(() => null);
  if (response === null || !response.ok) return;
  const info = (await response.json()) as Info;
  call.agentName = info.agent_name ?? "";
  if (info.livekit_url !== undefined) call.prepare(info.livekit_url);
  const providers = find("providers");
  for (const { role, name, mode } of info.providers ?? []) {
    const entry = element("div", mode);
    entry.append(element("dt", "", role), element("dd", "", name), element("dd", "mode", mode));
    providers.append(entry);
  }
  providers.hidden = providers.childElementCount === 0;
}

function setText(id: string, text: string): void {
  find(id).textContent = text;
  find(id).hidden = text === "";
}
