// Many calls from one page, for the load test: opened one after the other, counted, hung up.

import { Levels } from "../lib/audio/levels";
import { Call } from "../lib/call";
import { LiveKitTransport } from "../lib/livekit/liveKitTransport";
import { WhipTransport } from "../lib/whip/transport";
import { type Plan, readPlan } from "./plan";
import { Voices } from "./voices";

interface LoadReport {
  asked: number;
  transport: string;
  started: number;
  connected: number;
  /** Calls in which the agent was heard. */
  heard: number;
  failed: number;
  /** Now. */
  open: number;
  /** From the start of a call to the agent's first audible sample, one for each that was heard. */
  sounds_ms: number[];
  /** Words of each call that failed. */
  failures: string[];
}

declare global {
  interface Window {
    /** For the driver of the load test. */
    load: { readonly done: boolean; report(): LoadReport };
  }
}

const HEARD_LIMIT_MS = 30_000;

const find = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
};

const counts: LoadReport = {
  asked: 0,
  transport: "",
  started: 0,
  connected: 0,
  heard: 0,
  failed: 0,
  open: 0,
  sounds_ms: [],
  failures: [],
};
let done = false;
window.load = {
  get done() {
    return done;
  },
  report: () => structuredClone(counts),
};

try {
  const plan = readPlan(new URLSearchParams(location.search));
  find("plan").textContent = `${plan.calls} calls by ${plan.transport}, one each ${plan.staggerMs} ms.`;
  const start = find("start") as HTMLButtonElement;
  const run = (): void => {
    start.hidden = true;
    void runAll(plan);
  };
  if (plan.starts) run();
  else start.addEventListener("click", run);
} catch (error) {
  find("plan").textContent = error instanceof Error ? error.message : String(error);
  find("start").hidden = true;
}

async function runAll(plan: Plan): Promise<void> {
  counts.asked = plan.calls;
  counts.transport = plan.transport;
  const context = new AudioContext();
  const levels = new Levels();
  // A call that ends would halt the meters of all others.
  levels.suspend = () => undefined;
  await context.resume();
  const voices = new Voices(context);
  const calls: Promise<void>[] = [];
  for (let number = 0; number < plan.calls; number++) {
    if (number > 0) await passed(plan.staggerMs);
    calls.push(one(plan, levels, voices));
  }
  await Promise.all(calls);
  await levels.close();
  await context.close();
  done = true;
}

async function one(plan: Plan, levels: Levels, voices: Voices): Promise<void> {
  let looked = (): void => undefined;
  const call = new Call(
    {
      transport: (events) => (plan.transport === "whip" ? new WhipTransport(events) : new LiveKitTransport(events)),
      levels,
      microphone: () => voices.microphone(),
    },
    { changed: () => looked() },
  );
  counts.started += 1;
  counts.open += 1;
  show();
  const heard = new Promise<boolean>((resolve) => {
    const limit = setTimeout(() => resolve(false), HEARD_LIMIT_MS);
    let connected = false;
    looked = () => {
      if (!connected && call.state === "live") {
        connected = true;
        counts.connected += 1;
      }
      if (call.timings.first_word_ms === null && call.active) return;
      clearTimeout(limit);
      resolve(call.timings.first_word_ms !== null);
    };
  });
  void call.start();
  if (await heard) {
    counts.heard += 1;
    counts.sounds_ms.push(call.timings.first_word_ms ?? 0);
    show();
    await passed(plan.stayMs);
  }
  if (call.timings.first_word_ms === null || call.failure !== null) {
    counts.failed += 1;
    counts.failures.push(call.failure?.message ?? `nothing was heard within ${HEARD_LIMIT_MS / 1000} s`);
  }
  call.hangUp();
  counts.open -= 1;
  show();
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function show(): void {
  const { sounds_ms: sounds, failures, ...numbers } = counts;
  const sorted = [...sounds].sort((one, other) => one - other);
  const middle = sorted[Math.floor(sorted.length / 2)];
  const told = { ...numbers, "first word, p50 ms": middle === undefined ? "" : Math.round(middle) };
  find("counts").replaceChildren(
    ...Object.entries(told).flatMap(([name, value]) => {
      const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = name;
      detail.textContent = String(value);
      return [term, detail];
    }),
  );
  find("failures-title").hidden = failures.length === 0;
  find("failures").replaceChildren(
    ...failures.map((failure) => {
      const item = document.createElement("li");
      item.textContent = failure;
      return item;
    }),
  );
}
