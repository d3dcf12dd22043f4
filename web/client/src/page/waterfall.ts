// A timeline as rows of bars on one scale of milliseconds: what ran when, and what came out when.

import { element } from "./dom";
import { decimal, milliseconds, words } from "./language";

export interface Span {
  name: string;
  begin_ms: number;
  end_ms: number | null;
  failed: string | null;
}

export interface Mark {
  name: string;
  at_ms: number;
}

export interface Timeline {
  spans: Span[];
  marks: Mark[];
}

export interface StartTimeline extends Timeline {
  v: 1;
  kind: "start";
  t0: string;
}

export interface TurnTimeline extends Timeline {
  v: 1;
  kind: "turn";
  n: number;
  gap_ms: number | null;
}

/** A message of topic `firstword.timeline`; null for one that this page does not know how to show. */
export function parseTimeline(message: string): StartTimeline | TurnTimeline | null {
  try {
    const parsed = JSON.parse(message) as StartTimeline | TurnTimeline;
    const known = parsed.v === 1 && (parsed.kind === "start" || parsed.kind === "turn");
    return known && Array.isArray(parsed.spans) && Array.isArray(parsed.marks) ? parsed : null;
  } catch {
    return null;
  }
}

/** The end of a timeline, ms; spans that are still open count from where they began. */
export function lengthMs({ spans, marks }: Timeline): number {
  return Math.max(0, ...spans.map((span) => span.end_ms ?? span.begin_ms), ...marks.map((mark) => mark.at_ms));
}

/** Rows for one timeline, drawn on a scale that ends at `fullMs`. */
export function drawRows({ spans, marks }: Timeline, fullMs: number): HTMLElement[] {
  const percent = (ms: number) => `${Math.min(100, (100 * Math.max(0, ms)) / fullMs)}%`;
  const bars = [...spans]
    .sort((a, b) => a.begin_ms - b.begin_ms)
    .map((span) => {
      const end = span.end_ms ?? fullMs;
      const bar = element("span", "bar");
      bar.style.insetInlineStart = percent(span.begin_ms);
      bar.style.inlineSize = percent(end - span.begin_ms);
      const value = span.end_ms === null ? words().open : milliseconds(end - span.begin_ms);
      const row = drawRow(span.name, bar, value, words().began(milliseconds(span.begin_ms)));
      if (span.failed !== null) {
        row.classList.add("failed");
        const why = element("p", "why", span.failed);
        why.dir = "auto";
        row.append(why);
      }
      return row;
    });
  const points = [...marks]
    .sort((a, b) => a.at_ms - b.at_ms)
    .map((mark) => {
      const point = element("span", "point");
      point.style.insetInlineStart = percent(mark.at_ms);
      const row = drawRow(mark.name, point, milliseconds(mark.at_ms), words().at);
      row.classList.add("mark");
      return row;
    });
  return [...bars, ...points];
}

/** The scale below the rows: round numbers of milliseconds. */
export function drawScale(fullMs: number): HTMLElement {
  const scale = element("div", "scale");
  scale.ariaHidden = "true";
  const step = stepMs(fullMs);
  for (let ms = 0; ms <= fullMs; ms += step) {
    const tick = element("span", "tick", ms >= 1000 ? words().tickSeconds(decimal(ms / 1000)) : decimal(ms));
    tick.style.insetInlineStart = `${(100 * ms) / fullMs}%`;
    scale.append(tick);
  }
  return scale;
}

/** The agent's name of a step, as a person reads it. */
export function stepName(name: string): string {
  const steps: Readonly<Record<string, string>> = words().steps;
  return Object.hasOwn(steps, name) ? (steps[name] as string) : readable(name);
}

function drawRow(name: string, shape: HTMLElement, value: string, spoken: string): HTMLElement {
  const row = element("li", "row");
  const track = element("span", "track");
  track.ariaHidden = "true";
  track.append(shape);
  const ms = element("span", "value", value);
  ms.title = `${spoken}: ${value}`;
  row.append(element("span", "name", stepName(name)), track, ms);
  return row;
}

function readable(name: string): string {
  const plain = name.replaceAll(/[_.]/g, " ").replace(/ ms$/, "");
  return plain
    .replaceAll(/\b(llm|tts|stt|vad)\b/gi, (short) => short.toUpperCase())
    .replace(/^\w/, (first) => first.toUpperCase());
}

/** A round step that leaves at most six ticks. */
function stepMs(fullMs: number): number {
  const rough = fullMs / 5;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5].find((factor) => factor * magnitude >= rough) ?? 10) * magnitude;
}
