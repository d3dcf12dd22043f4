// The timelines of a call on the page: its newest turn, the ones before it, and its start as browser and agent saw it.

import type { Timings } from "../lib/call";
import { element } from "./dom";
import { count, milliseconds, words } from "./language";
import {
  type Mark,
  type Span,
  type StartTimeline,
  type Timeline,
  type TurnTimeline,
  drawRows,
  drawScale,
  lengthMs,
  parseTimeline,
  stepName,
} from "./waterfall";

/** A long call keeps as many, and forgets the oldest. */
const TURNS_KEPT = 30;

export class TimelineView {
  private start: StartTimeline | null = null;
  private readonly turns = new Map<TurnTimeline, HTMLDetailsElement>();
  private readonly chart = fold("chart");
  private timings: Timings | null = null;

  constructor(private readonly place: HTMLElement) {}

  get empty(): boolean {
    return this.place.childElementCount === 0;
  }

  clear(): void {
    this.start = null;
    this.turns.clear();
    this.place.replaceChildren();
    this.chart.open = true;
  }

  /** Takes a message of the agent in; false if it is none that is known. Drawn at the next `show` or `draw`. */
  receive(message: string): boolean {
    const timeline = parseTimeline(message);
    if (timeline === null) return false;
    if (timeline.kind === "start") this.start = timeline;
    else this.addTurn(timeline);
    return true;
  }

  show(timings: Timings): void {
    this.timings = timings;
    this.draw();
  }

  draw(): void {
    if (this.timings === null) return;
    const browser = browserTimeline(this.timings);
    const fullMs = 1.02 * Math.max(lengthMs(browser), this.start === null ? 0 : lengthMs(this.start));
    if (fullMs > 0) {
      const w = words();
      const groups = [group(w.inBrowser, w.fromClick, browser, fullMs)];
      if (this.start !== null) groups.push(group(w.atAgent, zeroOf(this.start), this.start, fullMs));
      fill(this.chart, [element("span", "name", w.startOfCall)], [...groups, drawScale(fullMs)]);
      // The oldest of all, so the last.
      if (!this.chart.isConnected) this.place.append(this.chart);
    }
    // One scale for all turns, so that they can be compared.
    const turnMs = Math.max(1, 1.02 * Math.max(0, ...[...this.turns.keys()].map(lengthMs)));
    for (const [turn, details] of this.turns) fill(details, titleOf(turn), [rows(turn, turnMs), drawScale(turnMs)]);
  }

  private addTurn(turn: TurnTimeline): void {
    // The newest turn is the one to look at; a person can open any.
    const newest = [...this.turns.values()].at(-1);
    if (newest === undefined) this.chart.open = false;
    else newest.open = false;
    const details = fold("turn");
    this.turns.set(turn, details);
    this.place.prepend(details);
    const [oldest] = this.turns;
    if (oldest === undefined || this.turns.size <= TURNS_KEPT) return;
    this.turns.delete(oldest[0]);
    oldest[1].remove();
  }
}

/** What the page measured itself, in the shape of the agent's timelines. */
function browserTimeline(timings: Timings): Timeline {
  const spans: Span[] = [];
  const span = (name: string, begin_ms: number | null, end_ms: number | null) => {
    if (begin_ms !== null && end_ms !== null) spans.push({ name, begin_ms, end_ms, failed: null });
  };
  span("token", 0, timings.token_ms);
  span("microphone", 0, timings.microphone_ms);
  span("joining", timings.joining_ms, timings.connected_ms);
  span("posting", timings.posted_ms, timings.answered_ms);
  span("connecting", timings.answered_ms, timings.connected_ms);
  const marks: Mark[] = [];
  if (timings.agent_track_ms !== null) marks.push({ name: "agent_track", at_ms: timings.agent_track_ms });
  if (timings.first_word_ms !== null) marks.push({ name: "first_word_heard", at_ms: timings.first_word_ms });
  return { spans, marks };
}

function fold(className: string): HTMLDetailsElement {
  const made = element("details", className);
  made.open = true;
  made.append(element("summary", ""));
  return made;
}

/** The summary itself stays: it may have the focus. */
function fill(details: HTMLDetailsElement, title: HTMLElement[], content: HTMLElement[]): void {
  const [summary, ...old] = details.children;
  summary?.replaceChildren(...title);
  for (const child of old) child.remove();
  details.append(...content);
}

function titleOf(turn: TurnTimeline): HTMLElement[] {
  const name = element("span", "name", words().turn(count(turn.n)));
  if (turn.gap_ms === null) return [name];
  // Heard without it, "Turn 2 705 ms" is one number.
  const pause = element("span", "sr", ", ");
  const what = element("span", "what", ` ${words().untilReply}`);
  return [name, pause, element("span", "value", milliseconds(turn.gap_ms)), what];
}

function zeroOf({ t0 }: StartTimeline): string {
  return t0 === "dispatch" ? words().fromDispatch : words().from(stepName(t0));
}

function group(title: string, zero: string, timeline: Timeline, fullMs: number): HTMLElement {
  const made = element("div", "group");
  const heading = element("h3", "", title);
  heading.append(" ", element("span", "zero", zero));
  made.append(heading, rows(timeline, fullMs));
  return made;
}

function rows(timeline: Timeline, fullMs: number): HTMLElement {
  const list = element("ol", "rows");
  list.append(...drawRows(timeline, fullMs));
  return list;
}
