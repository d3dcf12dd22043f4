// The timelines of a call on the page: its start as this browser and as the agent saw it, then each turn.

import type { Timings } from "./call";
import {
  type Mark,
  type Span,
  type StartTimeline,
  type TurnTimeline,
  drawRows,
  drawScale,
  element,
  lengthMs,
  milliseconds,
  parseTimeline,
} from "./waterfall";

export class TimelineView {
  private start: StartTimeline | null = null;
  private readonly turns = new Map<TurnTimeline, HTMLDetailsElement>();
  private readonly chart = element("div", "chart");

  constructor(private readonly place: HTMLElement) {}

  clear(): void {
    this.start = null;
    this.turns.clear();
    this.place.replaceChildren();
  }

  /** Takes a message of the agent in; false if it is none that is known. Drawn at the next `draw`. */
  receive(message: string): boolean {
    const timeline = parseTimeline(message);
    if (timeline === null) return false;
    if (timeline.kind === "start") this.start = timeline;
    else this.addTurn(timeline);
    return true;
  }

  draw(timings: Timings): void {
    const browser = browserTimeline(timings);
    const fullMs = 1.02 * Math.max(lengthMs(browser), this.start === null ? 0 : lengthMs(this.start));
    if (fullMs > 0) {
      const groups = [group("In this browser", "from the click", drawRows(browser, fullMs))];
      if (this.start !== null) groups.push(group("At the agent", `from ${this.start.t0}`, drawRows(this.start, fullMs)));
      this.chart.replaceChildren(...groups, drawScale(fullMs));
      if (!this.chart.isConnected) this.place.prepend(this.chart);
    }
    // One scale for all turns, so that they can be compared.
    const turnMs = Math.max(1, 1.02 * Math.max(0, ...[...this.turns.keys()].map(lengthMs)));
    for (const [turn, details] of this.turns) {
      const rows = element("ol", "rows");
      rows.append(...drawRows(turn, turnMs));
      // The summary stays: it may have the focus.
      while (details.childElementCount > 1) details.lastElementChild?.remove();
      details.append(rows, drawScale(turnMs));
    }
  }

  private addTurn(turn: TurnTimeline): void {
    // The newest turn is the one to look at; a person can open any.
    const newest = [...this.turns.values()].at(-1);
    if (newest !== undefined) newest.open = false;
    const details = element("details", "turn");
    details.open = true;
    const summary = element("summary", "");
    summary.append(element("span", "name", `Turn ${turn.n}`));
    if (turn.gap_ms !== null) {
      summary.append(element("span", "value", milliseconds(turn.gap_ms)), element("span", "what", "until the reply"));
    }
    details.append(summary);
    this.turns.set(turn, details);
    this.place.append(details);
  }
}

/** What the page measured itself, in the shape of the agent's timelines. */
function browserTimeline(timings: Timings): { spans: Span[]; marks: Mark[] } {
  const spans: Span[] = [];
  const span = (name: string, begin_ms: number | null, end_ms: number | null) => {
    if (begin_ms !== null && end_ms !== null) spans.push({ name, begin_ms, end_ms, failed: null });
  };
  span("token", 0, timings.token_ms);
  span("microphone", 0, timings.microphone_ms);
  span("joining", timings.joining_ms, timings.connected_ms);
  const marks: Mark[] = [];
  if (timings.agent_track_ms !== null) marks.push({ name: "agent_track", at_ms: timings.agent_track_ms });
  if (timings.first_word_ms !== null) marks.push({ name: "first_word_heard", at_ms: timings.first_word_ms });
  return { spans, marks };
}

function group(title: string, zero: string, rows: HTMLElement[]): HTMLElement {
  const made = element("div", "group");
  const heading = element("h3", "", title);
  heading.append(element("span", "zero", zero));
  const list = element("ol", "rows");
  list.append(...rows);
  made.append(heading, list);
  return made;
}
